#include "runtime/config/Keys.h"
#include "runtime/files/Names.h"

#include <algorithm>

namespace nc {

// Reasons that several keys share.
static constexpr const char *kModelFile = "the model file says it; see 'info'";
static constexpr const char *kCompiled = "it is compiled into the program: nanochat-opt --config takes it";
static constexpr const char *kSchedule = "the schedule is part of the model file; --schedule-steps stretches it";
static constexpr const char *kOptimizer = "optimizers and their numbers are part of the model file";
static constexpr const char *kVerifier = "no compiler-verified data yet";
static constexpr const char *kRanks = "ranks find each other by --ranks or a launcher, and exchange as --comm says";
static constexpr const char *kGradients = "the compiler decides which gradients are exchanged when";
static constexpr const char *kDistributed = "every rank has the whole model";
static constexpr const char *kGpu = "compiled programs run on CPUs so far";
static constexpr const char *kThreads = "--threads share all work; there are no others";
static constexpr const char *kNuma =
    "threads are not placed by NUMA node yet; hardware.pin keeps them on their processors";
static constexpr const char *kOpenMp = "threads are our own, OpenMP is not used";
static constexpr const char *kLoader = "data are read by the training thread; there is no queue to fill";

const std::vector<Key> &knownKeys() {
  using T = KeyType;
  using U = KeyUse;
  static const std::vector<Key> keys = {
      {"model.name", T::Text, U::Told, "checks", "Name of the configuration"},
      {"model.architecture", T::Text, U::Unused, kModelFile, "Kind of model"},
      {"model.dim", T::Integer, U::Unused, kCompiled, "Width of the residual stream", 1, INFINITY, "d"},
      {"model.n_layers", T::Integer, U::Size, "layers", "Layers of the stack that is looped", 1},
      {"model.n_heads", T::Integer, U::Unused, kCompiled, "Attention heads", 1, INFINITY, "heads"},
      {"model.vocab_size", T::Integer, U::Told, "checks", "Tokens the model knows", 1, INFINITY, "vocab"},
      {"model.max_seq_len", T::Integer, U::Told, "checks", "Longest sequence", 1, INFINITY, "seq"},
      {"model.group_size", T::Integer, U::Unused, kCompiled, "Ternary weights per scale", 1, INFINITY, "group"},
      {"model.ffn_dim", T::Integer, U::Unused, kCompiled, "Width of the gated unit", 1, INFINITY, "ffn"},
      {"model.mhc_n_streams", T::Integer, U::Unused, kModelFile, "Residual streams", 1},
      {"model.n_loops", T::Integer, U::Size, "n_loops", "How often the stack is applied", 1},

      {"training.batch_size", T::Integer, U::Size, "batch", "Sequences per micro-batch", 1},
      {"training.seq_len", T::Integer, U::Size, "seq", "Tokens per sequence", 1},
      {"training.accumulation_steps", T::Integer, U::Size, "accum", "Micro-batches per step", 1},
      {"training.total_steps", T::Integer, U::Flag, "steps", "Steps of the whole run", 0},
      {"training.schedule_steps", T::Integer, U::Flag, "schedule-steps",
       "Steps that schedules are stretched over; total_steps if absent", 1},
      {"training.warmup_steps", T::Integer, U::Unused, kSchedule, "Steps of rising learning rate", 0},
      {"training.stable_steps", T::Integer, U::Unused, kSchedule, "Steps of constant learning rate", 0},
      {"training.decay_steps", T::Integer, U::Unused, kSchedule, "Steps of falling learning rate", 0},
      {"training.seed", T::Integer, U::Flag, "seed", "Decides first parameters and the order of data", 0},
      {"training.phase", T::Text, U::Flag, "phase", "Which of the model's training phases"},
      {"training.peak_lr", T::Number, U::Scalar, "lr", "Learning rate", 0},
      {"training.min_lr", T::Number, U::Unused, kSchedule, "Learning rate at the end", 0},
      {"training.muon_lr", T::Number, U::Scalar, "muon_lr", "Learning rate of Muon, where it is a scalar of its own",
       0},
      {"training.lion_lr", T::Number, U::Scalar, "lion_lr", "Learning rate of Lion, where it is a scalar of its own",
       0},
      {"training.entropy_weight", T::Number, U::Scalar, "beta", "Weight of the exit distribution's entropy in the loss",
       0},
      {"training.max_loop_depth", T::Integer, U::Told, "checks", "Loops at most", 1},
      {"training.grad_clip", T::Number, U::Unused, kOptimizer, "Norm that gradients are clipped to", 0},
      {"training.optimizer.type", T::Text, U::Unused, kCompiled,
       "hybrid (8-bit Muon, Lion), galore, muon, muon8, adamw, adamw8 or lion"},
      {"training.optimizer.galore_rank", T::Integer, U::Unused, kCompiled, "Rank of GaLore's projections", 1},
      {"training.optimizer.muon_momentum", T::Number, U::Unused, kOptimizer, "Momentum of Muon", 0, 1},
      {"training.optimizer.lion_beta1", T::Number, U::Unused, kOptimizer, "β₁ of Lion", 0, 1},
      {"training.optimizer.lion_beta2", T::Number, U::Unused, kOptimizer, "β₂ of Lion", 0, 1},
      {"training.optimizer.weight_decay", T::Number, U::Scalar, "weight_decay", "Decoupled weight decay", 0},

      {"memory.budget", T::Text, U::Unused, kCompiled, "Memory of a GPU that the program may take, as \"16GB\""},
      {"memory.recompute", T::TextList, U::Unused, kCompiled, "Policies of loops, as [\"layers=body\"]"},
      {"memory.allow", T::TextList, U::Unused, kCompiled, "Roundings that the budget may choose, as [\"stream=bf16\"]"},
      {"memory.masters", T::TextList, U::Unused, kCompiled,
       "Roles whose parameters are bf16 or int8, as [\"matrix=bf16\"]"},
      {"memory.codes", T::Text, U::Unused, kCompiled, "When codes of ternary weights are made: step or use"},
      {"memory.update", T::Text, U::Unused, kCompiled, "When stacked parameters are updated: after or backward"},
      {"memory.chunk", T::Integer, U::Unused, kCompiled, "Tokens whose logits there are at once", 1},

      {"phase[].at", T::Time, U::Told, "--at",
       "Before which step: its number, or a percentage of the schedule as \"50%\""},
      {"phase[].set.*", T::Number, U::Told, "--at", "Value of a scalar of the model from then on"},
      {"phase[].run", T::Text, U::Told, "--at", "What of the model's phases to run, as \"fire\""},
      {"phase[].restart", T::Boolean, U::Told, "--at", "Whether optimizers' states begin anew"},

      {"data.path", T::Text, U::Flag, "data", "Prepared folder, token files or texts"},
      {"data.sources.*", T::Text, U::Told, "--data", "Path of a data set that data.mix weighs"},
      {"data.mix.*", T::Number, U::Told, "--mix", "Share of a data set; shares sum to 1", 0, 1},
      {"data.tokenizer", T::Text, U::Flag, "tokenizer", "tokenizer.json, for data that are texts"},
      {"data.validation", T::Text, U::Flag, "val", "Validation text"},
      {"data.num_workers", T::Integer, U::Unused, kLoader, "Threads that load data", 0},
      {"data.prefetch_factor", T::Integer, U::Unused, kLoader, "Batches loaded ahead, per worker", 0},
      {"data.pin_memory", T::Boolean, U::Unused, kGpu, "Load into memory that devices can read"},
      {"data.verify_every_n_examples", T::Integer, U::Unused, kVerifier, "How often to try rustc on examples", 0},
      {"data.min_compile_rate", T::Number, U::Unused, kVerifier, "Share of examples that must compile", 0, 1},

      {"checkpointing.dir", T::Text, U::Flag, "checkpoints", "Folder of checkpoints"},
      {"checkpointing.interval", T::Integer, U::Flag, "save-every", "Steps between checkpoints; 0: only the last", 0},
      {"checkpointing.keep_last_n", T::Integer, U::Flag, "keep-last", "How many checkpoints to keep", 1},
      {"checkpointing.resume", T::Text, U::Flag, "resume", "auto, or the folder of a checkpoint"},
      {"checkpointing.save_optimizer_state", T::Boolean, U::Told, "checks", "Checkpoints always have it"},
      {"checkpointing.async_save", T::Boolean, U::Unused, "a save takes as long as the disk; training waits for it",
       "Save beside training"},

      {"evaluation.eval_every", T::Integer, U::Flag, "eval-every", "Steps between evaluations; 0: none", 0},
      {"evaluation.eval_batches", T::Integer, U::Flag, "eval-batches", "Batches per evaluation", 1},
      {"evaluation.metrics", T::TextList, U::Told, "checks", "What to measure"},
      {"evaluation.n_eval_examples", T::Integer, U::Unused, "evaluation.eval_batches says how much is evaluated",
       "Examples per evaluation", 1},

      {"logging.level", T::Text, U::Unused, "progress, warnings and errors are always shown", "How much is said"},
      {"logging.log_file", T::Text, U::Flag, "log-file", "Where to write what the terminal shows"},
      {"logging.jsonl", T::Text, U::Flag, "log", "Where to write one JSON object per step"},
      {"logging.use_tensorboard", T::Boolean, U::Told, "whether tensorboard_dir counts", "Write event files"},
      {"logging.tensorboard_dir", T::Text, U::Flag, "tensorboard", "Folder of event files"},

      {"hardware.cpu_threads", T::Integer, U::Flag, "threads", "Threads; results are the same for any number", 1, 1024},
      {"hardware.pin", T::Boolean, U::Flag, "pin", "Keep each thread on its processor"},
      {"hardware.interop_threads", T::Integer, U::Unused, kThreads, "Threads that run whole operations", 0},
      {"hardware.numa_aware", T::Boolean, U::Unused, kNuma, "Keep memory near the threads that use it"},
      {"hardware.numa_nodes", T::Integer, U::Told, "checks", "NUMA nodes of the machine", 1},
      {"hardware.numa.*", T::Text, U::Unused, kNuma, "Processors of a node, or nodes of a socket"},
      {"hardware.preferred_kernel", T::Text, U::Told, "checks",
       "AVX512, AVX2 or CUDA; the compiler's --target decides"},
      {"hardware.fallback_kernel", T::Text, U::Unused, "a program is compiled for one --target", "The second choice"},
      {"hardware.use_openmp", T::Boolean, U::Unused, kOpenMp, "Use OpenMP"},
      {"hardware.openmp_threads", T::Integer, U::Unused, kOpenMp, "Threads of OpenMP", 0},
      {"hardware.openmp.dynamic", T::Boolean, U::Unused, kOpenMp, "OMP_DYNAMIC"},
      {"hardware.openmp.nested", T::Boolean, U::Unused, kOpenMp, "OMP_NESTED"},
      {"hardware.openmp.thread_limit", T::Integer, U::Unused, kOpenMp, "OMP_THREAD_LIMIT", 0},
      {"hardware.gpu_memory_fraction", T::Number, U::Unused, kGpu, "Share of a device's memory to use", 0, 1},
      {"hardware.mixed_precision", T::Boolean, U::Unused, "precisions are part of the model file",
       "Compute in less than f32 where the model allows"},
      {"hardware.gradient_checkpointing", T::Boolean, U::Unused,
       "recompute(...) on the loops of the model file says it", "Recompute activations"},
      {"hardware.tensor_parallel_size", T::Integer, U::Told, "checks", "Devices that share one layer", 1},
      {"hardware.cuda_math_mode", T::Text, U::Unused, kGpu, "Exactness of device functions"},
      {"hardware.cuda.enable_tf32", T::Boolean, U::Unused, kGpu, "Multiply f32 in TF32"},
      {"hardware.cuda.enable_fp16", T::Boolean, U::Told, "checks", "Compute in fp16"},
      {"hardware.cuda.benchmark", T::Boolean, U::Unused, kGpu, "Choose kernels by trying them"},
      {"hardware.cuda.deterministic", T::Boolean, U::Told, "checks", "The same bits each time"},

      {"distributed.world_size", T::Integer, U::Told, "checks", "Processes", 1},
      {"distributed.tensor_parallel", T::Boolean, U::Told, "checks", "Share layers among devices"},
      {"distributed.pipeline_parallel", T::Boolean, U::Unused, kDistributed, "Spread layers over devices"},
      {"distributed.backend", T::Text, U::Unused, kRanks, "Library of collectives"},
      {"distributed.init_method", T::Text, U::Unused, kRanks, "How processes find each other"},
      {"distributed.bucket_size_mb", T::Number, U::Unused, kGradients, "Gradients reduced at a time", 0},
      {"distributed.allreduce_bucket_size", T::Integer, U::Unused, kGradients, "Gradients reduced at a time, in bytes",
       0},
  };
  return keys;
}

static bool matches(std::string_view pattern, std::string_view path) {
  if (pattern.back() != '*')
    return pattern == path;
  std::string_view table = pattern.substr(0, pattern.size() - 1);
  return path.size() > table.size() && path.substr(0, table.size()) == table &&
         path.find('.', table.size()) == path.npos;
}

const Key *findKey(std::string_view path) {
  for (const Key &key : knownKeys())
    if (matches(key.path, path))
      return &key;
  return nullptr;
}

const char *sizeOf(const Key &key) { return key.use == KeyUse::Size ? key.target : key.size; }

bool isTableList(std::string_view path) {
  std::string prefix = std::string(path) + "[].";
  const std::vector<Key> &keys = knownKeys();
  return std::any_of(keys.begin(), keys.end(),
                     [&](const Key &key) { return !std::string_view(key.path).rfind(prefix, 0); });
}

std::string nearestKey(std::string_view path) {
  std::vector<std::string_view> paths;
  for (const Key &key : knownKeys())
    if (std::string_view known = key.path; known.back() != '*')
      paths.push_back(known);
  size_t most = std::max<size_t>(3, (path.size() - path.rfind('.') - 1) / 3);
  std::optional<size_t> nearest = findNearest(path, paths, most);
  return std::string(nearest ? paths[*nearest] : "");
}

const char *typeName(KeyType type) {
  static const char *const names[] = {"an integer", "a finite number", "true or false",
                                      "a text",     "a list of texts", "a step, or a percentage such as \"50%\""};
  return names[int(type)];
}

} // namespace nc
