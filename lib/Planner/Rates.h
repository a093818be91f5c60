// How fast a machine runs kernels, by their kind: what predictions of time are made of.
#pragma once

#include "lib/Targets/Target.h"
#include <map>

namespace mlir::nanochat {

struct Rates {
  std::string row;     // of the kernels
  std::string machine; // that they were measured on; "" where nobody has measured
  int64_t threads = 1;
  double call = 0; // seconds that a call of a kernel takes more
  /// Per second: operations of products of a kind, "gemm int8", "attention f32", and bytes of "rowwise" and "pointwise"
  /// kernels; and the best that any kernel of the kind reached, or could.
  std::map<std::string, double> mean, best;

  bool isMeasured() const { return !machine.empty(); }
  /// The rate of kernels of that class and arithmetic, of `mean` or `best`. Kinds that nobody has measured are as fast
  /// as those in f32.
  static double of(const std::map<std::string, double> &rates, StringRef kind, StringRef arithmetic);
};

/// All kinds that there are rates of.
ArrayRef<StringRef> rateKinds();

/// Those of the table, of data sheets and guesses: nobody has measured them.
Rates guessedRates(const Target &row, int64_t threads);

/// Rates as text, and back. A fault is an error at `loc`, which names `file`.
std::string printRates(const Rates &rates);
FailureOr<Rates> parseRates(Location loc, StringRef text, StringRef file);

/// The name that /proc gives this machine's processor.
std::string machineName();

/// Where those of this machine for a row are kept, in the folder of a cache.
std::string ratesFile(StringRef folder, const Target &row, int64_t threads);

/// The rates of `file` where it is given; else those of this machine in the cache's `folder`; else guessed ones. Those
/// of a file must be for the row.
FailureOr<Rates> findRates(Location loc, const Target &row, int64_t threads, StringRef file, StringRef folder);

} // namespace mlir::nanochat
