// The whole contract between compiled programs and the runtime, in plain C.
//
// A compiled program is object files. They export `nc_programs`, constant descriptions of
// tensors and entry points for one or several processors, and call nothing of the runtime
// but `nc_dispatch`, `nc_read`, `nc_iterate`, `nc_start` and `nc_finish` (and libm). The runtime owns memory, threads,
// data, files and the ways to other processes; it never loops over tensor elements except to initialise, read, write or
// sample them.
//
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NC_ABI_VERSION 8
#define NC_MAX_RANK 6

/// Element types, one line each, in the order of their numbers: name in IR, in safetensors files, and the C++ type that
/// stores one (runtime/program/DTypes.h). Tensors are dense, row-major and aligned to 64 bytes.
#define NC_DTYPES(X)                                                                                                   \
  X(NC_F32, "f32", "F32", float)                                                                                       \
  X(NC_F64, "f64", "F64", double)                                                                                      \
  X(NC_I32, "i32", "I32", int32_t)                                                                                     \
  X(NC_I8, "i8", "I8", int8_t)                                                                                         \
  X(NC_I64, "i64", "I64", int64_t)                                                                                     \
  X(NC_I16, "i16", "I16", int16_t)                                                                                     \
  X(NC_BF16, "bf16", "BF16", nc::Bf16)                                                                                 \
  X(NC_E4M3, "f8E4M3FN", "F8_E4M3", nc::E4m3)

#define NC_DTYPE_NUMBER(number, name, stored, storage) number,
enum nc_dtype { NC_DTYPES(NC_DTYPE_NUMBER) NC_DTYPE_COUNT };
#undef NC_DTYPE_NUMBER

/// Every byte a program touches lies in one of these arenas, whose sizes are known
/// when the compiler exits. COMM is reserved for collectives and may be empty.
enum nc_arena {
  NC_ARENA_PARAM = 0,     // parameters, kept between steps
  NC_ARENA_STATE = 1,     // optimizer states, kept between steps
  NC_ARENA_GRADIENT = 2,  // gradients, from a gradients entry to its update entry
  NC_ARENA_WORKSPACE = 3, // activations and temporaries, undefined between entries
  NC_ARENA_IO = 4,        // inputs, scalars and outputs of the entries
  NC_ARENA_COMM = 5,
  NC_ARENA_COUNT = 6
};

/// When the runtime writes an input.
enum nc_input {
  NC_OF_BATCH = 0, // with each batch
  NC_OF_STEP = 1,  // before each step; models may read it as a scalar
  NC_OF_RUN = 2,   // the same for all steps
  NC_OF_USER = 3   // what the user says, or the default in init_scale
};

/// Inputs that the runtime knows: "tokens" and "targets" (i32, batch·seq per micro-batch, micro-batches outermost),
/// "reference" (f32, one for each target: what another model's loss is there),
/// "position" (i32 scalar: the row of each sequence whose logits "predict" returns), "step" and "steps" (f32 scalars:
/// 0-based step and the total), "seed" (i32 [2]: that of the run, low word first), "rank" (i32 scalar: that of this
/// process among those that train together). Any other rank-0 f32 input is the
/// user's ("lr", "weight_decay", "beta").
#define NC_INPUTS(X)                                                                                                   \
  X("tokens", NC_OF_BATCH)                                                                                             \
  X("targets", NC_OF_BATCH)                                                                                            \
  X("reference", NC_OF_BATCH)                                                                                          \
  X("position", NC_OF_BATCH)                                                                                           \
  X("step", NC_OF_STEP)                                                                                                \
  X("steps", NC_OF_STEP)                                                                                               \
  X("seed", NC_OF_RUN)                                                                                                 \
  X("rank", NC_OF_RUN)

enum nc_kind {
  NC_PARAM = 0,
  NC_STATE = 1,
  NC_GRADIENT = 2, // bears the name of its parameter
  NC_INPUT = 3,    // written by the runtime before the entry runs
  NC_OUTPUT = 4,   // read by the runtime after the entry ran
  NC_SCALES = 5    // f32, of a parameter of i8 and of its name: an element is its code times the scale of its row
};

/// How a parameter or state starts. NORMAL draws mean 0, standard deviation `init_scale`;
/// CONSTANT fills with `init_scale`. For inputs of rank 0, `init_scale` is the default value.
enum nc_init { NC_INIT_CONSTANT = 0, NC_INIT_NORMAL = 1 };

typedef struct nc_tensor {
  const char *name; // e.g. "layers.wq"; unique among those of its kind and type
  const char *role; // parameters: "embedding", "matrix", "norm", "bias", "gate", "head"; else ""
  int32_t kind;     // nc_kind
  int32_t dtype;    // nc_dtype
  int32_t arena;    // nc_arena
  int32_t rank;     // 0 for scalars
  int64_t shape[NC_MAX_RANK];
  int64_t offset; // bytes from the start of the arena
  int64_t bytes;
  int32_t init; // nc_init
  float init_scale;
  int64_t rows; // where it is a rank's share, how many the whole has in its leading dimension: rank r has those from
                // r·shape[0] on, and zeros behind the last; else 0
} nc_tensor;

/// Opaque to programs: the thread team and what is being recorded.
typedef struct nc_context nc_context;

/// One task of a kernel. `buffers` are the kernel's inputs, then its outputs; `scratch` is
/// private to the calling thread, 64-byte aligned, nc_program.scratch_bytes long.
/// Tasks of one dispatch write disjoint bytes and may run in any order on any thread.
typedef void (*nc_kernel)(void *const *buffers, int64_t task, void *scratch);

/// A kernel operand as `--dump-dispatches` records it.
typedef struct nc_operand {
  int32_t dtype;
  int32_t rank;
  int64_t shape[NC_MAX_RANK];
  int32_t is_output; // an output may alias an input (in-place update)
} nc_operand;

/// A kernel for NVIDIA GPUs: a function of pointers to the operands' buffers and to scratch memory of `scratch_bytes`
/// for each block, launched with `blocks` blocks. Where there are fewer than tasks, each does several, one after
/// another.
typedef struct nc_device_code {
  const char *function; // its name in both of these
  const char *ptx;      // text, for drivers to compile where there is no machine code that fits
  const void *cubin;    // machine code, or null
  int64_t cubin_bytes;
  int64_t blocks;
  int64_t threads;      // of a block
  int64_t shared_bytes; // dynamic shared memory of a block
  int64_t scratch_bytes;
} nc_device_code;

/// A kernel; constant data of the program, one per distinct kernel.
typedef struct nc_kernel_info {
  const char *name;
  nc_kernel run;                // null where the kernel is for a device
  const nc_device_code *device; // null where it is not
  int64_t tasks;                // a function of shapes only, never of the number of threads
  int32_t n_operands;
  const nc_operand *operands;
  int64_t flops;          // operations of a call, a multiply-add being two
  const char *arithmetic; // what its products compute in, as "int8" or "bf16"; "f32" if it has none
} nc_kernel_info;

/// Runs all tasks of `kernel` and returns when they are done. `buffers` holds
/// n_operands pointers and is only read during the call. `source` says which ops of the model are
/// computed, as "nanochat.linear at model.mlir:12:8", for messages. Allocates nothing.
void nc_dispatch(nc_context *context, const nc_kernel_info *kernel, void *const *buffers, const char *source);

/// An integer of `bytes` (4 or 8) at an address of a device, once kernels called before have written it.
int64_t nc_read(nc_context *context, const void *address, int64_t bytes);

/// On a device: the next of `count` micro-batches begins, or with `number` = `count` they are over. All of them call
/// the same kernels, on other addresses.
void nc_iterate(nc_context *context, int64_t number, int64_t count);

/// What ranks do with bytes; see nc_start.
enum nc_collective_kind {
  NC_ALL_TO_ALL = 0, // piece r of `from` goes to rank r, and becomes the piece of this rank there
  NC_ALL_GATHER = 1, // `from`, one piece, goes to all
  NC_BROADCAST = 2   // that of rank 0 goes to all
};

/// Constant data of the program, one per distinct collective.
typedef struct nc_collective {
  const char *name; // "all_to_all_4096", for messages
  int32_t kind;     // nc_collective_kind
  int64_t bytes;    // of a piece: what goes from one rank to one other
  int64_t total;    // of all pieces, of which the last may be shorter or empty; a broadcast has one
  int32_t members;  // of each of the groups of ranks that do so apart from each other; 0 for all ranks
  int32_t stride;   // every so many-th of members·stride consecutive ranks is of one group
} nc_collective;

/// Starts a collective on a lane, 0 to 31, that has none under way; all ranks start the same ones in the same order,
/// and an entry finishes what it started. An all-to-all cuts `from` into pieces, and `to` has `bytes` for each rank,
/// zeros where a piece is shorter (ranks are those of the group, in their order); an all-gather puts pieces together to
/// `to`. That is whole once nc_finish of that lane has returned; `from` must stay as it is until then. `source`: which
/// op of the model it is for, for messages. Allocates nothing.
void nc_start(nc_context *context, const nc_collective *collective, const void *from, void *to, int32_t lane,
              const char *source);
void nc_finish(nc_context *context, int32_t lane);

/// An entry point, run on the calling thread; `arenas` holds NC_ARENA_COUNT base pointers.
/// Names: "<phase>.gradients" (parameters and a batch to gradients, "loss", "grad_norm" and other
/// outputs), "<phase>.update" (gradients to parameters and states), "eval", "predict", and "phase.<name>" (parameters
/// to parameters, once between phases). The default phase is "train".
typedef struct nc_entry {
  const char *name;
  void (*run)(nc_context *context, char *const *arenas);
  int32_t n_tensors;
  const int32_t *tensors; // indices into nc_program.tensors of all it reads or writes
} nc_entry;

/// A compile-time size, such as {"batch", 8}, {"seq", 256}, {"n_loops", 4}, {"accum", 1}. "ranks": how many processes
/// train together, 1 where it is absent; "tensor": how many of these, one after the other, compute each batch together,
/// likewise, and groups of them are the ranks of what follows; "ways": in how many sums a step is, a multiple of these.
/// "batch" and "accum" are those of one way.
typedef struct nc_size {
  const char *name;
  int64_t value;
} nc_size;

/// Outputs the runtime knows: "loss" (f32 scalar), "nll" (f32 [n_loops, tokens] or [tokens], nats),
/// "exit_probability" (f32 [n_loops, tokens]), "grad_norm" (f32 scalar), "logits"
/// (f32 [n_loops, batch, vocab] or [batch, vocab]); any other rank-0 f32 output is logged by name.
/// A gradients entry goes through m = ways/ranks·accum micro-batches: with m > 1, its tokens and targets are
/// [m, batch·seq], rank-0 outputs are means over micro-batches, and other outputs have a dimension m in front. Rank r
/// takes the r-th of the blocks of rows that a step is; rank-0 outputs are those of the whole step on every rank,
/// others the rank's own. The ranks hold the same parameters and states.
typedef struct nc_program {
  int32_t abi_version;
  const char *model;        // name of the model
  const char *target;       // target row it was compiled for
  const char *cpu_features; // what its code needs, by LLVM's names: "avx2,fma"; see CpuFeatures.h
  const char *device;       // the NVIDIA architecture its kernels are for, as "sm_90"; "" for this CPU
  const char *compiler;     // compiler version
  const char *ir_hash;      // hash of the Step IR, hexadecimal
  int64_t vocab;
  int64_t flops_per_token; // of one training token, forward and backward, from the op cost interface
  int32_t n_sizes;
  const nc_size *sizes;
  int32_t n_tensors;
  const nc_tensor *tensors;
  int32_t n_entries;
  const nc_entry *entries;
  int64_t arena_bytes[NC_ARENA_COUNT];
  int64_t scratch_bytes;   // per thread; on a device of all blocks of a kernel
  int64_t reserve_bytes;   // what the plan sets aside for what no arena holds: on a device its context and code
  const char *choices;     // what is kept in memory, as options of the compiler; "" for what the model says
  int32_t only_on_request; // whether it runs only where the user names its device
} nc_program;

/// The model compiled for one or several targets, best first, then null. All have the same
/// parameters and states.
extern const nc_program *const nc_programs[];

#ifdef __cplusplus
}
#endif
