#include "lib/Planner/Communication.h"
#include "dialect/StepIR.h"
#include "lib/Planner/ProcessMemory.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::nanochat;

//===--- Networks ----------------------------------------------------------------------------===//

double Network::secondsOf(int64_t ranks, double piece, int64_t stride) const {
  int64_t together = std::min(stride, ofHost); // groups that a host has a part of
  int64_t here = std::min(ofHost / together, ranks), away = ranks - here;
  double inside = here > 1 ? within.latency + double(here - 1) * piece / within.bandwidth : 0;
  double outside = away > 0 ? between.latency + double(together * here * away) * piece / between.bandwidth : 0;
  return std::max(inside, outside);
}

static std::optional<double> parseSeconds(StringRef text) {
  double scale = text.consume_back("us") ? 1e-6 : text.consume_back("ms") ? 1e-3 : text.consume_back("s") ? 1 : 0;
  double value;
  if (scale == 0 || text.getAsDouble(value) || !(value >= 0 && value < 1e6))
    return std::nullopt;
  return scale * value;
}

static std::optional<Link> parseLink(StringRef latency, StringRef bandwidth) {
  bandwidth.consume_back("/s");
  std::optional<double> seconds = parseSeconds(latency);
  std::optional<int64_t> bytes = parseBytes(bandwidth);
  return seconds && bytes ? std::optional(Link{*seconds, double(*bytes)}) : std::nullopt;
}

std::optional<Network> nanochat::parseNetwork(StringRef text) {
  SmallVector<StringRef> parts;
  text.split(parts, ',');
  if (parts.size() != 2 && parts.size() != 3 && parts.size() != 5)
    return std::nullopt;
  Network network;
  std::optional<Link> between = parseLink(parts[0], parts[1]), within = between;
  if (parts.size() > 2 && (parts[2].getAsInteger(10, network.ofHost) || network.ofHost < 1))
    return std::nullopt;
  if (parts.size() == 5)
    within = parseLink(parts[3], parts[4]);
  if (!between || !within)
    return std::nullopt;
  network.between = *between, network.within = *within;
  return network;
}

//===--- A step ------------------------------------------------------------------------------===//

/// How often the body of a loop runs in a step.
static double timesOf(scf::ForOp loop) {
  std::optional<APInt> count = loop.getStaticTripCount();
  auto period = loop->getAttrOfType<IntegerAttr>(kPeriodAttr);
  return count ? double(count->getSExtValue()) : period ? 1.0 / double(period.getInt()) : 1.0;
}

namespace {
/// Goes through an entry as a rank does.
class Walk {
public:
  Walk(ModuleOp planned, int64_t ranks, const Rates &rates, const std::optional<Network> &network)
      : ranks(ranks), network(network) {
    for (const DispatchFloor &floor : collectFloors(planned))
      secondsOf[floor.kernel] = secondsOfCall(floor, rates);
  }

  void run(Block &block) {
    for (Operation &op : block) {
      if (auto launch = dyn_cast<LaunchOp>(op))
        now += secondsOf.lookup(launch.getKernel());
      else if (auto start = dyn_cast<StartOp>(op))
        begin(start);
      else if (auto finish = dyn_cast<FinishOp>(op))
        end(finish);
      else if (auto loop = dyn_cast<scf::ForOp>(op))
        iterate(loop);
    }
  }

  Communication found;
  double now = 0;

private:
  void begin(StartOp start) {
    // Of rank 0, whose own piece is the first.
    int64_t members = start.getMembers() ? int64_t(start.getMembers()) : ranks;
    int64_t piece = start.getBytes(), others = members - 1;
    int64_t sent = start.getCollective() == Collective::all_to_all ? int64_t(start.getTotal()) - piece : piece * others;
    ++found.exchanges;
    found.sent += double(sent);
    double seconds = network ? network->secondsOf(members, double(sent) / double(others), start.getStride()) : 0;
    found.seconds += seconds;
    free = std::max(free, now) + seconds;
    done[start.getLane()] = free;
  }

  void end(FinishOp finish) {
    double until = done[finish.getLane()];
    found.exposed += std::max(0.0, until - now);
    now = std::max(now, until);
  }

  /// Once for all iterations, where none exchanges anything.
  void iterate(scf::ForOp loop) {
    bool exchanges = loop.walk([](StartOp) { return WalkResult::interrupt(); }).wasInterrupted();
    std::optional<APInt> count = loop.getStaticTripCount();
    if (exchanges && count) {
      for (int64_t i = 0; i < count->getSExtValue(); ++i)
        run(*loop.getBody());
      return;
    }
    Communication before = found;
    double begin = now, wasFree = free;
    run(*loop.getBody());
    double times = timesOf(loop);
    auto scale = [&](double &value, double from) { value = from + times * (value - from); };
    scale(now, begin), scale(found.exchanges, before.exchanges), scale(found.sent, before.sent);
    scale(found.seconds, before.seconds), scale(found.exposed, before.exposed);
    free = std::max(wasFree, std::min(free, now));
  }

  int64_t ranks;
  const std::optional<Network> &network;
  llvm::StringMap<double> secondsOf; // of a kernel's call
  double free = 0;                   // when what is under way will be over
  DenseMap<int64_t, double> done;    // by lane
};
} // namespace

Communication nanochat::communicationOf(ModuleOp planned, int64_t ranks, const Rates &rates,
                                        const std::optional<Network> &network) {
  Walk walk(planned, ranks, rates, network);
  for (EntryKind kind : {EntryKind::gradients, EntryKind::update})
    if (func::FuncOp entry = findEntry(planned, kind, "train"))
      walk.run(entry.getBody().front());
  walk.found.step = walk.now;
  return walk.found;
}

namespace {
struct Exchanged {
  int64_t bytes;        // of what is cut into pieces, or made of them
  double times = 1;     // in a step, or in a micro-batch
  double inBatches = 0; // of a step of a rank, where it is in each of them
};
} // namespace

/// What each exchange of a step's gradients is of; of a program of one rank, what they would be of.
static SmallVector<Exchanged> exchangedBytes(ModuleOp planned) {
  SmallVector<Exchanged> all;
  if (func::FuncOp entry = findEntry(planned, EntryKind::gradients, "train"))
    entry.walk([&](StartOp start) {
      Exchanged &next = all.emplace_back(Exchanged{int64_t(start.getTotal())});
      for (auto loop = start->getParentOfType<scf::ForOp>(); loop; loop = loop->getParentOfType<scf::ForOp>())
        loop->hasAttr(kMicroBatchesAttr) ? next.inBatches = timesOf(loop) : next.times *= timesOf(loop);
    });
  if (!all.empty())
    return all;
  for (TensorOp tensor : getProgram(planned).getBody().getOps<TensorOp>())
    if (tensor.getBind().getKind() == BindingKind::gradient)
      all.append(2, {denseBytes(tensor.getType())}); // to be added, and back
  return all;
}

SmallVector<Scaling> nanochat::scalingOf(ModuleOp planned, const Rates &rates, const Network &network) {
  ProgramOp program = getProgram(planned);
  auto size = [&](StringRef name) { return sizeOr(program, name, 1); };
  auto secondsOf = [&](EntryKind kind) {
    Walk walk(planned, size("ranks"), rates, std::nullopt);
    if (func::FuncOp entry = findEntry(planned, kind, "train"))
      walk.run(entry.getBody().front());
    return walk.now;
  };
  int64_t sequences = size("ways") * size("accum") * size("batch");
  double gradients = secondsOf(EntryKind::gradients) * double(size("ranks")) / double(sequences); // of one sequence
  double update = secondsOf(EntryKind::update);
  SmallVector<Exchanged> exchanged = exchangedBytes(planned);
  bool hasShares = llvm::any_of(program.getBody().getOps<TensorOp>(), [](TensorOp t) { return t.getBind().getRows(); });
  SmallVector<Scaling> table;
  for (int64_t ranks = 1; ranks <= std::min<int64_t>(sequences, 4096) && sequences % ranks == 0; ranks *= 2) {
    double exchange = 0;
    for (const Exchanged &one : exchanged) {
      double batches = std::max(1.0, one.inBatches * double(size("ranks")) / double(ranks));
      exchange += ranks > 1 ? one.times * batches * network.secondsOf(ranks, double(one.bytes) / double(ranks)) : 0;
    }
    double own = hasShares ? double(size("ranks")) / double(ranks) : 1; // of updates, against those compiled
    table.push_back({ranks, gradients * double(sequences / ranks) + update * own, exchange});
  }
  return table;
}
