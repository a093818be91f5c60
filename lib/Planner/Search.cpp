#include "lib/Planner/Search.h"
#include <map>

using namespace mlir;
using namespace mlir::nanochat;

std::string Candidate::spell() const {
  std::string sizes = batch ? "--set batch=" + std::to_string(batch) + ",accum=" + std::to_string(accum) : "";
  std::string kept = memory.spell();
  if (!shard.empty())
    kept += (kept.empty() ? "--shard=" : " --shard=") + shard;
  return sizes + (sizes.empty() || kept.empty() ? "" : " ") + kept;
}

namespace {
/// A dimension of the search: a number of settings, of which the first takes the least memory.
struct Dimension {
  std::vector<std::function<void(Candidate &)>> settings;
};

class Climb {
public:
  Climb(const SearchSpace &space, int64_t budget, int64_t most,
        llvm::function_ref<Evaluation(const Candidate &)> evaluate)
      : space(space), budget(budget), most(most), evaluate(evaluate) {
    addDimensions();
  }

  SearchResult run() {
    Point best = leanest();
    Evaluation known = look(best);
    if (known.bytes > budget)
      return {candidateAt(best), known, false};
    for (bool isBetter = true; isBetter;) {
      isBetter = false;
      // One step alone where that helps, else one for the memory of another.
      for (bool exchanges : {false, true}) {
        Point next = best;
        Evaluation fastest = known;
        for (const Point &point : neighbours(best, exchanges)) {
          if (int64_t(visited.size()) >= most && !visited.count(key(point)))
            continue;
          Evaluation here = look(point);
          if (here.bytes <= budget && here.seconds < fastest.seconds)
            next = point, fastest = here;
        }
        isBetter = next != best;
        best = next, known = fastest;
        if (isBetter)
          break;
      }
    }
    return {candidateAt(best), known, true};
  }

private:
  using Point = std::vector<unsigned>;

  /// Small micro-batches, or one of all sequences, where gradients need not be kept for others.
  Point leanest() {
    Point small(dimensions.size(), 0), whole = small;
    if (!space.update || !space.sequences)
      return small;
    whole.front() = dimensions.front().settings.size() - 1;
    return look(whole).bytes < look(small).bytes ? whole : small;
  }

  void addDimensions() {
    if (space.sequences) {
      Dimension &batches = dimensions.emplace_back();
      for (int64_t batch = 1; batch <= space.sequences; ++batch)
        if (space.sequences % batch == 0)
          batches.settings.push_back([=](Candidate &c) { c.batch = batch, c.accum = space.sequences / batch; });
    }
    for (const std::string &loop : space.loops) {
      Dimension &policies = dimensions.emplace_back();
      for (const char *policy : {"body", "cheap", "nothing"})
        policies.settings.push_back([=](Candidate &c) { c.memory.recompute.push_back(loop + "=" + policy); });
    }
    if (!space.streams.empty())
      dimensions.push_back({{[&](Candidate &c) {
                               for (const std::string &loop : space.streams)
                                 c.memory.streams.push_back(loop + "=bf16");
                             },
                             [](Candidate &) {}}});
    if (!space.masters.empty()) {
      Dimension &ways = dimensions.emplace_back();
      for (const std::vector<std::string> &way : space.masters)
        ways.settings.push_back([&](Candidate &c) { c.memory.masters = way; });
      ways.settings.push_back([](Candidate &) {});
    }
    if (space.codes)
      dimensions.push_back({{[](Candidate &c) { c.memory.codesAtUse = true; }, [](Candidate &) {}}});
    if (space.update)
      dimensions.push_back({{[&](Candidate &c) { c.memory.updateInBackward = (c.batch ? c.accum : space.accum) == 1; },
                             [](Candidate &) {}}});
    if (space.shares)
      dimensions.push_back({{[](Candidate &c) { c.shard = "states"; }, [](Candidate &) {}}});
    if (space.chunk) {
      Dimension &chunks = dimensions.emplace_back();
      chunks.settings.push_back([](Candidate &) {});
      for (int64_t rows : {512, 1024, 2048})
        if (rows <= space.tokens)
          chunks.settings.push_back([=](Candidate &c) { c.memory.chunk = rows; });
    }
  }

  Candidate candidateAt(const Point &point) const {
    Candidate candidate = space.fixed;
    for (auto [dimension, setting] : llvm::zip(dimensions, point))
      dimension.settings[setting](candidate);
    return candidate;
  }

  /// Points that are one candidate are one.
  std::string key(const Point &point) const { return candidateAt(point).spell(); }

  Evaluation look(const Point &point) {
    auto [at, isNew] = visited.try_emplace(key(point));
    if (isNew)
      at->second = evaluate(candidateAt(point));
    return at->second;
  }

  /// Points one setting further in a dimension, or at its end; with `exchanges`, one further and one back in another.
  std::vector<Point> neighbours(const Point &point, bool exchanges) const {
    std::vector<Point> points;
    for (unsigned up = 0; up < point.size(); ++up) {
      const unsigned last = dimensions[up].settings.size() - 1;
      if (point[up] == last)
        continue;
      Point further = point, furthest = point;
      ++further[up];
      furthest[up] = last; // what lies between may be no faster
      if (!exchanges)
        points.push_back(further);
      if (!exchanges && furthest != further)
        points.push_back(furthest);
      for (unsigned down = 0; exchanges && down < point.size(); ++down)
        if (down != up && point[down] > 0) {
          points.push_back(further);
          --points.back()[down];
        }
    }
    return points;
  }

  const SearchSpace &space;
  int64_t budget, most;
  llvm::function_ref<Evaluation(const Candidate &)> evaluate;
  std::vector<Dimension> dimensions;
  std::map<std::string, Evaluation> visited;
};
} // namespace

SearchResult nanochat::search(const SearchSpace &space, int64_t budget, int64_t most,
                              llvm::function_ref<Evaluation(const Candidate &)> evaluate) {
  return Climb(space, budget, most, evaluate).run();
}
