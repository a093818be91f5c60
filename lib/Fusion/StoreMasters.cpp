// Parameters that are stored in fewer bits than updates compute in.
#include "dialect/Formats.h"
#include "dialect/Linalg.h"
#include "dialect/ops/model/Sizes.h"
#include "lib/Fusion/Masters.h"
#include "lib/Fusion/Passes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"

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

  /// What a parameter bound so is stored as, where that is not f32.
  std::optional<Format> formatFor(BindAttr bind) const {
    if (bind && bind.getKind() == BindingKind::parameter)
      for (StringRef choice : masters)
        if (auto [role, format] = choice.split('='); role == bind.getRoleName())
          return symbolizeFormat(format);
    return std::nullopt;
  }

  LogicalResult check() {
    SmallVector<StringRef> roles;
    for (func::FuncOp entry : getEntries(getOperation()))
      for (unsigned i = 0; i < entry.getNumArguments(); ++i)
        if (BindAttr bind = getArgBinding(entry, i); bind.getKind() == BindingKind::parameter)
          if (!llvm::is_contained(roles, bind.getRoleName()))
            roles.push_back(bind.getRoleName());
    for (StringRef choice : masters) {
      auto [role, format] = choice.split('=');
      bool isFormat = format == "bf16" || format == "int8";
      if (isFormat && llvm::is_contained(roles, role))
        continue;
      InFlightDiagnostic diag = emitError(getOperation().getLoc()) << "--masters=" << choice << ": ";
      if (isFormat)
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
      std::optional<Format> format = formatFor(bind);
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
      std::optional<Format> format = formatFor(bind);
      Value value = ret->getOperand(i);
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
