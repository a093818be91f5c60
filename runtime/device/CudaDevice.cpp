#include "runtime/device/CudaDevice.h"
#include "runtime/files/Errors.h"
#include "runtime/program/Arenas.h"
#include "runtime/program/Program.h"
#include <cstdlib>
#include <cstring>
#include <thread>

namespace nc {

/// "sm_90" as 90.
static int architecture(const char *device) { return atoi(device + 3); }

std::string missingForDevice(const nc_program &program, int index) {
  CudaDriver driver;
  int count = 0;
  if (!driver.load())
    return "there is no NVIDIA driver (libcuda.so.1)";
  if (int error = driver.init(0))
    return "the NVIDIA driver does not start: " + driver.describe(error);
  if (!driver.loadAll())
    return "the NVIDIA driver is older than CUDA 12";
  driver.deviceCount(&count);
  if (index >= count)
    return count == 0 ? "there is no NVIDIA GPU" : format("there is no GPU %d, only %d of them", index, count);
  int has = computeCapability(driver, index), needs = architecture(program.device);
  // Code for chips from sm_90 on uses what only they have; older code is compiled again by newer
  // drivers.
  bool isNewer = has > needs && needs < 90;
  if (has == needs || isNewer)
    return "";
  return format("%s is sm_%d", deviceName(driver, index).c_str(), has);
}

void CudaDevice::check(int error, const std::string &what) const {
  if (error)
    failRun(what + ": " + driver.describe(error),
            "NANOCHAT_CUDA_SYNC=1 waits for each kernel and names the one that fails");
}

CudaDevice::CudaDevice(const nc_program &program, int index)
    : program(program), index(index), waitsForEach(getenv("NANOCHAT_CUDA_SYNC") != nullptr) {
  std::string missing = missingForDevice(program, index);
  if (!missing.empty())
    failRun(missing);
  driver.load();
  driver.loadAll();
  check(driver.init(0), "the NVIDIA driver does not start");
  check(driver.retainContext(&context, index), "the GPU cannot be used");
  check(driver.setContext(context), "the GPU cannot be used");
  leftAtFirst = bytesLeft();
  check(driver.createStream(&stream, CudaDriver::kNonBlocking), "the GPU has no stream");
  for (int i = 0; i < NC_ARENA_COUNT; ++i) {
    size_t bytes = size_t(program.arena_bytes[i]);
    std::string purpose =
        format("cannot allocate %s of GPU memory for the %s arena", bytesText(int64_t(bytes)).c_str(), arenaName(i));
    if (bytes == 0)
      continue;
    if (i == NC_ARENA_IO) {
      hostIo = allocateHost(int64_t(bytes));
      memset(hostIo, 0, bytes);
    }
    check(driver.allocate(&arenas[i], bytes), purpose);
    check(driver.clear(arenas[i], 0, bytes, stream), purpose);
    pointers[i] = reinterpret_cast<char *>(arenas[i]);
  }
  if (program.scratch_bytes)
    check(driver.allocate(&scratch, size_t(program.scratch_bytes)),
          format("cannot allocate %s of GPU memory for kernels", bytesText(program.scratch_bytes).c_str()));
}

CudaDevice::~CudaDevice() {
  // The context goes with all that was made in it, where this is its last user.
  recordings.clear();
  for (int i = 0; i < NC_ARENA_COUNT; ++i)
    if (arenas[i])
      driver.release(arenas[i]);
  if (scratch)
    driver.release(scratch);
  if (hostIo)
    driver.releaseHost(hostIo);
  if (context)
    driver.releaseContext(index);
}

void CudaDevice::upload(int arena, const void *from) {
  std::string what = format("cannot copy the %s arena to the GPU", arenaName(arena));
  check(driver.toDevice(arenas[arena], from, size_t(program.arena_bytes[arena]), stream), what);
  check(driver.synchronize(stream), what);
}

void CudaDevice::download(int arena, void *to) const {
  check(driver.toHost(to, arenas[arena], size_t(program.arena_bytes[arena])),
        format("cannot copy the %s arena from the GPU", arenaName(arena)));
}

void CudaDevice::read(void *to, const void *address, size_t bytes) const {
  check(driver.toHost(to, reinterpret_cast<CudaDriver::Address>(address), bytes), "cannot copy from the GPU");
}

void CudaDevice::write(void *address, const void *from, size_t bytes) {
  check(driver.toDevice(reinterpret_cast<CudaDriver::Address>(address), from, bytes, stream), "cannot copy to the GPU");
}

char *CudaDevice::allocateHost(int64_t bytes) const {
  void *memory = nullptr;
  check(driver.allocateHost(&memory, size_t(bytes), 0),
        format("cannot allocate %s of memory that the GPU copies from and to", bytesText(bytes).c_str()));
  return static_cast<char *>(memory);
}

int64_t CudaDevice::bytesLeft() const {
  size_t left = 0, all = 0;
  check(driver.memoryLeft(&left, &all), "the GPU does not say how much memory it has left");
  return int64_t(left);
}

int64_t CudaDevice::usedBytes() const { return leftAtFirst - bytesLeft(); }

/// Until all that was started is done; what the driver returns then.
int CudaDevice::wait() {
  if (!companion)
    return driver.synchronize(stream);
  constexpr int kSpins = 200;
  int error;
  for (int count = 0; (error = driver.query(stream)) == CudaDriver::kNotReady; ++count) {
    companion->poll();
    if (count > kSpins)
      std::this_thread::sleep_for(std::chrono::microseconds(20));
  }
  return error;
}

void CudaDevice::forgetGraphs(std::chrono::steady_clock::time_point limit) {
  while (driver.query(stream) == CudaDriver::kNotReady) {
    if (std::chrono::steady_clock::now() > limit)
      return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  for (auto &[entry, recording] : recordings)
    recording.graphs = nullptr;
}

void CudaDevice::synchronize() { check(wait(), "the GPU failed"); }

std::array<char, 16> CudaDevice::uuid() const {
  std::array<char, 16> uuid = {};
  check(driver.uuid(uuid.data(), index), "the GPU does not say which it is");
  return uuid;
}

void CudaDevice::leaveGraphs() {
  if (running)
    running->needsHost = true;
}

int64_t CudaDevice::readInteger(const void *address, int64_t bytes) {
  leaveGraphs();
  synchronize();
  int64_t value = 0;
  read(&value, address, size_t(bytes));
  return bytes == 4 ? int32_t(value) : value;
}

CudaDriver::Handle CudaDevice::functionOf(const nc_kernel_info &kernel) {
  auto found = functions.find(&kernel);
  if (found != functions.end())
    return found->second;
  const nc_device_code &code = *kernel.device;
  bool fits = code.cubin && computeCapability(driver, index) == architecture(program.device);
  CudaDriver::Handle module = nullptr, function = nullptr;
  int version = 0;
  driver.version(&version);
  std::string what = format("kernel '%s' cannot be loaded by a driver for CUDA %d.%d", kernel.name, version / 1000,
                            version % 1000 / 10);
  // Drivers compile PTX that is older than they are, but take no machine code of later toolkits.
  if (!fits || driver.loadModule(&module, code.cubin))
    check(driver.loadModule(&module, code.ptx), what);
  check(driver.getFunction(&function, module, code.function), what);
  constexpr int kMaxDynamicShared = 8; // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
  if (code.shared_bytes)
    check(driver.setFunctionAttribute(function, kMaxDynamicShared, int(code.shared_bytes)), what);
  return functions.emplace(&kernel, function).first->second;
}

void CudaDevice::launch(const nc_kernel_info &kernel, void *const *buffers, const char *source) {
  const nc_device_code &code = *kernel.device;
  constexpr int kMost = 256;
  if (kernel.n_operands >= kMost)
    failRun(format("kernel '%s' has %d operands", kernel.name, kernel.n_operands));
  void *places[kMost];
  for (int32_t i = 0; i < kernel.n_operands; ++i)
    places[i] = const_cast<void **>(&buffers[i]);
  places[kernel.n_operands] = &scratch;
  KernelLaunch launch = {
      functionOf(kernel),   unsigned(code.blocks), unsigned(code.threads), unsigned(code.shared_bytes), places,
      kernel.n_operands + 1};
  int error = recorder ? recorder->add(launch) : launch.start(driver, stream);
  ++given;
  if (!error && waitsForEach)
    error = wait();
  if (error)
    check(error, format("kernel '%s' failed, which computes %s", kernel.name, source));
}

void CudaDevice::iterate(int64_t number, int64_t count) {
  ++given, ++parts;
  inMicroBatch = number < count;
  if (recorder)
    check(recorder->iterate(number, count), "a micro-batch cannot be recorded");
}

double CudaDevice::launchTimed(const nc_kernel_info &kernel, void *const *buffers, const char *source) {
  std::string what = "the GPU's clock cannot be read";
  if (!begin) {
    check(driver.createEvent(&begin, 0), what);
    check(driver.createEvent(&end, 0), what);
  }
  functionOf(kernel); // loading it is not its time
  check(driver.recordEvent(begin, stream), what);
  launch(kernel, buffers, source);
  check(driver.recordEvent(end, stream), what);
  if (int error = wait())
    check(error, format("kernel '%s' failed, which computes %s", kernel.name, source));
  float milliseconds = 0;
  check(driver.elapsed(&milliseconds, begin, end), what);
  return 1e-3 * double(milliseconds);
}

void CudaDevice::record(Recording &recording, const nc_entry &entry, const std::function<void()> &calls) {
  recording.graphs = std::make_unique<EntryGraphs>(driver, stream);
  struct Scope { // calls may throw
    EntryGraphs *&recorder;
    ~Scope() { recorder = nullptr; }
  } scope{recorder};
  recorder = recording.graphs.get();
  if (companion)
    companion->enter(entry, /*isReplayed=*/false);
  ++given; // what is captured waits for nothing that was there before
  int error = recorder->record(calls);
  check(error, format("entry '%s' cannot be recorded", entry.name));
  if (recording.graphs->isIrregular())
    recording.graphs = nullptr;
}

/// Whether there are graphs to replay in place of the calls.
bool CudaDevice::prepareGraphs(Recording &recording, const nc_entry &entry, const std::function<void()> &calls,
                               bool isWatched) {
  // The first time loads kernels and tells whether the host is needed in between, as in no graph.
  if (recording.runs++ == 0)
    return false;
  bool isWanted = !isWatched && !recording.needsHost && !waitsForEach;
  bool isTogether = companion && companion->exchangesIn(entry);
  if (!recording.isRecorded && (isTogether || isWanted)) {
    recording.isRecorded = true;
    // What ranks exchange is recorded by all of them or by none, whatever is watched where.
    if (isTogether ? companion->saidByAll(isWanted) : isWanted)
      record(recording, entry, calls);
    if (isTogether && !companion->saidByAll(recording.graphs != nullptr))
      recording.graphs = nullptr;
  }
  return isWanted && recording.graphs;
}

void CudaDevice::run(const nc_entry &entry, const std::function<void()> &calls, bool isWatched) {
  Recording &recording = recordings[&entry];
  running = &recording;
  inMicroBatch = false; // of a run that failed
  size_t ioBytes = size_t(program.arena_bytes[NC_ARENA_IO]);
  std::string what = format("entry '%s' failed on the GPU", entry.name);
  bool isReplayed = prepareGraphs(recording, entry, calls, isWatched);
  if (companion)
    companion->enter(entry, isReplayed);
  check(driver.toDevice(arenas[NC_ARENA_IO], hostIo, ioBytes, stream), what);
  ++given;
  if (isReplayed)
    check(recording.graphs->replay(), format("entry '%s' cannot start", entry.name));
  else
    calls();
  running = nullptr;
  check(driver.toHostLater(hostIo, arenas[NC_ARENA_IO], ioBytes, stream), what);
  check(wait(), what);
  if (companion)
    companion->leave();
}

} // namespace nc
