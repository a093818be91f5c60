// Tensors in this process's memory.
#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include <random>

namespace mlir::nanochat {

/// A row-major tensor of the types of runtime/Abi.h, i1 (in a byte) or index, aligned to 64 bytes; starts at zero.
class HostTensor {
public:
  explicit HostTensor(RankedTensorType type);

  RankedTensorType type() const { return tensorType; }
  int64_t size() const { return tensorType.getNumElements(); }
  char *data() const { return bytes.get(); }
  int64_t byteSize() const { return size() * elementBytes; }
  bool isFloat() const { return mlir::isa<FloatType>(tensorType.getElementType()); }
  uint64_t word() const { return reinterpret_cast<uint64_t>(bytes.get()); }

  /// Element `i` in row-major order. Integers beyond 2^53 lose bits; compare them with `sameBytes`.
  double get(int64_t i) const;
  void set(int64_t i, double value);
  HostTensor copy() const;
  bool sameBytes(const HostTensor &other) const;
  /// "[2, 0]" for element `i`.
  std::string position(int64_t i) const;

  /// Can tensors of `element` live here?
  static bool supports(Type element);

private:
  struct Free {
    void operator()(char *p) const { free(p); }
  };
  RankedTensorType tensorType;
  int32_t dtype; // nc_dtype
  int64_t elementBytes;
  std::unique_ptr<char, Free> bytes;
};

/// Draws from a normal distribution, or uniformly from [low, high] where a range is given.
struct Filler {
  std::mt19937_64 random;
  explicit Filler(uint64_t seed) : random(seed) {}
  void normal(HostTensor &tensor);
  /// Integers are drawn from the whole numbers of [low, high].
  void uniform(HostTensor &tensor, double low, double high);
  /// Each element is one of those.
  void choices(HostTensor &tensor, ArrayRef<double> values);
};

/// First element with |found - expected| > tolerance·(1 + |expected|) (integers: that differ), or -1.
/// A NaN never equals anything but a NaN.
int64_t firstDifference(const HostTensor &found, const HostTensor &expected, double tolerance);

/// ‖found − expected‖; infinite where exactly one of two elements is not finite.
double distanceL2(const HostTensor &found, const HostTensor &expected);
/// That, divided by ‖expected‖.
double relativeL2(const HostTensor &found, const HostTensor &expected);

/// Empty if `found` is what was expected: integers exactly, floats up to `tolerance` in relative L2. Else
/// "[2, 0]: found 3, expected 4": the first integer that differs, the float that differs most.
std::string describeDifference(const HostTensor &found, const HostTensor &expected, double tolerance);

} // namespace mlir::nanochat
