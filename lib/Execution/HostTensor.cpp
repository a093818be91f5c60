#include "lib/Execution/HostTensor.h"
#include "dialect/DTypes.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <cstring>

using namespace mlir;
using namespace mlir::nanochat;

/// How its elements are stored: indices as the integers they are compared as, bits in bytes.
static std::optional<int32_t> storageOf(Type element) {
  return element.isIndex() ? NC_I64 : element.isInteger(1) ? NC_I8 : dtypeOf(element);
}

bool HostTensor::supports(Type element) { return storageOf(element).has_value(); }

HostTensor::HostTensor(RankedTensorType type)
    : tensorType(type), dtype(storageOf(type.getElementType()).value()), elementBytes(nc::dtypeBytes(dtype)) {
  assert(type.hasStaticShape());
  int64_t rounded = llvm::alignTo(std::max<int64_t>(byteSize(), 1), 64);
  bytes.reset(static_cast<char *>(std::aligned_alloc(64, rounded)));
  std::memset(bytes.get(), 0, rounded);
}

double HostTensor::get(int64_t i) const {
  return nc::withStorage(dtype, [&](auto storage) {
    std::memcpy(&storage, data() + i * sizeof(storage), sizeof(storage));
    return static_cast<double>(storage);
  });
}

void HostTensor::set(int64_t i, double value) {
  nc::withStorage(dtype, [&](auto storage) {
    storage = static_cast<decltype(storage)>(value);
    std::memcpy(data() + i * sizeof(storage), &storage, sizeof(storage));
  });
}

HostTensor HostTensor::copy() const {
  HostTensor result(tensorType);
  std::memcpy(result.data(), data(), byteSize());
  return result;
}

bool HostTensor::sameBytes(const HostTensor &other) const {
  return byteSize() == other.byteSize() && std::memcmp(data(), other.data(), byteSize()) == 0;
}

std::string HostTensor::position(int64_t i) const {
  SmallVector<int64_t> index;
  for (int64_t size : llvm::reverse(tensorType.getShape())) {
    index.insert(index.begin(), i % size);
    i /= size;
  }
  std::string text;
  llvm::raw_string_ostream out(text);
  out << '[';
  llvm::interleaveComma(index, out);
  out << ']';
  return text;
}

void Filler::normal(HostTensor &tensor) {
  std::normal_distribution<double> draw;
  for (int64_t i = 0; i < tensor.size(); ++i)
    tensor.set(i, draw(random));
}

void Filler::uniform(HostTensor &tensor, double low, double high) {
  std::uniform_real_distribution<double> real(low, high);
  std::uniform_int_distribution<int64_t> whole(std::ceil(low), std::floor(high));
  for (int64_t i = 0; i < tensor.size(); ++i)
    tensor.set(i, tensor.isFloat() ? real(random) : whole(random));
}

void Filler::choices(HostTensor &tensor, ArrayRef<double> values) {
  std::uniform_int_distribution<size_t> pick(0, values.size() - 1);
  for (int64_t i = 0; i < tensor.size(); ++i)
    tensor.set(i, values[pick(random)]);
}

int64_t mlir::nanochat::firstDifference(const HostTensor &found, const HostTensor &expected, double tolerance) {
  assert(found.type() == expected.type());
  if (found.sameBytes(expected))
    return -1;
  for (int64_t i = 0; i < found.size(); ++i) {
    double a = found.get(i), b = expected.get(i);
    if (a == b || (std::isnan(a) && std::isnan(b)))
      continue;
    if (!found.isFloat() || !(std::abs(a - b) <= tolerance * (1 + std::abs(b))))
      return i;
  }
  return -1;
}

double mlir::nanochat::distanceL2(const HostTensor &found, const HostTensor &expected) {
  double error = 0;
  for (int64_t i = 0; i < found.size(); ++i) {
    double a = found.get(i), b = expected.get(i);
    if (a == b || (std::isnan(a) && std::isnan(b)))
      continue;
    if (!std::isfinite(a) || !std::isfinite(b))
      return std::numeric_limits<double>::infinity();
    error += (a - b) * (a - b);
  }
  return std::sqrt(error);
}

double mlir::nanochat::relativeL2(const HostTensor &found, const HostTensor &expected) {
  double error = distanceL2(found, expected), norm = 0;
  for (int64_t i = 0; i < expected.size(); ++i)
    if (double b = expected.get(i); std::isfinite(b))
      norm += b * b;
  return error == 0 ? 0 : error / std::sqrt(norm);
}

std::string mlir::nanochat::describeDifference(const HostTensor &found, const HostTensor &expected, double tolerance) {
  int64_t at = firstDifference(found, expected, 0);
  double error = relativeL2(found, expected);
  if (at < 0 || (found.isFloat() && error <= tolerance))
    return "";
  for (int64_t i = 0; found.isFloat() && i < found.size(); ++i) {
    double here = std::abs(found.get(i) - expected.get(i));
    if (!(here <= std::abs(found.get(at) - expected.get(at))))
      at = i;
  }
  std::string text;
  llvm::raw_string_ostream out(text);
  out << found.position(at) << ": found " << llvm::format("%.9g", found.get(at)) << ", expected "
      << llvm::format("%.9g", expected.get(at));
  if (found.isFloat())
    out << llvm::format(" (relative L2 error %.3g, allowed %.3g)", error, tolerance);
  return text;
}
