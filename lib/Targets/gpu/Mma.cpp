#include "lib/Targets/gpu/Mma.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::nanochat;

static constexpr StringLiteral kMmaIntrinsic = "llvm.nvvm.mma.m16n8k";

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

/// Words of both factors hold 32 bytes of k. The op of NVVM has no floats of 8 bits, which are an intrinsic.
SmallVector<Value> GpuBuilder::multiplyOnce(Format type, ValueRange x, ValueRange y, ValueRange sum) {
  const FormatFacts &facts = factsOf(type);
  int64_t k = 256 / facts.bits;
  Type result = LLVM::LLVMStructType::getLiteral(b.getContext(), SmallVector<Type>(4, sum[0].getType()));
  if (isNarrowFloat(type) && facts.bits == 8) {
    SmallVector<Value> operands(x);
    llvm::append_range(operands, y);
    llvm::append_range(operands, sum);
    auto name = b.getStringAttr(kMmaIntrinsic + Twine(k) + ".row.col.f32." + facts.mma + "." + facts.mma + ".f32");
    return unpack(LLVM::CallIntrinsicOp::create(b, result, name, operands).getResult(0), 4);
  }
  NVVM::MMATypes known = *NVVM::symbolizeMMATypes(facts.mma);
  auto overflow = sum[0].getType().isInteger() ? std::optional(NVVM::MMAIntOverflow::wrapped) : std::nullopt;
  Value product = NVVM::MmaOp::create(b, result, x, y, sum, ArrayRef<int64_t>{16, 8, k}, std::nullopt, overflow,
                                      std::array<NVVM::MMATypes, 2>{known, known},
                                      std::array<NVVM::MMALayout, 2>{NVVM::MMALayout::row, NVVM::MMALayout::col});
  return unpack(product, 4);
}

SmallVector<Value> GpuBuilder::multiplyScaled(Fp4Format format, ValueRange x, ValueRange y, ValueRange sum, Scales ofX,
                                              Scales ofY) {
  bool isMx = format == Fp4Format::mxfp4;
  Type result = LLVM::LLVMStructType::getLiteral(b.getContext(), SmallVector<Type>(4, sum[0].getType()));
  auto id = [&](int64_t number) -> Value { return arith::ConstantOp::create(b, b.getI16IntegerAttr(int16_t(number))); };
  Value product = NVVM::MmaBlockScaleOp::create(
      b, result, x, y, sum, ofX.word, id(ofX.first), id(0), ofY.word, id(ofY.first), id(0),
      ArrayRef<int64_t>{16, 8, 64}, std::array<NVVM::MMATypes, 2>{NVVM::MMATypes::e2m1, NVVM::MMATypes::e2m1},
      isMx ? NVVM::ScaleVecSize::X2 : NVVM::ScaleVecSize::X4,
      isMx ? NVVM::BlockScaleFormat::UE8M0 : NVVM::BlockScaleFormat::UE4M3,
      isMx ? NVVM::MMABlockScaleKind::MXF4 : NVVM::MMABlockScaleKind::MXF4NVF4);
  return unpack(product, 4);
}

Value GpuBuilder::rowOfScales(bool isA) {
  Value lane = rem(thread(), 32), four = div(lane, 4);
  return isA ? add(four, mul(rem(lane, 2), 8)) : four;
}

std::optional<Format> nanochat::mmaFormat(Operation *op) {
  StringRef a, b;
  if (isa<NVVM::MmaBlockScaleOp>(op))
    return Format::e2m1;
  if (auto mma = dyn_cast<NVVM::MmaOp>(op)) {
    a = NVVM::stringifyMMATypes(mma.getMultiplicandAPtxType().value_or(NVVM::MMATypes::b1));
    b = NVVM::stringifyMMATypes(mma.getMultiplicandBPtxType().value_or(NVVM::MMATypes::b1));
  } else if (auto call = dyn_cast<LLVM::CallIntrinsicOp>(op); call && call.getIntrin().starts_with(kMmaIntrinsic)) {
    SmallVector<StringRef> parts;
    call.getIntrin().split(parts, '.'); // …, row, col, of d, a, b and c
    if (parts.size() > 4)
      a = parts[parts.size() - 3], b = parts[parts.size() - 2];
  }
  return a == b ? formatOfMma(a) : std::nullopt;
}

/// An f32 as the sum of two: the bits that tf32 keeps of it, and the rest.
Value GpuBuilder::highPart(Value word) { return arith::AndIOp::create(b, word, i32(int32_t(0xffffe000))); }
Value GpuBuilder::lowPart(Value word, Value high) {
  auto number = [&](Value bits) { return arith::BitcastOp::create(b, b.getF32Type(), bits); };
  return arith::BitcastOp::create(b, b.getI32Type(), Value(arith::SubFOp::create(b, number(word), number(high))));
}

SmallVector<Value> GpuBuilder::multiply(Format type, ValueRange x, ValueRange y, ValueRange sum) {
  if (type != Format::f32)
    return multiplyOnce(type, x, y, sum);
  SmallVector<Value> xHigh, xLow, yHigh, yLow;
  for (Value word : x) {
    xHigh.push_back(highPart(word));
    xLow.push_back(lowPart(word, xHigh.back()));
  }
  for (Value word : y) {
    yHigh.push_back(highPart(word));
    yLow.push_back(lowPart(word, yHigh.back()));
  }
  SmallVector<Value> sums = multiplyOnce(Format::f32, xLow, yHigh, sum);
  sums = multiplyOnce(Format::f32, xHigh, yLow, sums);
  return multiplyOnce(Format::f32, xHigh, yHigh, sums);
}
