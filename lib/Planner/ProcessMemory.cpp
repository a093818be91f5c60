#include "lib/Planner/ProcessMemory.h"
#include "lib/Program/Descriptor.h"

using namespace mlir;
using namespace mlir::nanochat;

int64_t ProcessMemory::total() const {
  int64_t bytes = 0;
  for (auto [name, size] : classes)
    bytes += size;
  return bytes;
}

std::optional<int64_t> nanochat::parseBytes(StringRef text) {
  constexpr StringLiteral units = "KMGT";
  StringRef number = text.rtrim("BKMGTi"), unit = text.drop_front(number.size());
  bool isBinary = unit.size() == 3 && unit[1] == 'i', isPlain = unit.empty() || unit == "B";
  size_t power = isPlain ? 0 : units.find(unit[0]) + 1;
  double value;
  if (number.getAsDouble(value) || !(isPlain || ((unit.size() == 2 || isBinary) && power > 0 && unit.back() == 'B')))
    return std::nullopt;
  double bytes = value * std::pow(isBinary ? 1024.0 : 1000.0, double(power));
  if (!(bytes >= 1 && bytes < 1e18))
    return std::nullopt;
  return int64_t(bytes);
}

/// Bytes of the buffers of @train.gradients by use, at the moment when they are most.
using Uses = std::array<int64_t, getMaxEnumValForBufferUse() + 1>;
static Uses usesAtMost(ProgramOp program) {
  SmallVector<TemporaryOp> buffers;
  for (TemporaryOp buffer : program.getBody().getOps<TemporaryOp>())
    if (buffer.getEntry() == "train.gradients")
      buffers.push_back(buffer);
  Uses most{};
  int64_t mostBytes = 0;
  for (TemporaryOp begin : buffers) { // it is where one begins
    Uses alive{};
    int64_t bytes = 0;
    for (TemporaryOp buffer : buffers)
      if (buffer.getFirst() <= begin.getFirst() && begin.getFirst() <= buffer.getLast()) {
        alive[size_t(buffer.getUse())] += buffer.getBytes();
        bytes += buffer.getBytes();
      }
    if (bytes > mostBytes)
      most = alive, mostBytes = bytes;
  }
  return most;
}

ProcessMemory nanochat::memoryOf(ModuleOp emitted, const Target &row, int64_t threads) {
  ProgramOp program = getProgram(emitted);
  SmallVector<int64_t> arenas(program.getArenas());
  arenas.resize(getMaxEnumValForArena() + 1);
  auto arena = [&](Arena which) { return arenas[size_t(which)]; };
  Uses uses = usesAtMost(program);
  auto use = [&](BufferUse which) { return uses[size_t(which)]; };
  int64_t copies = use(BufferUse::working_copies), saved = use(BufferUse::saved), head = use(BufferUse::head);
  int64_t come = use(BufferUse::communication);
  constexpr int64_t kPage = 4096; // threads have pages of their own
  int64_t scratch = scratchBytes(emitted, row);
  ProcessMemory memory;
  memory.classes = {{"masters", arena(Arena::param)},
                    {"working copies", copies},
                    {"gradients", arena(Arena::gradient)},
                    {"states", arena(Arena::state)},
                    {"saved", saved},
                    {"head", head},
                    {"workspace", arena(Arena::workspace) - copies - saved - head - come},
                    {"communication", arena(Arena::comm) + come},
                    {"io", arena(Arena::io)},
                    {"scratch", row.onGpu() ? scratch : llvm::alignTo(scratch, kPage) * threads},
                    {"reserve", row.reserveBytes()}};
  if (row.onGpu())
    memory.host = arena(Arena::io) + arena(Arena::param) + arena(Arena::state);
  return memory;
}
