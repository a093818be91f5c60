#include "lib/Targets/gpu/Mma.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::nanochat;

Type nanochat::storedAs(Format type, Builder &b) {
  return type == Format::f32 ? factsOf(type).storage(b) : b.getIntegerType(factsOf(type).bits);
}

Value GpuBuilder::pointer(Value memref) {
  LLVMTypeConverter types(b.getContext());
  auto type = cast<MemRefType>(memref.getType());
  Value descriptor = UnrealizedConversionCastOp::create(b, types.convertType(type), memref).getResult(0);
  return LLVM::ExtractValueOp::create(b, descriptor, ArrayRef<int64_t>{1});
}

Value GpuBuilder::behind(Value pointer, Value bytes) {
  return LLVM::GEPOp::create(b, pointer.getType(), b.getI8Type(), pointer, ArrayRef<LLVM::GEPArg>{bytes});
}

Value GpuBuilder::element(Value pointer, Value index, int64_t bytes) {
  Value offset = arith::MulIOp::create(b, index, arith::ConstantIndexOp::create(b, bytes));
  return behind(pointer, arith::IndexCastOp::create(b, b.getI64Type(), offset));
}

void GpuBuilder::copyAsync(Value to, Value from, Value valid, int64_t bytes) {
  auto global = LLVM::LLVMPointerType::get(b.getContext(), unsigned(NVVM::NVVMMemorySpace::Global));
  from = LLVM::AddrSpaceCastOp::create(b, global, from);
  Value read = arith::SelectOp::create(b, valid, i32(bytes), i32(0));
  auto cache = bytes == 16 ? NVVM::LoadCacheModifierKind::CG : NVVM::LoadCacheModifierKind::CA;
  NVVM::CpAsyncOp::create(b, to, from, uint32_t(bytes), cache, read);
}

void GpuBuilder::commit() { NVVM::CpAsyncCommitGroupOp::create(b); }
void GpuBuilder::waitFor(int64_t groups) { NVVM::CpAsyncWaitGroupOp::create(b, groups); }

SmallVector<Value> GpuBuilder::unpack(Value structure, int64_t count) {
  SmallVector<Value> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(LLVM::ExtractValueOp::create(b, structure, ArrayRef<int64_t>{i}));
  return values;
}

SmallVector<Value> GpuBuilder::loadMatrices(Value row, int64_t count, bool transposed) {
  Type result = LLVM::LLVMStructType::getLiteral(b.getContext(), SmallVector<Type>(count, b.getI32Type()));
  auto layout = transposed ? NVVM::MMALayout::col : NVVM::MMALayout::row;
  auto shape = NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8);
  Value loaded = NVVM::LdMatrixOp::create(b, result, row, uint32_t(count), layout, shape, NVVM::LdStMatrixEltType::B16);
  return unpack(loaded, count);
}

SmallVector<Value> GpuBuilder::multiply(NVVM::MMATypes type, int64_t k, ValueRange x, ValueRange y, ValueRange sum) {
  bool isInteger = type == NVVM::MMATypes::s8;
  Type result = LLVM::LLVMStructType::getLiteral(b.getContext(), SmallVector<Type>(4, sum[0].getType()));
  auto overflow = isInteger ? std::optional(NVVM::MMAIntOverflow::wrapped) : std::nullopt;
  Value product = NVVM::MmaOp::create(b, result, x, y, sum, ArrayRef<int64_t>{16, 8, k}, std::nullopt, overflow,
                                      std::array<NVVM::MMATypes, 2>{type, type},
                                      std::array<NVVM::MMALayout, 2>{NVVM::MMALayout::row, NVVM::MMALayout::col});
  return unpack(product, 4);
}

/// What tf32 keeps of an f32, and the rest, which is a number of its own.
Value GpuBuilder::kept(Value word) { return arith::AndIOp::create(b, word, i32(int32_t(0xffffe000))); }
Value GpuBuilder::dropped(Value word, Value kept) {
  auto number = [&](Value bits) { return arith::BitcastOp::create(b, b.getF32Type(), bits); };
  return arith::BitcastOp::create(b, b.getI32Type(), Value(arith::SubFOp::create(b, number(word), number(kept))));
}

/// The op of NVVM knows no E4M3.
SmallVector<Value> GpuBuilder::multiplyE4M3(ValueRange x, ValueRange y, ValueRange sum) {
  Type result = LLVM::LLVMStructType::getLiteral(b.getContext(), SmallVector<Type>(4, b.getF32Type()));
  SmallVector<Value> operands(x);
  llvm::append_range(operands, y);
  llvm::append_range(operands, sum);
  auto name = b.getStringAttr("llvm.nvvm.mma.m16n8k32.row.col.f32.e4m3.e4m3.f32");
  return unpack(LLVM::CallIntrinsicOp::create(b, result, name, operands).getResult(0), 4);
}

SmallVector<Value> GpuBuilder::multiply(Format type, ValueRange x, ValueRange y, ValueRange sum) {
  if (type == Format::bf16)
    return multiply(NVVM::MMATypes::bf16, 16, x, y, sum);
  if (type == Format::e4m3)
    return multiplyE4M3(x, y, sum);
  if (type == Format::int8)
    return multiply(NVVM::MMATypes::s8, 32, x, y, sum);
  SmallVector<Value> xKept, xRest, yKept, yRest;
  for (Value word : x) {
    xKept.push_back(kept(word));
    xRest.push_back(dropped(word, xKept.back()));
  }
  for (Value word : y) {
    yKept.push_back(kept(word));
    yRest.push_back(dropped(word, yKept.back()));
  }
  SmallVector<Value> sums = multiply(NVVM::MMATypes::tf32, 8, xRest, yKept, sum);
  sums = multiply(NVVM::MMATypes::tf32, 8, xKept, yRest, sums);
  return multiply(NVVM::MMATypes::tf32, 8, xKept, yKept, sums);
}
