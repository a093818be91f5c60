// What a compiler would emit for the smallest model that trains: a table of bigram logits and a
// bias, looked at in two "loops" (at half and at full strength) with fixed exit probabilities.
//
// TINY_VOCAB, TINY_F64, TINY_DEVICE, TINY_RANKS and, of the latter, TINY_WAYS and TINY_SHARES, where each rank has rows
// of the table and the first says the rate to others, make variants. At step `poison_step` the loss kernel yields a NaN, with
// TINY_POISON_RANK in the environment only on that rank.
//
#include "runtime/Abi.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifndef TINY_VOCAB
#define TINY_VOCAB 257
#endif
// A step is the sum of WAYS batches, which are dealt to the ranks: TINY_WAYS, or 6.
#ifdef TINY_RANKS
#ifndef TINY_WAYS
#define TINY_WAYS 6
#endif
enum { WAYS = TINY_WAYS, RANKS = TINY_RANKS };
#else
enum { WAYS = 1, RANKS = 1 };
#endif
enum { HERE = WAYS / RANKS };
#ifdef TINY_F64
typedef double real;
#define REAL NC_F64
#else
typedef float real;
#define REAL NC_F32
#endif

enum { V = TINY_VOCAB, BATCH = 4, SEQ = 16, ACCUM = 2, T = BATCH * SEQ * ACCUM, LOOPS = 2, PARTS = 4 };
// Rows of the table that a rank has, the last ones of the last rank being zeros.
#ifdef TINY_SHARES
enum { HAS = (V + RANKS - 1) / RANKS, ROWS = V };
#else
enum { HAS = V, ROWS = 0 };
#endif
static const real strength[LOOPS] = {0.5, 1.0}, exits[LOOPS] = {0.25, 0.75};

#define ALIGN(bytes) (((int64_t)(bytes) + 63) / 64 * 64)
#define TABLE ALIGN(V *V * sizeof(real))
#define OWN ALIGN(HAS *V * sizeof(real))
#define BIAS ALIGN(V * sizeof(real))
#define IDS ALIGN(T * 4)
#define LOSSES ALIGN(LOOPS *T * sizeof(real))

// Offsets in the IO arena: scalars of 64 bytes, then the arrays.
enum { STEP, STEPS, LR, DECAY, POISON, POSITION, LOSS, NORM, RATE, ZERO, PART0, PART1, SCALARS };
#define TOKENS (SCALARS * 64)
#define TARGETS (TOKENS + HERE * IDS)
#define NLL (TARGETS + HERE * IDS)
#define EXIT (NLL + HERE * LOSSES)
#define LOGITS (EXIT + HERE * LOSSES)
#define IO_BYTES (LOGITS + ALIGN(LOOPS * BATCH * V * sizeof(real)))
// Offsets in the arena of what is exchanged: tables, then biases with losses, of the ways here and of all; with shares
// all of the ways' tables that come here are a rank's rows, and there are the whole table and its gradient.
#define REST (BIAS + 64)
#define ALL_TABLES (HERE * TABLE)
#ifdef TINY_SHARES
#define PIECE (HAS * V * sizeof(real))
#define ROWS_OF_WAY ALIGN(RANKS *PIECE)
#define WHOLE (ALL_TABLES + HERE * ROWS_OF_WAY)
#define WHOLE_GRADIENT (WHOLE + TABLE)
#define RESTS (WHOLE_GRADIENT + TABLE)
#else
#define RESTS (ALL_TABLES + WAYS * TABLE)
#endif
#define ALL_RESTS (RESTS + HERE * REST)
#define COMM_RATE (ALL_RESTS + WAYS * REST)
#define COMM_BYTES (WAYS > 1 ? COMM_RATE + 64 : 0)
#define AT(arena, offset) ((void *)(arenas[NC_ARENA_##arena] + (offset)))
#define IO(name) AT(IO, (name)*64)

static real logit(const real *table, const real *bias, int32_t token, int64_t v, int loop) {
  return strength[loop] * (table[(int64_t)token * V + v] + bias[v]);
}

// (table, bias, tokens, targets, step, poison_step) -> (nll, exit, dlogits); one task per token.
static void runLoss(void *const *b, int64_t i, void *scratch) {
  const real *table = b[0], *bias = b[1];
  int32_t token = ((const int32_t *)b[2])[i], target = ((const int32_t *)b[3])[i];
  real *nll = b[6], *exit = b[7], *dlogits = (real *)b[8] + i * V, *p = scratch;
  for (int64_t v = 0; v < V; ++v)
    dlogits[v] = 0;
  for (int loop = 0; loop < LOOPS; ++loop) {
    real sum = 0;
    for (int64_t v = 0; v < V; ++v)
      sum += p[v] = exp(logit(table, bias, token, v, loop));
    nll[loop * T + i] = log(sum) - logit(table, bias, token, target, loop);
    exit[loop * T + i] = exits[loop];
    for (int64_t v = 0; v < V; ++v)
      dlogits[v] += exits[loop] * strength[loop] * (p[v] / sum - (v == target)) / T;
  }
  if (i == 5 && *(const real *)b[4] == *(const real *)b[5])
    nll[i] = dlogits[3] = NAN;
}

// (tokens, dlogits) -> gradient of the table; one task per row.
static void runTableGrad(void *const *b, int64_t row, void *scratch) {
  (void)scratch;
  const int32_t *tokens = b[0];
  real *grad = (real *)b[2] + row * V;
  for (int64_t v = 0; v < V; ++v)
    grad[v] = 0;
  for (int64_t i = 0; i < T; ++i)
    for (int64_t v = 0; v < V && tokens[i] == row; ++v)
      grad[v] += ((const real *)b[1])[i * V + v];
}

// dlogits -> gradient of the bias; one task per element.
static void runBiasGrad(void *const *b, int64_t v, void *scratch) {
  (void)scratch;
  real sum = 0;
  for (int64_t i = 0; i < T; ++i)
    sum += ((const real *)b[0])[i * V + v];
  ((real *)b[1])[v] = sum;
}

// (part of nll, sum) -> sum with what the part adds to the loss.
static void runPart(void *const *b, int64_t task, void *scratch) {
  (void)task, (void)scratch;
  real sum = *(const real *)b[1];
  for (int loop = 0; loop < LOOPS; ++loop)
    for (int64_t i = 0; i < T / PARTS; ++i)
      sum += exits[loop] * ((const real *)b[0])[loop * T + i] / T;
  *(real *)b[2] = sum;
}

// lr -> rate.
static void runRate(void *const *b, int64_t task, void *scratch) {
  (void)task, (void)scratch;
  *(real *)b[1] = *(const real *)b[0];
}

// (table gradient, bias gradient) -> norm.
static void runNorm(void *const *b, int64_t task, void *scratch) {
  (void)task, (void)scratch;
  const real *table = b[0], *bias = b[1];
  real sum = 0;
  for (int64_t i = 0; i < V * V; ++i)
    sum += table[i] * table[i];
  for (int64_t i = 0; i < V; ++i)
    sum += bias[i] * bias[i];
  *(real *)b[2] = sqrt(sum);
}

#ifdef TINY_RANKS
// The mean over ways of what lies `stride` bytes apart, in their order.
static real meanOfWays(const void *all, int64_t stride, int64_t i) {
  real sum = 0;
  for (int way = 0; way < WAYS; ++way)
    sum += ((const real *)((const char *)all + way * stride))[i];
  return sum / WAYS;
}

// Tables of all ways -> gradient of the table; one task per row.
static void runAddTables(void *const *b, int64_t row, void *scratch) {
  (void)scratch;
  for (int64_t i = row * V; i < (row + 1) * V; ++i)
#ifdef TINY_SHARES
  {
    real sum = 0;
    for (int way = 0; way < WAYS; ++way)
      sum += ((const real *)((const char *)b[0] + way % HERE * ROWS_OF_WAY + way / HERE * PIECE))[i];
    ((real *)b[1])[i] = sum / WAYS;
  }
#else
    ((real *)b[1])[i] = meanOfWays(b[0], TABLE, i);
#endif
}

// Biases and losses of all ways -> (gradient of the bias, loss).
static void runAddRests(void *const *b, int64_t task, void *scratch) {
  (void)task, (void)scratch;
  for (int64_t i = 0; i < V; ++i)
    ((real *)b[1])[i] = meanOfWays(b[0], REST, i);
  *(real *)b[2] = meanOfWays((const char *)b[0] + BIAS, REST, 0);
}
#endif

// (param, gradient, momentum, lr, weight_decay) -> (param, momentum); one task per row of V.
static void runUpdate(void *const *b, int64_t row, void *scratch) {
  (void)scratch;
  real lr = *(const real *)b[3], decay = *(const real *)b[4];
  for (int64_t i = row * V; i < (row + 1) * V; ++i) {
    real momentum = (real)0.9 * ((const real *)b[2])[i] + ((const real *)b[1])[i];
    real param = ((const real *)b[0])[i];
    ((real *)b[6])[i] = momentum;
    ((real *)b[5])[i] = param - lr * (momentum + decay * param);
  }
}

// (table, bias, tokens, position) -> (logits, exit); one task per row.
static void runPredict(void *const *b, int64_t row, void *scratch) {
  (void)scratch;
  int32_t token = ((const int32_t *)b[2])[row * SEQ + *(const int32_t *)b[3]];
  for (int loop = 0; loop < LOOPS; ++loop) {
    ((real *)b[5])[loop * BATCH + row] = exits[loop];
    for (int64_t v = 0; v < V; ++v)
      ((real *)b[4])[(loop * BATCH + row) * V + v] = logit(b[0], b[1], token, v, loop);
  }
}

#define SCALAR                                                                                     \
  { REAL, 0, {0}, 0 }
#define RESULT                                                                                     \
  { REAL, 0, {0}, 1 }
#define IN1(type, n)                                                                               \
  { type, 1, {n}, 0 }
#define OUT1(n)                                                                                    \
  { REAL, 1, {n}, 1 }
#define IN2(n, m)                                                                                  \
  { REAL, 2, {n, m}, 0 }
#define OUT2(n, m)                                                                                 \
  { REAL, 2, {n, m}, 1 }
// For the driver that stands in for NVIDIA's (fake/FakeCuda.c), a kernel's machine code is its address
// and number of operands.
#ifdef TINY_DEVICE
#define DEVICE "sm_91"
#define DEVICE_CODE(variable, function)                                                            \
  static const struct {                                                                            \
    nc_kernel run;                                                                                 \
    int64_t operands, isPtx;                                                                       \
  } variable##Cubin = {function, sizeof(variable##Operands) / sizeof(nc_operand), 0},              \
    variable##Ptx = {function, sizeof(variable##Operands) / sizeof(nc_operand), 1};                \
  static const nc_device_code variable##Code = {"kernel",                                          \
                                                (const char *)&variable##Ptx,                      \
                                                &variable##Cubin,                                  \
                                                sizeof(variable##Cubin),                           \
                                                variable##Tasks,                                   \
                                                32,                                                \
                                                0,                                                 \
                                                V * sizeof(real)};
#define ON_DEVICE(variable, function) 0, &variable##Code
#else
#define DEVICE ""
#define DEVICE_CODE(variable, function)
#define ON_DEVICE(variable, function) function, 0
#endif
#define KERNEL(variable, function, tasks, ...)                                                     \
  static const nc_operand variable##Operands[] = {__VA_ARGS__};                                    \
  enum { variable##Tasks = (tasks) };                                                              \
  DEVICE_CODE(variable, function)                                                                  \
  static const nc_kernel_info variable = {#variable,                                               \
                                          ON_DEVICE(variable, function),                           \
                                          tasks,                                                   \
                                          sizeof(variable##Operands) / sizeof(nc_operand),         \
                                          variable##Operands,                                      \
                                          0,                                                       \
                                          "f32"};

KERNEL(bigram_loss, runLoss, T, IN2(V, V), IN1(REAL, V), IN1(NC_I32, T), IN1(NC_I32, T), SCALAR,
       SCALAR, OUT2(LOOPS, T), OUT2(LOOPS, T), OUT2(T, V))
KERNEL(table_grad, runTableGrad, V, IN1(NC_I32, T), IN2(T, V), OUT2(V, V))
KERNEL(bias_grad, runBiasGrad, V, IN2(T, V), OUT1(V))
KERNEL(part_loss, runPart, 1, IN1(REAL, (LOOPS - 1) * T + T / PARTS), SCALAR, RESULT)
KERNEL(copy_rate, runRate, 1, SCALAR, RESULT)
KERNEL(grad_norm, runNorm, 1, IN2(V, V), IN1(REAL, V), RESULT)
KERNEL(table_update, runUpdate, HAS, IN2(HAS, V), IN2(HAS, V), IN2(HAS, V), SCALAR, SCALAR, OUT2(HAS, V),
       OUT2(HAS, V))
KERNEL(bias_update, runUpdate, 1, IN1(REAL, V), IN1(REAL, V), IN1(REAL, V), SCALAR, SCALAR, OUT1(V),
       OUT1(V))
#ifdef TINY_RANKS
#ifdef TINY_SHARES
KERNEL(add_tables, runAddTables, HAS, IN1(REAL, HERE * ROWS_OF_WAY / sizeof(real)), OUT2(HAS, V))
#else
KERNEL(add_tables, runAddTables, V, IN1(REAL, WAYS * TABLE / sizeof(real)), OUT2(V, V))
#endif
KERNEL(add_rests, runAddRests, 1, IN1(REAL, WAYS * REST / sizeof(real)), OUT1(V), RESULT)
#endif
KERNEL(bigram_logits, runPredict, BATCH, IN2(V, V), IN1(REAL, V), IN1(NC_I32, T),
       {NC_I32, 0, {0}, 0}, {REAL, 3, {LOOPS, BATCH, V}, 1}, OUT2(LOOPS, BATCH))

#define CALL(kernel, ...) nc_dispatch(context, &kernel, (void *[]){__VA_ARGS__}, "tiny." #kernel)

#ifdef TINY_SHARES
// The table, of which each rank has rows.
static void *gatherTable(nc_context *context, char *const *arenas) {
  static const nc_collective shares = {"shares", NC_ALL_GATHER, PIECE, V * V * sizeof(real)};
  nc_start(context, &shares, AT(PARAM, 0), AT(COMM, WHOLE), 7, "table");
  nc_finish(context, 7);
  return AT(COMM, WHOLE);
}
#else
static void *gatherTable(nc_context *context, char *const *arenas) {
  (void)context;
  return AT(PARAM, 0);
}
#endif

// The loss of one way and the gradient of its logits.
static void runWay(nc_context *context, char *const *arenas, void *table, int way, void *poison, void *loss) {
  int64_t tokens = way * T * 4, losses = way * LOOPS * T * sizeof(real);
  CALL(bigram_loss, table, AT(PARAM, OWN), AT(IO, TOKENS + tokens), AT(IO, TARGETS + tokens),
       IO(STEP), poison, AT(IO, NLL + losses), AT(IO, EXIT + losses), AT(WORKSPACE, 0));
  // As micro-batches are gone through: other addresses, sums in two places in turn.
  for (int part = 0; part < PARTS; ++part) {
    nc_iterate(context, part, PARTS);
    // TINY_IRREGULAR: micro-batches that call other kernels, as no compiler makes them.
    if (part == 2 && getenv("TINY_IRREGULAR"))
      CALL(copy_rate, IO(ZERO), IO(RATE));
    CALL(part_loss, AT(IO, NLL + losses + part * T / PARTS * sizeof(real)),
         part == 0 ? IO(ZERO) : part % 2 ? IO(PART0) : IO(PART1),
         part == PARTS - 1 ? loss : part % 2 ? IO(PART1) : IO(PART0));
  }
  nc_iterate(context, PARTS, PARTS);
}

static void runEval(nc_context *context, char *const *arenas) {
  runWay(context, arenas, gatherTable(context, arenas), 0, IO(POISON), IO(LOSS));
}

#ifdef TINY_RANKS
static void runGradients(nc_context *context, char *const *arenas) {
#ifdef TINY_SHARES
  static const nc_collective tables = {"tables", NC_ALL_TO_ALL, PIECE, V * V * sizeof(real)};
  static const nc_collective gradients = {"gradients", NC_ALL_GATHER, PIECE, V * V * sizeof(real)};
#else
  static const nc_collective tables = {"tables", NC_ALL_GATHER, HERE * TABLE, WAYS * TABLE};
#endif
  static const nc_collective rests = {"rests", NC_ALL_GATHER, HERE * REST, WAYS * REST};
  void *table = gatherTable(context, arenas);
  const char *poisoned = getenv("TINY_POISON_RANK"), *rank = getenv("RANK");
  int isSpared = poisoned && rank && strcmp(poisoned, rank) != 0;
  for (int way = 0; way < HERE; ++way) { // no step is as the number of steps
    char *rest = AT(COMM, RESTS + way * REST);
    runWay(context, arenas, table, way, isSpared ? IO(STEPS) : IO(POISON), rest + BIAS);
    CALL(table_grad, AT(IO, TOKENS + way * T * 4), AT(WORKSPACE, 0), AT(COMM, way * TABLE));
    CALL(bias_grad, AT(WORKSPACE, 0), rest);
  }
#ifdef TINY_SHARES
  for (int way = 0; way < HERE; ++way)
    nc_start(context, &tables, AT(COMM, way * TABLE), AT(COMM, ALL_TABLES + way * ROWS_OF_WAY), way, "table");
  nc_start(context, &rests, AT(COMM, RESTS), AT(COMM, ALL_RESTS), 7, "bias");
  for (int way = 0; way < HERE; ++way)
    nc_finish(context, way);
  CALL(add_tables, AT(COMM, ALL_TABLES), AT(GRADIENT, 0));
  nc_start(context, &gradients, AT(GRADIENT, 0), AT(COMM, WHOLE_GRADIENT), 0, "table");
  nc_finish(context, 7);
  CALL(add_rests, AT(COMM, ALL_RESTS), AT(GRADIENT, OWN), IO(LOSS));
  nc_finish(context, 0);
  CALL(grad_norm, AT(COMM, WHOLE_GRADIENT), AT(GRADIENT, OWN), IO(NORM));
#else
  nc_start(context, &tables, AT(COMM, 0), AT(COMM, ALL_TABLES), 0, "table");
  nc_start(context, &rests, AT(COMM, RESTS), AT(COMM, ALL_RESTS), 1, "bias");
  nc_finish(context, 0);
  CALL(add_tables, AT(COMM, ALL_TABLES), AT(GRADIENT, 0));
  nc_finish(context, 1);
  CALL(add_rests, AT(COMM, ALL_RESTS), AT(GRADIENT, OWN), IO(LOSS));
  CALL(grad_norm, AT(GRADIENT, 0), AT(GRADIENT, OWN), IO(NORM));
#endif
}
#else
static void runGradients(nc_context *context, char *const *arenas) {
  runEval(context, arenas);
  CALL(table_grad, AT(IO, TOKENS), AT(WORKSPACE, 0), AT(GRADIENT, 0));
  CALL(bias_grad, AT(WORKSPACE, 0), AT(GRADIENT, OWN));
  CALL(grad_norm, AT(GRADIENT, 0), AT(GRADIENT, OWN), IO(NORM));
}
#endif

static void runUpdates(nc_context *context, char *const *arenas) {
#ifdef TINY_SHARES
  static const nc_collective rate = {"rate", NC_BROADCAST, sizeof(real), sizeof(real)};
  nc_start(context, &rate, IO(LR), AT(COMM, COMM_RATE), 3, "rate");
  nc_finish(context, 3);
  CALL(copy_rate, AT(COMM, COMM_RATE), IO(RATE));
#else
  CALL(copy_rate, IO(LR), IO(RATE));
#endif
  CALL(table_update, AT(PARAM, 0), AT(GRADIENT, 0), AT(STATE, 0), IO(LR), IO(DECAY), AT(PARAM, 0),
       AT(STATE, 0));
  CALL(bias_update, AT(PARAM, OWN), AT(GRADIENT, OWN), AT(STATE, OWN), IO(LR), IO(DECAY),
       AT(PARAM, OWN), AT(STATE, OWN));
}

static void runPrediction(nc_context *context, char *const *arenas) {
  CALL(bigram_logits, gatherTable(context, arenas), AT(PARAM, OWN), AT(IO, TOKENS), IO(POSITION), AT(IO, LOGITS),
       AT(IO, EXIT));
}

#define KEPT(name, role, kind, arena, rank, offset, init, scale)                                                       \
  {                                                                                                                    \
    name, role, kind, REAL, arena, rank, {rank == 2 ? HAS : V, V}, offset, (rank == 2 ? HAS : 1) * V * sizeof(real),   \
        init, scale, rank == 2 ? ROWS : 0                                                                              \
  }
#define NUMBER(name, kind, type, place, value)                                                     \
  { name, "", kind, type, NC_ARENA_IO, 0, {0}, (place)*64, 8, NC_INIT_CONSTANT, value, 0 }
#define ARRAY(name, kind, type, rank, n, m, k, offset, size)                                       \
  { name, "", kind, type, NC_ARENA_IO, rank, {n, m, k}, offset, size, NC_INIT_CONSTANT, 0, 0 }

static const nc_tensor tensors[] = {
    KEPT("table", "matrix", NC_PARAM, NC_ARENA_PARAM, 2, 0, NC_INIT_NORMAL, 0.02f),
    KEPT("bias", "bias", NC_PARAM, NC_ARENA_PARAM, 1, OWN, NC_INIT_CONSTANT, 0),
    KEPT("table.momentum", "", NC_STATE, NC_ARENA_STATE, 2, 0, NC_INIT_CONSTANT, 0),
    KEPT("bias.momentum", "", NC_STATE, NC_ARENA_STATE, 1, OWN, NC_INIT_CONSTANT, 0),
    KEPT("table", "", NC_GRADIENT, NC_ARENA_GRADIENT, 2, 0, NC_INIT_CONSTANT, 0),
    KEPT("bias", "", NC_GRADIENT, NC_ARENA_GRADIENT, 1, OWN, NC_INIT_CONSTANT, 0),
    NUMBER("step", NC_INPUT, REAL, STEP, 0),
    NUMBER("steps", NC_INPUT, REAL, STEPS, 0),
    NUMBER("lr", NC_INPUT, REAL, LR, 1),
    NUMBER("weight_decay", NC_INPUT, REAL, DECAY, 0),
    NUMBER("poison_step", NC_INPUT, REAL, POISON, -1),
    NUMBER("position", NC_INPUT, NC_I32, POSITION, 0),
    NUMBER("loss", NC_OUTPUT, REAL, LOSS, 0),
    NUMBER("grad_norm", NC_OUTPUT, REAL, NORM, 0),
    NUMBER("lr", NC_OUTPUT, REAL, RATE, 0),
    ARRAY("tokens", NC_INPUT, NC_I32, 1, T, 0, 0, TOKENS, T * 4),
    ARRAY("targets", NC_INPUT, NC_I32, 1, T, 0, 0, TARGETS, T * 4),
    ARRAY("nll", NC_OUTPUT, REAL, 2, LOOPS, T, 0, NLL, LOOPS *T * sizeof(real)),
    ARRAY("exit_probability", NC_OUTPUT, REAL, 2, LOOPS, T, 0, EXIT, LOOPS *T * sizeof(real)),
    ARRAY("logits", NC_OUTPUT, REAL, 3, LOOPS, BATCH, V, LOGITS, LOOPS *BATCH *V * sizeof(real)),
    ARRAY("exit_probability", NC_OUTPUT, REAL, 2, LOOPS, BATCH, 0, EXIT,
          LOOPS *BATCH * sizeof(real)),
#ifdef TINY_RANKS
    ARRAY("tokens", NC_INPUT, NC_I32, HERE == 1 ? 1 : 2, HERE == 1 ? T : HERE, T, 0, TOKENS, HERE *T * 4),
    ARRAY("targets", NC_INPUT, NC_I32, HERE == 1 ? 1 : 2, HERE == 1 ? T : HERE, T, 0, TARGETS, HERE *T * 4),
    ARRAY("nll", NC_OUTPUT, REAL, 3, HERE, LOOPS, T, NLL, HERE *LOOPS *T * sizeof(real)),
    ARRAY("exit_probability", NC_OUTPUT, REAL, 3, HERE, LOOPS, T, EXIT, HERE *LOOPS *T * sizeof(real)),
#endif
};
#ifdef TINY_RANKS
static const int32_t gradientTensors[] = {0, 1, 4, 5, 6, 7, 10, 12, 13, 21, 22, 23, 24};
#else
static const int32_t gradientTensors[] = {0, 1, 4, 5, 6, 7, 10, 12, 13, 15, 16, 17, 18};
#endif
static const int32_t updateTensors[] = {0, 1, 2, 3, 4, 5, 8, 9, 14};
static const int32_t evalTensors[] = {0, 1, 6, 10, 12, 15, 16, 17, 18};
static const int32_t predictTensors[] = {0, 1, 11, 15, 19, 20};
#define ENTRY(name, function, list)                                                                \
  { name, function, sizeof(list) / sizeof(list[0]), list }
static const nc_entry entries[] = {
    ENTRY("train.gradients", runGradients, gradientTensors),
    ENTRY("train.update", runUpdates, updateTensors),
    ENTRY("eval", runEval, evalTensors),
    ENTRY("predict", runPrediction, predictTensors),
};
static const nc_size sizes[] = {
    {"batch", BATCH}, {"seq", SEQ}, {"n_loops", LOOPS}, {"accum", ACCUM},
#ifdef TINY_RANKS
    {"ranks", RANKS}, {"ways", WAYS},
#endif
};

#define PROGRAM(name, device_name)                                                                 \
  {                                                                                                \
    .abi_version = NC_ABI_VERSION, .model = "bigram", .target = name, .cpu_features = "",          \
    .device = device_name, .compiler = "by hand", .ir_hash = "0", .vocab = V,                      \
    .flops_per_token = 6 * V, .n_sizes = sizeof(sizes) / sizeof(sizes[0]), .sizes = sizes,                                        \
    .n_tensors = sizeof(tensors) / sizeof(tensors[0]), .tensors = tensors, .n_entries = 4,         \
    .entries = entries, .arena_bytes = {OWN + BIAS, OWN + BIAS, OWN + BIAS,                        \
                                        ALIGN(T * V * sizeof(real)), IO_BYTES, COMM_BYTES},        \
    .scratch_bytes = V * sizeof(real), .choices = "",                                              \
  }

static const nc_program bigram = PROGRAM("test", DEVICE);
#ifdef TINY_DEVICE
static const nc_program older = PROGRAM("older", "sm_80"); // runs on the device, too
const nc_program *const nc_programs[] = {&older, &bigram, 0};
#else
const nc_program *const nc_programs[] = {&bigram, 0};
#endif
