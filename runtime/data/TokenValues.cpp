#include "runtime/data/TokenValues.h"
#include "runtime/files/Errors.h"
#include <cmath>
#include <cstring>

namespace nc {

static constexpr const char *kWayOut = "write it for this data with 'score' of the reference model's program";

TokenValues::TokenValues(std::shared_ptr<const SafetensorsFile> values, const TokenStream &stream,
                         const std::string &what)
    : file(std::move(values)), tensor(file->find(hashText(stream.hash()))) {
  if (!tensor || tensor->dtype != NC_F32 || tensor->shape != std::vector<int64_t>{stream.size()})
    failInput("--reference: '" + file->path() + "' has no losses for the " + what + " tokens: it is of other data",
              kWayOut);
  file->visit(*tensor, [&](const char *piece, int64_t first, int64_t count) {
    knownHash = hashOf(hashText(knownHash) + hashText(hashOf({piece, count * sizeof(float)})));
    for (int64_t i = 0; i < count; ++i) {
      float value;
      memcpy(&value, piece + i * sizeof(value), sizeof(value));
      if (!std::isfinite(value))
        failInput(
            format("--reference: '%s' has the loss %g for token %lld", file->path().c_str(), value, wide(first + i)),
            kWayOut);
    }
  });
}

void TokenValues::copy(int64_t begin, int64_t count, float *to) const { file->read(*tensor, begin, count, to); }

void writeTokenValues(const std::string &path, const std::vector<ScoredStream> &scored, const std::string &model) {
  std::vector<TensorView> views;
  for (const ScoredStream &part : scored)
    views.push_back({hashText(part.stream->hash()), NC_F32, {int64_t(part.values.size())}, part.values.data()});
  writeSafetensors(path, views, {{"kind", "losses of tokens in nats"}, {"model", model}});
}

} // namespace nc
