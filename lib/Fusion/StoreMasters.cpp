// Parameters that are stored in fewer bits than updates compute in.
#include "dialect/Formats.h"
#include "dialect/Linalg.h"
#include "dialect/ops/model/Sizes.h"
#include "lib/Fusion/Masters.h"
#include "lib/Fusion/Passes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_STOREMASTERSPASS
#include "lib/Fusion/Passes.h.inc"

namespace {
struct StoreMastersPass : impl::StoreMastersPassBase<StoreMastersPass> {
  using StoreMastersPassBase::StoreMastersPassBase;

  void runOnOperation() override {
    if (masters.empty())
      return;
    if (failed(check()))
      return signalPassFailure();
    for (func::FuncOp entry : getEntries(getOperation()))
      store(entry);
  }

  /// What a parameter of `type` that is bound so is stored as, where that is not f32. Vectors and numbers have no rows.
  std::optional<Format> formatFor(BindAttr bind, Type type) const {
    if (!bind || bind.getKind() != BindingKind::parameter)
      return std::nullopt;
    for (StringRef choice : masters) {
      auto [role, format] = choice.split('=');
      if (role != bind.getRoleName())
        continue;
      auto tensor = cast<RankedTensorType>(type);
      bool hasRows = tensor.getRank() > 1 && tensor.getShape().back() > 1;
      return hasRows || format != "int8" ? symbolizeFormat(format) : std::nullopt;
    }
    return std::nullopt;
  }

  LogicalResult check() {
    SmallVector<StringRef> roles, known;
    llvm::StringSet<> names, coded;
    for (func::FuncOp entry : getEntries(getOperation()))
      for (BlockArgument arg : entry.getArguments()) {
        BindAttr bind = getArgBinding(entry, arg.getArgNumber());
        if (bind.getKind() != BindingKind::parameter)
          continue;
        if (!llvm::is_contained(roles, bind.getRoleName()))
          roles.push_back(bind.getRoleName());
        names.insert(bind.getTensorName());
        if (bind.getRows() && formatFor(bind, arg.getType())) {
          InFlightDiagnostic diag = emitError(entry.getLoc())
                                    << "--masters: ranks own shares of '" << bind.getTensorName() << "'";
          diag.attachNote() << "--shard and masters in fewer bits are not available together: leave one out";
          return diag;
        }
        if (formatFor(bind, arg.getType()) == Format::int8)
          coded.insert(bind.getTensorName());
      }
    for (StringRef name : coded.keys())
      if (names.contains((name + ".scales").str()))
        return emitError(getOperation().getLoc())
               << "--masters: '" << name << "' in int8 has scales that files call '" << name
               << ".scales', but a parameter has that name; another name for it, or bf16, would do";
    for (StringRef choice : masters) {
      auto [role, format] = choice.split('=');
      bool isFormat = format == "bf16" || format == "int8", isTwice = llvm::is_contained(known, role);
      known.push_back(role);
      if (isFormat && !isTwice && llvm::is_contained(roles, role))
        continue;
      InFlightDiagnostic diag = emitError(getOperation().getLoc()) << "--masters=" << choice << ": ";
      if (isTwice)
        diag << "'" << role << "' is said twice";
      else if (isFormat)
        diag << "no parameters have the role '" << role << "'" << suggest(role, roles);
      else
        diag << "expected role=bf16 or role=int8";
      diag.attachNote() << "roles of the model are " << llvm::join(roles, ", ") << ", as in --masters=matrix=bf16";
      return diag;
    }
    return success();
  }

  void store(func::FuncOp entry) {
    storeResults(entry);
    for (unsigned i = 0, count = entry.getNumArguments(); i < count; ++i) {
      BindAttr bind = getArgBinding(entry, i);
      std::optional<Format> format = formatFor(bind, entry.getArgument(i).getType());
      if (!format)
        continue;
      Value scales;
      if (*format == Format::int8)
        scales = argumentOf(entry, Stored::scalesOf(typeOf(entry.getArgument(i))), scalesBinding(bind));
      readStored(entry.getArgument(i), scales, *format);
    }
    Block &body = entry.getBody().front();
    entry.setFunctionType(
        FunctionType::get(&getContext(), body.getArgumentTypes(), body.getTerminator()->getOperandTypes()));
  }

  void storeResults(func::FuncOp entry) {
    MasterRounder rounder(entry);
    Operation *ret = entry.getBody().front().getTerminator();
    for (unsigned i = 0, count = ret->getNumOperands(); i < count; ++i) {
      BindAttr bind = getResultBinding(entry, i);
      Value value = ret->getOperand(i);
      std::optional<Format> format = formatFor(bind, value.getType());
      if (!format || !typeOf(value).getElementType().isF32() || isa<BlockArgument>(value))
        continue;
      Stored stored = rounder.round(value, bind.getTensorName(), *format);
      ret->setOperand(i, stored.elements);
      if (!stored.scales)
        continue;
      ret->insertOperands(ret->getNumOperands(), stored.scales);
      (void)entry.insertResult(entry.getNumResults(), stored.scales.getType(), besideBinding(scalesBinding(bind)));
    }
  }

  static BindAttr scalesBinding(BindAttr parameter) {
    return BindAttr::get(parameter.getContext(), BindingKind::scales, parameter.getTensorName(),
                         parameter.getRoleName());
  }
};
} // namespace
} // namespace mlir::nanochat
