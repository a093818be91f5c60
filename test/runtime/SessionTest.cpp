#include "runtime/program/Session.h"
#include "TestTools.h"
#include "runtime/program/AllocationCounter.h"
#include "runtime/program/Initialize.h"
#include "runtime/program/Program.h"
#include "runtime/training/Batches.h"
#include "runtime/training/Trainer.h"

#include <cmath>
#include <cstring>

using namespace nc;
using namespace nc::test;

static const nc_program &tiny = *nc_programs[0];

namespace {

/// Parameter bytes after some steps of the copy task.
std::string trained(int threads, int64_t steps) {
  Session session(tiny, threads);
  initialize(session, 1);
  Trainer trainer(session, "train", steps, Metrics(Vocabulary::ofBytes(tiny.vocab), 16));
  for (int64_t step = 0; step < steps; ++step)
    trainer.step(step, step, CopyRows(1, tiny.vocab, "data"), nullptr);
  const nc_tensor &table = *tensorsOf(tiny, NC_PARAM)[0];
  return std::string(static_cast<const char *>(session.data(table)), table.bytes);
}

} // namespace

TEST(Program, is_asked_by_name_and_kind) {
  const nc_entry &entry = getEntry(tiny, "train.gradients");
  EXPECT_EQ(getTensor(tiny, entry, NC_PARAM, "table").kind, NC_PARAM);
  EXPECT_EQ(getTensor(tiny, entry, NC_GRADIENT, "table").kind, NC_GRADIENT);
  EXPECT_EQ(findTensor(tiny, entry, NC_OUTPUT, "table"), nullptr);
  EXPECT_EQ(sizeOr(tiny, "n_loops", 0), 2);
  EXPECT_EQ(sizeOr(tiny, "other", 7), 7);
  EXPECT_EQ(userScalars(tiny), (std::set<std::string>{"lr", "poison_step", "weight_decay"}));
  EXPECT_NE(errorOf([] { getEntry(tiny, "nope"); }), "");
}

TEST(Program, of_another_abi_or_with_a_tensor_outside_its_arena_is_refused) {
  nc_program changed = tiny;
  changed.abi_version = 99;
  expectContains(errorOf([&] { checkProgram(changed); }), "ABI version 99");
  changed = tiny;
  changed.arena_bytes[NC_ARENA_PARAM] = 64;
  expectContains(errorOf([&] { checkProgram(changed); }), "wrong at 'table'");
}

TEST(Program, with_codes_of_a_parameter_has_their_scales) {
  std::vector<nc_tensor> tensors(tiny.tensors, tiny.tensors + tiny.n_tensors);
  tensors[0].dtype = NC_I8;
  nc_program changed = tiny;
  changed.tensors = tensors.data();
  expectContains(errorOf([&] { checkProgram(changed); }), "wrong at 'table'");
  nc_tensor scales = tiny.tensors[1]; // one for each row of the table
  scales.kind = NC_SCALES, scales.name = "bias";
  tensors.push_back(scales);
  changed.tensors = tensors.data(), changed.n_tensors = int32_t(tensors.size());
  expectContains(errorOf([&] { checkProgram(changed); }), "wrong at 'table'"); // those of another
  tensors.back().name = "table";
  checkProgram(changed);
}

TEST(Session, starts_zeroed_and_aligned) {
  Session session(tiny, 1);
  for (int32_t i = 0; i < tiny.n_tensors; ++i) {
    const nc_tensor &tensor = tiny.tensors[i];
    EXPECT_EQ(reinterpret_cast<uintptr_t>(session.data(tensor)) % 64, 0u);
    EXPECT_EQ(session.read(tensor), 0);
  }
}

TEST(Session, init_is_the_same_for_any_number_of_threads_and_follows_its_rule) {
  Session one(tiny, 1), three(tiny, 3);
  initialize(one, 9);
  initialize(three, 9);
  const nc_tensor &table = *tensorsOf(tiny, NC_PARAM)[0];
  EXPECT_EQ(memcmp(one.data(table), three.data(table), table.bytes), 0);
  double squares = 0;
  for (int64_t i = 0; i < elementCount(table); ++i)
    squares += std::pow(one.read(table, i), 2) / elementCount(table);
  EXPECT_NEAR(std::sqrt(squares), 0.02, 0.0005);
  EXPECT_EQ(one.read(*tensorsOf(tiny, NC_PARAM)[1]), 0);
}

TEST(Session, scalars_have_defaults_and_unknown_ones_are_refused) {
  Session session(tiny, 1);
  const nc_entry &update = getEntry(tiny, "train.update");
  session.fillScalars(update, 0, 1);
  EXPECT_EQ(session.read(getTensor(tiny, update, NC_INPUT, "lr")), 1);
  session.setScalar("lr", 0.25);
  session.fillScalars(update, 0, 1);
  EXPECT_EQ(session.read(getTensor(tiny, update, NC_INPUT, "lr")), 0.25);
  EXPECT_NE(errorOf([&] { session.setScalar("step", 1); }), "");
}

TEST(Session, fills_in_all_bits_of_the_seed) {
  std::vector<nc_tensor> tensors(tiny.tensors, tiny.tensors + tiny.n_tensors);
  for (nc_tensor &tensor : tensors)
    if (tensor.name == std::string("poison_step")) {
      tensor.name = "seed";
      tensor.dtype = NC_I32;
      tensor.rank = 1;
      tensor.shape[0] = 2;
      tensor.bytes = 8;
    }
  nc_program drawing = tiny;
  drawing.tensors = tensors.data();
  Session session(drawing, 1);
  session.setSeed(0x1FFFFFFFEull);
  const nc_entry &gradients = getEntry(drawing, "train.gradients");
  session.fillScalars(gradients, 0, 1);
  const nc_tensor &seed = getTensor(drawing, gradients, NC_INPUT, "seed");
  EXPECT_EQ(session.read(seed, 0), -2);
  EXPECT_EQ(session.read(seed, 1), 1);
}

TEST(Trainer, trains_to_the_same_bits_with_any_number_of_threads) {
  std::string expected = trained(1, 20);
  EXPECT_TRUE(trained(2, 20) == expected);
  EXPECT_TRUE(trained(4, 20) == expected);
}

TEST(Trainer, entries_allocate_nothing) {
  int64_t before = countedAllocations();
  trained(2, 5);
  EXPECT_EQ(countedAllocations(), before);
}

TEST(Trainer, metrics_weigh_loops_by_their_exit_probability) {
  Session session(tiny, 1);
  initialize(session, 1);
  Trainer trainer(session, "train", 1, Metrics(Vocabulary::ofBytes(tiny.vocab), 16));
  StepReport report = trainer.step(0, 0, CopyRows(1, tiny.vocab, "data"), nullptr);
  EXPECT_NEAR(*report.metrics.loss(), std::log(257), 0.05);
  EXPECT_NEAR(*report.metrics.bitsPerByte(), *report.metrics.loss() / M_LN2, 1e-5);
  EXPECT_NEAR(*report.metrics.exitDepth(), 1.75, 1e-6);
  EXPECT_EQ(report.metrics.loopBitsPerByte().size(), 2u);
  EXPECT_NEAR(*report.metrics.copyNll(), std::log(257), 0.05);
  EXPECT_EQ(*report.output("lr"), 1);
}

TEST(Trainer, a_non_finite_loss_names_its_kernel_and_leaves_the_parameters) {
  Session session(tiny, 2);
  initialize(session, 1);
  session.setScalar("poison_step", 2);
  Trainer trainer(session, "train", 5, Metrics(Vocabulary::ofBytes(tiny.vocab)));
  CopyRows source(1, tiny.vocab, "data");
  trainer.step(0, 0, source, nullptr);
  trainer.step(1, 1, source, nullptr);
  const nc_tensor &table = *tensorsOf(tiny, NC_PARAM)[0];
  double before = session.read(table);
  std::string message = errorOf([&] { trainer.step(2, 2, source, nullptr); });
  expectContains(message, "step 2: output 'loss'[0]");
  expectContains(message, "gradient 'table'");
  expectContains(message, "tiny.bigram_loss (kernel 'bigram_loss', call 1 of the entry, output 0, element 5)");
  EXPECT_EQ(session.read(table), before);

  session.setScalar("poison_step", -1);
  session.write(*tensorsOf(tiny, NC_PARAM)[1], INFINITY, 3);
  expectContains(errorOf([&] { trainer.step(3, 3, source, nullptr); }),
                 "parameter 'bias'[3] was not finite before the step");
}
