#include "lib/Targets/kernels/Kernel.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::nanochat;

static MemRefType bufferOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return MemRefType::get(tensor.getShape(), tensor.getElementType());
}

/// The memory space of what a GPU block shares.
static constexpr int64_t kSharedSpace = 3;

static MemRefType bytesIn(OpBuilder &b, int64_t bytes, int64_t space) {
  return MemRefType::get({bytes}, b.getI8Type(), MemRefLayoutAttrInterface(),
                         space ? b.getI64IntegerAttr(space) : Attribute());
}

Kernel::Kernel(func::FuncOp source, int64_t threads)
    : source(source), b(source.getLoc(), source.getContext()), threads(threads) {
  SmallVector<Type> types;
  for (Type type : source.getFunctionType().getInputs())
    types.push_back(bufferOf(type));
  for (Type type : source.getFunctionType().getResults())
    types.push_back(bufferOf(type));
  size_t buffers = types.size();
  types.append({b.getIndexType(), bytesIn(b, 0, 0)});
  if (threads)
    types.push_back(bytesIn(b, 0, kSharedSpace));
  b.setInsertionPoint(source);
  built = func::FuncOp::create(b, source.getName(), b.getFunctionType(types, {}));
  built.setPrivate();
  b.setInsertionPointToStart(built.addEntryBlock());
  auto arguments = built.getArguments();
  size_t ins = source.getNumArguments();
  inputs.assign(arguments.begin(), arguments.begin() + ins);
  outputs.assign(arguments.begin() + ins, arguments.begin() + buffers);
  task = arguments[buffers];
  scratchArgument = arguments[buffers + 1];
  sharedArgument = threads ? Value(arguments.back()) : Value();
}

Kernel::~Kernel() {
  if (!finished)
    built.erase();
}

Value Kernel::outputOf(Value value) {
  for (auto [result, buffer] : llvm::zip(source.front().getTerminator()->getOperands(), outputs))
    if (result == value)
      return buffer;
  return {};
}

Value Kernel::shaped(Value buffer, Type tensor) {
  MemRefType type = bufferOf(tensor), given = cast<MemRefType>(buffer.getType());
  if (type == given)
    return buffer;
  return memref::CollapseShapeOp::create(b, buffer, {llvm::to_vector(llvm::seq<int64_t>(0, given.getRank()))});
}

Value Kernel::scratch(ArrayRef<int64_t> shape, Type element) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&built.front());
  Value offset = constantIndex(b, scratchBytes);
  auto type = MemRefType::get(shape, element);
  int64_t bytes = type.getNumElements() * element.getIntOrFloatBitWidth() / 8;
  // Rows of a power of two would otherwise lie in the same sets of the first-level cache, which has fewer ways than a
  // kernel has rows.
  constexpr int64_t large = 2048, apart = 5 * 64;
  scratchBytes += llvm::alignTo(bytes, 64) + (bytes <= large ? 0 : apart);
  return memref::ViewOp::create(b, type, scratchArgument, offset, ValueRange{});
}

Value Kernel::shared(ArrayRef<int64_t> shape, Type element) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&built.front());
  auto type = MemRefType::get(shape, element, MemRefLayoutAttrInterface(), b.getI64IntegerAttr(kSharedSpace));
  Value offset = constantIndex(b, sharedBytes);
  sharedBytes += llvm::alignTo(type.getNumElements() * element.getIntOrFloatBitWidth() / 8, 128);
  return memref::ViewOp::create(b, type, sharedArgument, offset, ValueRange{});
}

void Kernel::finish(int64_t tasks) {
  b.setInsertionPointToEnd(&built.front());
  func::ReturnOp::create(b);
  // Bare pointers need a static size, known only now.
  scratchArgument.setType(bytesIn(b, scratchBytes, 0));
  if (threads)
    sharedArgument.setType(bytesIn(b, sharedBytes, kSharedSpace));
  built.setFunctionType(b.getFunctionType(built.front().getArgumentTypes(), {}));
  built->setDiscardableAttrs(source->getDiscardableAttrDictionary());
  setKernel(built, getKernel(source).emitted(outputs.size(), tasks, scratchBytes, threads, sharedBytes));
  source.setFunctionType(built.getFunctionType());
  source.removeArgAttrsAttr();
  source.getBody().takeBody(built.getBody());
  source->setAttrs(built->getAttrs());
  built.erase();
  finished = true;
}

Operation *nanochat::onlyOp(func::FuncOp kernel) {
  if (!kernel.getBody().hasOneBlock() || !llvm::hasNItems(kernel.front(), 2))
    return nullptr;
  Operation *op = &kernel.front().front();
  bool direct = llvm::all_of(op->getOperands(), [](Value v) { return isa<BlockArgument>(v); }) &&
                llvm::all_of(kernel.front().back().getOperands(), [&](Value v) { return v.getDefiningOp() == op; });
  llvm::SmallPtrSet<Value, 4> returned;
  for (Value result : kernel.front().back().getOperands())
    direct &= returned.insert(result).second;
  return direct ? op : nullptr;
}

Carried nanochat::forLoop(ImplicitLocOpBuilder &b, Value lo, Value hi, int64_t step, ValueRange init,
                          llvm::function_ref<Carried(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(b, lo, hi, constantIndex(b, step), init);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Carried next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!init.empty()) // else the loop came with its terminator
    scf::YieldOp::create(b, next);
  return Carried(loop.getResults());
}

void nanochat::ifEqual(ImplicitLocOpBuilder &b, Value lhs, int64_t rhs, llvm::function_ref<void()> body) {
  Value equal = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lhs, constantIndex(b, rhs));
  auto branch = scf::IfOp::create(b, equal, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body();
}
