#include "runtime/training/Sampler.h"
#include "runtime/files/Errors.h"
#include <algorithm>
#include <cmath>
#include <numeric>

namespace nc {

int32_t sampleToken(const std::vector<double> &logits, const SamplerOptions &options, double uniform) {
  for (double logit : logits)
    if (!std::isfinite(logit))
      failRun("the model gives no finite numbers for what comes next",
              "its parameters are finite but too large: take what was saved earlier");
  std::vector<int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return logits[a] > logits[b]; });
  if (options.temperature == 0)
    return order[0];
  if (options.topK > 0 && size_t(options.topK) < order.size())
    order.resize(options.topK);

  std::vector<double> weights;
  for (int32_t token : order)
    weights.push_back(std::exp((logits[token] - logits[order[0]]) / options.temperature));
  double total = std::accumulate(weights.begin(), weights.end(), 0.0), kept = 0;
  size_t count = 0;
  while (count < weights.size() && (count == 0 || kept < options.topP * total))
    kept += weights[count++];

  double left = uniform * kept;
  for (size_t i = 0; i + 1 < count; ++i) {
    left -= weights[i];
    if (left < 0)
      return order[i];
  }
  return order[count - 1];
}

int64_t chooseExit(const std::vector<double> &exitProbability, double threshold) {
  double cumulative = 0;
  for (size_t loop = 0; loop < exitProbability.size(); ++loop) {
    cumulative += exitProbability[loop];
    if (cumulative >= threshold)
      return loop;
  }
  return int64_t(exitProbability.size()) - 1;
}

} // namespace nc
