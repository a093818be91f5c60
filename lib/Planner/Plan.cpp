#include "lib/Planner/Plan.h"
#include "dialect/Sources.h"
#include "lib/Planner/Communication.h"
#include "lib/Planner/ProcessMemory.h"
#include "lib/Planner/StepTime.h"
#include "lib/Program/Descriptor.h"
#include <map>

using namespace mlir;
using namespace mlir::nanochat;
namespace json = llvm::json;

static json::Array describeBuffers(ProgramOp program) {
  json::Array buffers;
  for (TemporaryOp buffer : program.getBody().getOps<TemporaryOp>()) {
    std::string type;
    llvm::raw_string_ostream(type) << buffer.getType();
    buffers.push_back(json::Object{{"entry", buffer.getEntry()},
                                   {"type", type},
                                   {"bytes", int64_t(buffer.getBytes())},
                                   {"offset", int64_t(buffer.getOffset())},
                                   {"first", int64_t(buffer.getFirst())},
                                   {"last", int64_t(buffer.getLast())},
                                   {"use", stringifyBufferUse(buffer.getUse())},
                                   {"of", llvm::join(sourcesOf(buffer.getLoc()), ", ")}});
  }
  return buffers;
}

static json::Array describeDispatches(ArrayRef<DispatchFloor> floors) {
  json::Array dispatches;
  for (const DispatchFloor &floor : floors)
    dispatches.push_back(json::Object{{"entry", floor.entry},
                                      {"kernel", floor.kernel},
                                      {"class", floor.kind},
                                      {"arithmetic", floor.arithmetic},
                                      {"calls", floor.calls},
                                      {"bytes", floor.bytes},
                                      {"operations", floor.operations}});
  return dispatches;
}

/// Operations of every entry, of a step on average.
static json::Object describeWork(ArrayRef<DispatchFloor> floors) {
  std::map<std::string, double> work;
  for (const DispatchFloor &floor : floors)
    work[floor.entry.str()] += floor.calls * double(floor.operations);
  json::Object operations;
  for (auto &[entry, count] : work)
    operations[entry] = int64_t(count);
  return operations;
}

static json::Object describeTime(ArrayRef<DispatchFloor> floors, const Rates &rates, int64_t tokens) {
  StepTime time = timeOf(floors, rates);
  json::Object kinds;
  for (auto &[kind, seconds] : time.byKind)
    kinds[kind] = seconds;
  return json::Object{{"seconds_per_step", time.predicted},
                      {"floor_seconds", time.floor},
                      {"tokens_per_second", time.predicted > 0 ? double(tokens) / time.predicted : 0.0},
                      {"rates", rates.isMeasured() ? "measured: " + rates.machine : "not measured"},
                      {"threads", rates.threads},
                      {"by_kind", std::move(kinds)}};
}

static json::Array describeFp4(ProgramOp program, const Target &row) {
  json::Array products;
  for (auto product : program.getFp4Products().getAsRange<Fp4ProductAttr>()) {
    bool isNative = row.multipliesFp4(product.getK());
    products.push_back(
        json::Object{{"product", product.getSite()},
                     {"bytes", isNative ? (product.getCodes() + product.getWeights()) / 2 + product.getScales()
                                        : product.getCodes() + product.getScales()},
                     {"by", isNative  ? std::string("native: mma.sync with block_scale")
                            : row.gpu ? "emulated: " + stringifyFormat(row.numerics.dense).str() + " mma"
                                      : "integers, in bytes"}});
  }
  return products;
}

static json::Object describeCommunication(ModuleOp emitted, const PlanFacts &facts, int64_t tokens) {
  int64_t ranks = sizeOr(getProgram(emitted), "ranks", 1);
  json::Object described;
  if (ranks > 1) {
    Communication found = communicationOf(emitted, ranks, facts.rates, facts.network);
    described = json::Object{{"exchanges_per_step", found.exchanges}, {"bytes_sent_per_step", int64_t(found.sent)}};
    if (facts.network)
      described["seconds"] = found.seconds, described["exposed_seconds"] = found.exposed;
  }
  // Exchanges of groups are no function of how many groups there are.
  if (!facts.network || sizeOr(getProgram(emitted), "tensor", 1) > 1)
    return described;
  json::Array table;
  double alone = 0;
  for (Scaling scaling : scalingOf(emitted, facts.rates, *facts.network)) {
    double seconds = scaling.compute + scaling.exchange;
    alone = scaling.ranks == 1 ? seconds : alone;
    table.push_back(json::Object{{"ranks", scaling.ranks},
                                 {"compute_seconds", scaling.compute},
                                 {"exchange_seconds", scaling.exchange},
                                 {"tokens_per_second", double(tokens) / seconds},
                                 {"efficiency", alone / seconds / double(scaling.ranks)}});
  }
  described["scaling"] = std::move(table);
  return described;
}

/// Classes of memory in order; an array, as objects have none.
static json::Array describeMemory(const ProcessMemory &memory) {
  json::Array classes;
  for (auto [name, bytes] : memory.classes)
    classes.push_back(json::Object{{"class", name}, {"bytes", bytes}});
  return classes;
}

json::Object mlir::nanochat::describePlan(ModuleOp emitted, const Target &row, const PlanFacts &facts) {
  ProgramOp program = getProgram(emitted);
  json::Object sizes, arenas, filter;
  int64_t tokens = 1, arenaBytes = 0;
  for (NamedAttribute size : program.getSizes()) {
    int64_t value = cast<IntegerAttr>(size.getValue()).getInt();
    sizes[size.getName().strref()] = value;
    if (llvm::is_contained({"batch", "seq", "accum", "ways"}, size.getName().strref()))
      tokens *= value;
  }
  for (auto [arena, bytes] : llvm::enumerate(program.getArenas())) {
    arenas[stringifyArena(Arena(arena))] = bytes;
    arenaBytes += bytes;
  }
  llvm::StringMap<int64_t> savedBy; // entries run one after the other, in the same arena
  int64_t saved = 0;
  for (TemporaryOp buffer : program.getBody().getOps<TemporaryOp>())
    if (buffer.getUse() == BufferUse::saved)
      saved = std::max<int64_t>(saved, savedBy[buffer.getEntry()] += buffer.getBytes());
  if (program.getKeptRows())
    filter =
        json::Object{{"kept_rows", int64_t(program.getKeptRows())},
                     {"flops_per_token_without", facts.unfiltered},
                     {"attention", row.gpu ? "of all tokens: GPUs have no kernel of kept ones" : "of kept tokens"}};
  json::Array plain;
  for (auto kernel : emitted.getOps<func::FuncOp>())
    if (auto why = kernel->getAttrOfType<StringAttr>(kDeclinedAttr))
      plain.push_back(json::Object{{"kernel", kernel.getName()}, {"why", why.getValue()}});
  SmallVector<DispatchFloor> floors = collectFloors(emitted);
  ProcessMemory memory = memoryOf(emitted, row, facts.threads);
  return json::Object{
      {"model", program.getModel()},
      {"target", program.getTarget()},
      {"sizes", std::move(sizes)},
      {"choice", json::Object{{"options", facts.choice.empty() ? program.getChoices().str() : facts.choice}}},
      {"parameters_stored", int64_t(program.getParametersStored())},
      {"parameters_effective", int64_t(program.getParametersEffective())},
      {"flops_per_token", int64_t(program.getFlopsPerToken())},
      {"operations", describeWork(floors)},
      {"filter", std::move(filter)},
      {"time", describeTime(floors, facts.rates, tokens)},
      {"communication", describeCommunication(emitted, facts, tokens)},
      {"memory", describeMemory(memory)},
      {"total_bytes", memory.total()},
      {"host_bytes", memory.host},
      {"threads", row.onGpu() ? 1 : facts.threads},
      {"arena_bytes", std::move(arenas)},
      {"arenas_total_bytes", arenaBytes},
      {"scratch_bytes", scratchBytes(emitted, row)},
      {"saved_bytes", saved},
      {"workspace", describeBuffers(program)},
      {"dispatches", describeDispatches(floors)},
      {"fp4_products", describeFp4(program, row)},
      {"plain_kernels", std::move(plain)}};
}
