// What functions say of themselves to later stages, and that nothing else does.
#include "dialect/Formats.h"
#include "dialect/Numerics.h"
#include "dialect/StepIR.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "runtime/files/Names.h"

using namespace mlir;
using namespace mlir::nanochat;

//===--- The attributes themselves -----------------------------------------------------------===//

/// Is an entry of the kind one of a phase of training, or of what is done between phases?
static bool isOfPhase(EntryKind kind) {
  return llvm::is_contained({EntryKind::gradients, EntryKind::update, EntryKind::phase}, kind);
}

LogicalResult EntryAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, EntryKind kind, StringAttr phase,
                                DenseI64ArrayAttr tensors) {
  if (isOfPhase(kind) != bool(phase)) // entry-c1
    return emitError() << "an entry of kind " << stringifyEntryKind(kind)
                       << (isOfPhase(kind) ? " is one of a phase: name it, as in \"train\"" : " is of no phase");
  for (int64_t number : tensors ? tensors.asArrayRef() : ArrayRef<int64_t>()) // entry-c2
    if (number < 0)
      return emitError() << "tensor " << number << " of an entry: they are counted from 0";
  return success();
}

std::string EntryAttr::getSymbol() const {
  std::string kind = stringifyEntryKind(getKind()).str();
  if (!getPhase())
    return kind;
  std::string phase = getPhase().str();
  return getKind() == EntryKind::phase ? kind + "." + phase : phase + "." + kind;
}

BindAttr BindAttr::get(MLIRContext *context, BindingKind kind, StringRef tensor, StringRef role, Init init,
                       double scale) {
  Builder b(context);
  return get(context, kind, b.getStringAttr(tensor), role.empty() ? StringAttr() : b.getStringAttr(role), init,
             scale == 0.0 ? FloatAttr() : b.getF64FloatAttr(scale), /*rows=*/0);
}

LogicalResult BindAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, BindingKind kind, StringAttr tensor,
                               StringAttr role, Init init, FloatAttr scale, int64_t rows) {
  if (!isName(tensor.getValue())) // bind-c1
    return emitError() << "bound to " << tensor << ", which is no name that files can hold";
  if (init != Init::constant && kind != BindingKind::parameter) // bind-c2
    return emitError() << "a tensor of kind " << stringifyBindingKind(kind)
                       << " starts at random, which parameters alone do";
  bool isInput = kind == BindingKind::input || kind == BindingKind::output;
  if (rows < 0 || (rows && isInput)) // bind-c3
    return emitError() << "a tensor of kind " << stringifyBindingKind(kind) << " cannot be a share of " << rows
                       << " rows";
  return success();
}

std::string BindAttr::describe() const { return (stringifyBindingKind(getKind()) + " " + getTensorName()).str(); }

LogicalResult KernelAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, DispatchClass,
                                 DenseI64ArrayAttr inplace, int64_t flops, Format arithmetic, int64_t tasks,
                                 int64_t scratch, int64_t threads, int64_t shared) {
  for (int64_t number : {flops, tasks, scratch, threads, shared}) // kernel-c1
    if (number < 0)
      return emitError() << "a kernel has " << number << " of something: counts and bytes start at 0";
  if (!tasks && (scratch || threads || shared)) // kernel-c2
    return emitError() << "a kernel without tasks is not emitted yet, and has no scratch, threads or shared memory";
  if (shared && !threads) // kernel-c3
    return emitError() << "a kernel shares memory among no threads";
  if (Format own = factsOf(arithmetic).arithmetic; own != arithmetic) // kernel-c4
    return emitError() << "products of " << stringifyFormat(arithmetic) << " are computed in " << stringifyFormat(own)
                       << ": that is a kernel's arithmetic";
  return success();
}

KernelAttr KernelAttr::emitted(int64_t results, int64_t tasks, int64_t scratch, int64_t threads, int64_t shared) const {
  auto inplace = getInplace() ? getInplace() : DenseI64ArrayAttr::get(getContext(), SmallVector<int64_t>(results, -1));
  return get(getContext(), getKind(), inplace, getFlops(), getArithmetic(), tasks, scratch, threads, shared);
}

//===--- What they say of their functions ----------------------------------------------------===//

static bool isTensor(Type type) { return isa<RankedTensorType>(type); }

/// Is the function what its own verifier, which runs after this one, wants it to be?
static bool isWellFormed(func::FuncOp function) {
  auto isList = [](ArrayAttr attrs, size_t size) {
    return !attrs || (attrs.size() == size && llvm::all_of(attrs, llvm::IsaPred<DictionaryAttr>));
  };
  auto type = function.getFunctionTypeAttr() ? dyn_cast<FunctionType>(function.getFunctionTypeAttr().getValue())
                                             : FunctionType();
  return function.getSymNameAttr() && type && isList(function.getArgAttrsAttr(), type.getNumInputs()) &&
         isList(function.getResAttrsAttr(), type.getNumResults());
}

static LogicalResult verifyEntry(func::FuncOp function, EntryAttr entry) {
  if (function.getName() != entry.getSymbol()) { // contract-c1
    InFlightDiagnostic diag = function.emitError("function @") << function.getName() << " is " << entry;
    diag.attachNote() << "the runtime knows that entry as @" << entry.getSymbol();
    return diag;
  }
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) // contract-c2
    if (isTensor(type) && !function.getArgAttr(i, BindAttr::name))
      return function.emitError("argument ")
             << i << " of entry @" << function.getName() << " is bound to nothing; give it nanochat.bind";
  for (auto [i, type] : llvm::enumerate(function.getResultTypes()))
    if (isTensor(type) && !function.getResultAttr(i, BindAttr::name))
      return function.emitError("result ")
             << i << " of entry @" << function.getName() << " is bound to nothing; give it nanochat.bind";
  return success();
}

static LogicalResult verifyKernel(func::FuncOp function, KernelAttr kernel) {
  size_t inputs = function.getNumArguments(), results = function.getNumResults();
  if (kernel.isEmitted()) {
    size_t others = kernel.isOfBlock() ? 3 : 2, written = kernel.getOverwritten().size();
    bool isShaped = inputs >= others + written && results == 0 &&
                    function.getArgumentTypes()[inputs - others].isIndex() &&
                    llvm::all_of(function.getArgumentTypes().take_back(others - 1), llvm::IsaPred<MemRefType>);
    if (!isShaped) // contract-c3
      return function.emitError("kernel @")
             << function.getName() << " has tasks, but does not take buffers (" << written
             << " of results), the task, scratch" << (kernel.isOfBlock() ? " and shared memory" : "");
    inputs -= others + written;
  } else if (kernel.getInplace() && llvm::any_of(function.getResultTypes(), isTensor) &&
             kernel.getOverwritten().size() != results) { // contract-c4
    return function.emitError("kernel @") << function.getName() << " has " << kernel.getOverwritten().size()
                                          << " inplace entries for " << results << " results";
  }
  for (int64_t input : kernel.getOverwritten()) // contract-c5
    if (input < -1 || input >= int64_t(inputs))
      return function.emitError("kernel @")
             << function.getName() << ": inplace entry " << input << " is not an input; use -1 for none";
  return success();
}

//===--- Discardable attributes --------------------------------------------------------------===//

namespace {
enum Site { onModule = 1, onFunction = 2, onDispatch = 4, onArgument = 8, onResult = 16, onLoop = 32, onAny = 64 };

/// An attribute that may stand beside those of an op, argument or result: where, and what it is.
struct Discardable {
  StringRef name;
  unsigned sites; // of Site
  bool (*fits)(Attribute);
  StringRef form, where;
};
} // namespace

template <typename Attr> static bool isA(Attribute attr) { return isa<Attr>(attr); }

static bool isSizes(Attribute attr) {
  auto sizes = dyn_cast<DictionaryAttr>(attr);
  return sizes && llvm::all_of(sizes, [](NamedAttribute size) { return isa<IntegerAttr>(size.getValue()); });
}

std::optional<std::pair<double, double>> mlir::nanochat::readRange(Attribute attr) {
  auto bounds = dyn_cast_or_null<ArrayAttr>(attr);
  SmallVector<double> numbers;
  for (Attribute bound : bounds ? bounds.getValue() : ArrayRef<Attribute>())
    if (auto real = dyn_cast<FloatAttr>(bound))
      numbers.push_back(real.getValueAsDouble());
    else if (auto integer = dyn_cast<IntegerAttr>(bound))
      numbers.push_back(integer.getInt());
  if (numbers.size() != 2 || bounds.size() != 2 || !(numbers[0] <= numbers[1]))
    return std::nullopt;
  return std::pair(numbers[0], numbers[1]);
}

static bool isPeriod(Attribute attr) {
  auto steps = dyn_cast<IntegerAttr>(attr);
  return steps && steps.getInt() >= 1;
}

static ArrayRef<Discardable> discardables() {
  static const Discardable table[] = {
      {EntryAttr::name, onFunction, isA<EntryAttr>, "#nanochat.entry<kind, \"phase\">", "a function"},
      {KernelAttr::name, onFunction, isA<KernelAttr>, "#nanochat.kernel<class, ...>", "a function"},
      {BindAttr::name, onArgument | onResult, isA<BindAttr>, "#nanochat.bind<kind, \"name\", ...>",
       "an argument or result of an entry"},
      {kSizesAttr, onModule, isSizes, "a dictionary of integers", "a module"},
      {kDeclinedAttr, onFunction, isA<StringAttr>, "a string", "a kernel"},
      {kCopyAttr, onDispatch, isA<UnitAttr>, "a unit attribute", "nanochat.dispatch"},
      {kRecomputedAttr, onAny | onDispatch | onLoop, isA<UnitAttr>, "a unit attribute", "an op"},
      {kMicroBatchesAttr, onLoop, isA<UnitAttr>, "a unit attribute", "a loop"},
      {kPeriodAttr, onLoop, isPeriod, "a number from 1 on", "a loop"},
      {kTargetAttr, onModule, isA<TargetAttr>, "#nanochat.target<\"row\">", "a module"},
      {kNumericsAttr, onModule, isA<NumericsAttr>, "#nanochat.numerics<...>", "a module"},
      // Of functions that tests run.
      {"nanochat.tolerance", onFunction, isA<FloatAttr>, "a float", "a function"},
      {"nanochat.check_grad", onFunction, isA<UnitAttr>, "a unit attribute", "a function"},
      {"nanochat.range", onArgument, [](Attribute attr) { return readRange(attr).has_value(); }, "[low, high]",
       "an argument of a function"},
      {"nanochat.bound", onArgument, isA<IntegerAttr>, "an integer", "an argument of a function"},
      {"nanochat.fixed", onArgument, isA<UnitAttr>, "a unit attribute", "an argument of a function"},
  };
  return table;
}

static LogicalResult reportUnknown(Operation *op, StringRef name) {
  std::vector<std::string_view> names;
  for (const Discardable &known : discardables())
    names.push_back(known.name);
  const Discardable &nearest = discardables()[*nc::findNearest(name, names)];
  InFlightDiagnostic diag = op->emitError("the dialect knows no attribute '") << name << "'";
  diag.attachNote() << "the nearest one is '" << nearest.name << "', " << nearest.form << " on " << nearest.where;
  return diag;
}

/// Checks that an attribute of the dialect is one that stands at `site`.
static LogicalResult verifyDiscardable(Operation *op, NamedAttribute attr, unsigned site) {
  StringRef name = attr.getName();
  const auto *known = llvm::find_if(discardables(), [&](const Discardable &each) { return each.name == name; });
  if (known == discardables().end()) // discardable-c1
    return reportUnknown(op, name);
  if (!(known->sites & site)) // discardable-c2
    return op->emitError("'") << name << "' stands on " << known->where << ", not here";
  if (!known->fits(attr.getValue())) // discardable-c3
    return op->emitError("'") << name << "' is " << known->form << ", not " << attr.getValue();
  return success();
}

LogicalResult NanochatDialect::verifyOperationAttribute(Operation *op, NamedAttribute attr) {
  unsigned site = isa<ModuleOp>(op)              ? onModule
                  : isa<FunctionOpInterface>(op) ? onFunction
                  : isa<DispatchOp>(op)          ? onDispatch
                  : isa<LoopOp, scf::ForOp>(op)  ? onLoop
                                                 : onAny;
  if (failed(verifyDiscardable(op, attr, site)))
    return failure();
  auto function = dyn_cast<func::FuncOp>(op); // lowered, it is but code
  if (!function || !isWellFormed(function))
    return success();
  if (auto entry = dyn_cast<EntryAttr>(attr.getValue()))
    return verifyEntry(function, entry);
  auto kernel = dyn_cast<KernelAttr>(attr.getValue());
  return kernel ? verifyKernel(function, kernel) : success();
}

/// Checks what an entry's argument or result of type `type` is bound to.
static LogicalResult verifyBound(Operation *op, NamedAttribute attr, Type type) {
  auto bind = dyn_cast<BindAttr>(attr.getValue());
  if (!bind)
    return success();
  if (!getEntry(op)) // bind-c3
    return op->emitError("'") << attr.getName().getValue()
                              << "' binds what belongs to no entry: the function lacks 'nanochat.entry'";
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.hasStaticShape()) // bind-c4
    return op->emitError("binds a value of type ")
           << type << " to " << bind.describe() << "; only tensors of known shape have a place";
  return success();
}

LogicalResult NanochatDialect::verifyRegionArgAttribute(Operation *op, unsigned, unsigned argument,
                                                        NamedAttribute attr) {
  if (failed(verifyDiscardable(op, attr, onArgument)))
    return failure();
  return verifyBound(op, attr, cast<FunctionOpInterface>(op).getArgumentTypes()[argument]);
}

LogicalResult NanochatDialect::verifyRegionResultAttribute(Operation *op, unsigned, unsigned result,
                                                           NamedAttribute attr) {
  if (failed(verifyDiscardable(op, attr, onResult)))
    return failure();
  if (auto bind = dyn_cast<BindAttr>(attr.getValue()); bind && bind.getKind() == BindingKind::input) // bind-c5
    return op->emitError("result ") << result << " is bound to " << bind.describe()
                                    << ", which the runtime writes and an entry only reads";
  return verifyBound(op, attr, cast<FunctionOpInterface>(op).getResultTypes()[result]);
}
