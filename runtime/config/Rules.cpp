#include "runtime/config/Rules.h"
#include "runtime/config/Phases.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Numbers.h"
#include "runtime/program/Processors.h"
#include <cctype>
#include <filesystem>
#include <set>

namespace nc {

Machine Machine::here() {
  Machine machine;
  machine.processors = availableProcessors();
  std::error_code ignored;
  for (const auto &entry : std::filesystem::directory_iterator("/sys/devices/system/node", ignored)) {
    std::string name = entry.path().filename().string();
    machine.numaNodes += name.rfind("node", 0) == 0 && isdigit(name.back());
  }
#ifdef __x86_64__
  machine.hasAvx2 = __builtin_cpu_supports("avx2");
  machine.hasAvx512 = __builtin_cpu_supports("avx512f");
#endif
  return machine;
}

namespace {

/// The rules; each looks at a few keys and says nothing where one of them is absent.
class Checker {
public:
  Checker(const Config &config, const Machine &machine) : config(config), machine(machine) {}
  std::vector<Remark> check();

private:
  std::optional<double> number(const char *path) const { return config.number(path); }
  bool isOn(const char *path) const { return number(path).value_or(0) != 0; }
  void remark(bool isError, const char *path, const std::string &message, const std::string &note = "") {
    remarks.push_back({isError, config.find(path)->place, message, note});
  }
  void warn(const char *path, const std::string &message, const std::string &note = "") {
    remark(false, path, message, note);
  }

  void checkSteps();
  void checkMix();
  void checkModel();
  void checkNuma();
  void checkKernels();
  void checkParallel();
  void checkRecords();

  const Config &config;
  const Machine &machine;
  std::vector<Remark> remarks;
};

} // namespace

void Checker::checkSteps() {
  auto total = number("training.total_steps"), warmup = number("training.warmup_steps");
  auto stable = number("training.stable_steps"), decay = number("training.decay_steps");
  if (total && warmup && stable && decay && *warmup + *stable + *decay != *total)
    warn("training.total_steps",
         format("total_steps is %.0f, but warmup, stable and decay steps sum to %.0f", *total,
                *warmup + *stable + *decay),
         "total_steps counts; the model's schedule is stretched over it");
  auto peak = number("training.peak_lr"), least = number("training.min_lr");
  if (peak && least && *least > *peak)
    warn("training.min_lr", format("min_lr %g is above peak_lr %g", *least, *peak), "are the two exchanged?");
}

void Checker::checkMix() {
  auto mix = config.below("data.mix."), sources = config.below("data.sources.");
  double sum = 0;
  for (const auto &[name, share] : mix)
    sum += share->number;
  if (!mix.empty() && std::abs(sum - 1) > 1e-6)
    remarks.push_back({true, mix.begin()->second->place, format("the shares of data.mix sum to %.9g, expected 1", sum),
                       "change the shares; they are of the rows that are trained on"});
  if (!sources.empty() && config.find("data.path"))
    remark(true, "data.path", "data.path and data.sources exclude each other", "one data set, or several by name");
  for (const auto &[name, share] : mix)
    if (!sources.count(name))
      remarks.push_back({false, share->place, "data.mix." + name + " has no data.sources." + name + ": it is left out",
                         sources.empty() ? "say where the data are: [data.sources] " + name + " = \"FOLDER\""
                                         : "the other shares grow in proportion"});
  for (const auto &[name, path] : sources)
    if (!mix.empty() && !mix.count(name))
      remarks.push_back(
          {true, path->place, "data.sources." + name + " has no share in data.mix", "give it one, or remove it"});
}

void Checker::checkModel() {
  auto loops = number("model.n_loops"), deepest = number("training.max_loop_depth");
  if (loops && deepest && *loops != *deepest)
    warn("training.max_loop_depth", format("max_loop_depth is %.0f, model.n_loops %.0f", *deepest, *loops),
         "a program trains all of its n_loops loops");
  auto longest = number("model.max_seq_len"), length = number("training.seq_len");
  if (longest && length && *length > *longest)
    remark(true, "training.seq_len", format("seq_len %.0f is above model.max_seq_len %.0f", *length, *longest));
  // A label such as 7b is a claim about parameters; attention and feed-forward of a layer hold
  // about 12·dim².
  const Setting *name = config.find("model.name");
  auto dim = number("model.dim"), layers = number("model.n_layers"), vocab = number("model.vocab_size");
  if (!name || !dim || !layers)
    return;
  double stored = 12 * *dim * *dim * *layers + *dim * vocab.value_or(0);
  for (size_t i = 1; i < name->text.size(); ++i) {
    size_t begin = name->text.find_last_not_of("0123456789", i - 1) + 1;
    bool isLabel =
        std::tolower(name->text[i]) == 'b' && begin < i && (i + 1 == name->text.size() || !isalnum(name->text[i + 1]));
    double claimed = isLabel ? parseNumber(name->text.substr(begin, i - begin)).value_or(INFINITY) * 1e9 : 0;
    if (isLabel && std::abs(claimed / stored - 1) > 0.25)
      warn("model.name",
           format("called %.0f G, but dim, n_layers and vocab_size make about %.2f G stored parameters", claimed / 1e9,
                  stored / 1e9),
           loops ? format("looped %.0f times they do the work of %.2f G", *loops,
                          12 * *dim * *dim * *layers * *loops / 1e9)
                 : "");
  }
}

/// How many numbers a list such as "0-7,64" names; what is none of them counts as none.
static int64_t countListed(const std::string &list) {
  int64_t count = 0;
  for (size_t begin = 0; begin < list.size();) {
    size_t end = std::min(list.find(',', begin), list.size());
    std::string part = list.substr(begin, end - begin);
    part.erase(0, part.find_first_not_of(' '));
    size_t dash = std::min(part.find('-'), part.size());
    auto first = parseInteger<uint16_t>(part.substr(0, dash)), last = first;
    if (dash < part.size())
      last = parseInteger<uint16_t>(part.substr(dash + 1));
    if (first && last && *first <= *last)
      count += *last - *first + 1;
    begin = end + 1;
  }
  return count;
}

void Checker::checkNuma() {
  auto nodes = number("hardware.numa_nodes");
  int64_t lists = 0;
  for (const auto &[name, list] : config.below("hardware.numa.")) {
    if (name.rfind("node_", 0) == 0)
      ++lists;
    else if (name.rfind("socket_", 0) == 0)
      lists += countListed(list->text);
  }
  if (nodes && lists && *nodes != lists)
    warn("hardware.numa_nodes", format("numa_nodes is %.0f, hardware.numa lists %lld", *nodes, wide(lists)));
  if (nodes && machine.numaNodes && *nodes != machine.numaNodes)
    warn("hardware.numa_nodes", format("numa_nodes is %.0f, this machine has %d", *nodes, machine.numaNodes),
         "the BIOS decides: NPS4 and L3-as-NUMA make more nodes of the same processors");
  auto threads = number("hardware.cpu_threads");
  if (threads && *threads > machine.processors)
    warn("hardware.cpu_threads",
         format("cpu_threads is %.0f, this process may use %d processors: as many are used", *threads,
                machine.processors),
         "more threads than processors only wait for one another; --threads gets them all the same");
}

void Checker::checkKernels() {
  const Setting *kernel = config.find("hardware.preferred_kernel");
  if (kernel && kernel->text == "AVX512" && !machine.hasAvx512)
    warn("hardware.preferred_kernel", "this processor has no AVX-512",
         "compile with --target=native, which takes what is here");
  else if (kernel && kernel->text == "AVX2" && !machine.hasAvx2)
    warn("hardware.preferred_kernel", "this processor has no AVX2",
         "compile with --target=native, which takes what is here");
  else if (kernel && kernel->text == "AVX2" && machine.hasAvx512)
    warn("hardware.preferred_kernel", "this processor has AVX-512 as well",
         "--target=native uses it; --target=x86-64-v3 is AVX2");
  else if (kernel && kernel->text == "CUDA")
    warn("hardware.preferred_kernel", "compiled programs run on CPUs so far");
  if (isOn("hardware.cuda.enable_fp16"))
    warn("hardware.cuda.enable_fp16", "fp16 is not used: gradients underflow in it", "cards that run this have bf16");
  if (config.find("hardware.cuda.deterministic") && !isOn("hardware.cuda.deterministic"))
    warn("hardware.cuda.deterministic", "results are the same bits each time in any case");
}

void Checker::checkParallel() {
  auto size = number("hardware.tensor_parallel_size"), world = number("distributed.world_size");
  bool isParallel = isOn("distributed.tensor_parallel");
  if (size && *size > 1 && !isParallel)
    warn("hardware.tensor_parallel_size",
         format("tensor_parallel_size is %.0f, but distributed.tensor_parallel is not on", *size));
  if (size && world && isParallel && std::fmod(*world, *size) != 0)
    remark(true, "hardware.tensor_parallel_size",
           format("tensor_parallel_size %.0f does not divide world_size %.0f", *size, *world));
  if (isParallel)
    warn("distributed.tensor_parallel", "not used: every rank has the whole model",
         "it shares layers, not the batch: training.batch_size is that of all devices together. "
         "Cards without peer-to-peer "
         "access, as RTX 4090, are better off with copies of the model (data parallel)");
}

void Checker::checkRecords() {
  if (config.find("checkpointing.save_optimizer_state") && !isOn("checkpointing.save_optimizer_state"))
    warn("checkpointing.save_optimizer_state", "checkpoints always have the optimizer's state",
         "--save writes the parameters alone");
  if (config.find("checkpointing.interval") && !config.find("checkpointing.dir"))
    warn("checkpointing.interval", "not used: there is no checkpointing.dir",
         "name a folder, here or with --checkpoints");
  bool isWanted = isOn("logging.use_tensorboard");
  if (isWanted && !config.find("logging.tensorboard_dir"))
    warn("logging.use_tensorboard", "not used: there is no logging.tensorboard_dir");
  if (const Setting *metrics = config.find("evaluation.metrics"))
    for (const std::string &metric : metrics->list)
      if (!std::set<std::string>{"loss", "perplexity", "bpb", "bits_per_byte", "exit_depth"}.count(metric))
        warn("evaluation.metrics", "'" + metric + "' is not measured yet",
             "validation gives loss, bits per byte and exit depth");
}

std::vector<Remark> Checker::check() {
  checkSteps();
  checkMix();
  checkModel();
  checkNuma();
  checkKernels();
  checkParallel();
  checkRecords();
  std::vector<Remark> more = checkPhases(config);
  remarks.insert(remarks.end(), more.begin(), more.end());
  return std::move(remarks);
}

std::vector<Remark> checkConfig(const Config &config, const Machine &machine) {
  return Checker(config, machine).check();
}

} // namespace nc
