#include "runtime/checkpoint/Checkpoint.h"
#include "TestTools.h"
#include "runtime/checkpoint/ModelFile.h"
#include "runtime/files/Safetensors.h"
#include "runtime/program/DispatchRecorder.h"
#include "runtime/program/Initialize.h"
#include "runtime/program/Program.h"
#include "runtime/training/Trainer.h"

#include <cmath>
#include <cstring>
#include <set>
#include <utility>

using namespace nc;
using namespace nc::test;

static const nc_program &tiny = *nc_programs[0];

namespace {

/// A checkpoint whose tensors a test may change before it is written.
std::string writeChanged(const TemporaryFolder &folder, void (*change)(std::vector<TensorView> &views)) {
  static const std::vector<float> zeros(257 * 257);
  std::vector<TensorView> views = {{"table", NC_F32, {257, 257}, zeros.data()}, {"bias", NC_F32, {257}, zeros.data()}};
  change(views);
  std::string path = folder.path("changed.safetensors");
  writeSafetensors(path, views, {});
  return path;
}

std::string loadError(const std::string &path) {
  Session session(tiny, 1);
  return errorOf([&] { loadParameters(session, path); });
}

} // namespace

namespace {

class Checkpoint : public testing::Test {
protected:
  Checkpoint() : session(tiny, 1), restored(tiny, 1) { initialize(session, 4); }

  void save(int64_t step, int64_t keepLast = 3) {
    RunState state{step, 4 * step, 50, 60, 99, "train", 7, 8, {}, {{"lr", 0.1}}};
    CheckpointWriter writer(folder.path("c"), keepLast);
    writer.begin(std::exchange(newest, at(format("step-%08lld", static_cast<long long>(step)))), 0);
    writer.save(session, state, Vocabulary::ofBytes(257));
  }
  std::set<std::string> names() {
    std::set<std::string> names;
    for (const auto &entry : std::filesystem::directory_iterator(folder.path("c")))
      names.insert(entry.path().filename());
    return names;
  }
  std::string at(const std::string &name) { return folder.path("c/" + name); }
  std::string resumeError(const std::string &name) {
    return errorOf([&] { resumeFrom(restored, at(name)); });
  }
  /// Changes a byte in the middle of a file.
  void damage(const std::string &name) {
    std::string content = readFile(at(name));
    content[content.size() / 2] ^= 1;
    std::ofstream(at(name), std::ios::binary) << content;
  }

  TemporaryFolder folder;
  Session session, restored;
  std::string newest; // what the next checkpoint's run goes on from
};

} // namespace

TEST_F(Checkpoint, restores_parameters_states_and_where_the_run_stood) {
  const nc_tensor &momentum = *tensorsOf(tiny, NC_STATE)[0];
  session.write(momentum, 0.5, 7);
  save(12);
  EXPECT_EQ(findNewest(folder.path("c")), at("step-00000012"));
  RunState state = resumeFrom(restored, at("step-00000012"));
  EXPECT_EQ(state.step, 12);
  EXPECT_EQ(state.rows, 48);
  EXPECT_EQ(state.scheduleSteps, 50);
  EXPECT_EQ(state.steps, 60);
  EXPECT_EQ(state.seed, 99u);
  EXPECT_EQ(state.phase, "train");
  EXPECT_EQ(state.tokenizerHash, 7u);
  EXPECT_EQ(state.dataHash, 8u);
  EXPECT_EQ(state.scalars.at("lr"), 0.1);
  EXPECT_EQ(restored.read(momentum, 7), 0.5);
  const nc_tensor &table = *tensorsOf(tiny, NC_PARAM)[0];
  EXPECT_EQ(memcmp(session.data(table), restored.data(table), table.bytes), 0);
}

TEST_F(Checkpoint, keeps_the_last_and_nothing_else) {
  for (int64_t step : {9, 10, 11, 123456789})
    save(step, 2);
  EXPECT_EQ(names(), (std::set<std::string>{".lock", "step-00000011", "step-123456789"}));
  EXPECT_EQ(findNewest(folder.path("c")), at("step-123456789"));
}

TEST_F(Checkpoint, saved_again_takes_the_place_of_the_former) {
  save(3);
  session.write(*tensorsOf(tiny, NC_PARAM)[0], 42);
  save(3);
  resumeFrom(restored, at("step-00000003"));
  EXPECT_EQ(restored.read(*tensorsOf(tiny, NC_PARAM)[0]), 42);
  EXPECT_EQ(names(), (std::set<std::string>{".lock", "step-00000003"}));
}

TEST_F(Checkpoint, what_is_damaged_is_named_and_passed_over) {
  save(1);
  save(2);
  damage("step-00000002/model.safetensors");
  expectContains(resumeError("step-00000002"), "model.safetensors' was changed since it was written");
  EXPECT_EQ(findNewest(folder.path("c")), at("step-00000001"));
  std::filesystem::resize_file(at("step-00000002/optimizer.safetensors"), 100);
  damage("step-00000001/optimizer.safetensors");
  expectContains(resumeError("step-00000001"), "optimizer.safetensors' was changed");
  expectContains(errorOf([&] { findNewest(folder.path("c")); }), "has checkpoints, and none can be resumed");
  std::filesystem::remove(at("step-00000001/optimizer.safetensors"));
  expectContains(resumeError("step-00000001"), "cannot read");
  std::ofstream(at("step-00000001/manifest.json")) << "{\"format\": \"nanochat";
  expectContains(resumeError("step-00000001"), "manifest.json' does not describe a checkpoint");
  expectContains(resumeError("step-00000007"), "cannot read");
}

TEST_F(Checkpoint, of_another_model_is_refused_before_anything_changes) {
  nc_program other = tiny;
  other.model = "trigram";
  CheckpointWriter(folder.path("c"), 1).save(Session(other, 1), {1}, Vocabulary::ofBytes(257));
  const nc_tensor &table = *tensorsOf(tiny, NC_PARAM)[0];
  double before = restored.read(table);
  expectContains(resumeError("step-00000001"), "is of model 'trigram', this is 'bigram'");
  EXPECT_EQ(restored.read(table), before);
}

TEST_F(Checkpoint, leftovers_of_dead_processes_are_cleared_away) {
  save(1);
  // No process has this number: it is above the kernel's limit.
  std::filesystem::create_directories(at(".step-00000002.2147483600"));
  for (const char *foreign : {".step-00000002.old", ".step-2.17", ".steps", "step-00000002.1"})
    std::filesystem::create_directories(at(foreign));
  CheckpointWriter(folder.path("c"), 1);
  EXPECT_EQ(names(), (std::set<std::string>{".lock", ".step-00000002.old", ".step-2.17", ".steps", "step-00000001",
                                            "step-00000002.1"}));
}

TEST_F(Checkpoint, only_what_has_its_name_and_manifest_is_one) {
  save(5);
  std::filesystem::copy(at("step-00000005"), at("step-00000005.bak"), std::filesystem::copy_options::recursive);
  for (const char *name :
       {"step-7", "step-old", "step-00000009x", "step--0000009", "step-00000009", "step-99999999999999999999999"})
    folder.write(std::string("c/") + name + "/notes", "mine");
  folder.write("c/step-00000011/manifest.json", "{\"format\": \"another program's 1\"}");
  EXPECT_EQ(findNewest(folder.path("c")), at("step-00000005"));
  save(6, 1);
  std::set<std::string> left = names();
  EXPECT_EQ(left.count("step-00000005"), 0u);
  EXPECT_EQ(left.size(), 10u);
  EXPECT_EQ(readFile(at("step-00000009/notes")), "mine");
  expectContains(errorOf([&] { save(11); }), "cannot write '" + at("step-00000011") + "'");
  CheckpointWriter writer(folder.path("c"), 1);
  expectContains(errorOf([&] { writer.begin(at("step-00000006"), 9); }),
                 "step-00000009' has the name of a checkpoint and is none");
  EXPECT_EQ(writer.begin(at("step-00000006"), 8), 6);
}

TEST_F(Checkpoint, folder_has_one_run_at_a_time) {
  save(1);
  CheckpointWriter first(folder.path("c"), 1);
  expectContains(errorOf([&] { CheckpointWriter second(folder.path("c"), 1); }), "another process trains in");
}

TEST_F(Checkpoint, folder_of_another_run_is_refused) {
  for (int64_t step : {4, 8})
    save(step);
  CheckpointWriter writer(folder.path("c"), 1);
  std::string copy = folder.path("copy/step-00000008");
  std::filesystem::create_directories(folder.path("copy"));
  std::filesystem::copy(at("step-00000008"), copy);
  for (const std::string &resumed : {std::string(), copy})
    expectContains(errorOf([&] { writer.begin(resumed, 9); }), "holds checkpoints of another run, up to step 8");
  expectContains(errorOf([&] { writer.begin(at("step-00000004"), 9); }), "holds later checkpoints");
  EXPECT_EQ(writer.begin(at("step-00000008"), 9), 8);
  damage("step-00000008/model.safetensors");
  EXPECT_EQ(writer.begin(at("step-00000004"), 9), 4);
}

TEST_F(Checkpoint, removes_no_checkpoint_that_came_from_elsewhere) {
  save(1);
  std::filesystem::copy(at("step-00000001"), folder.path("other"));
  CheckpointWriter writer(folder.path("c"), 1);
  writer.begin(at("step-00000001"), 9);
  std::filesystem::copy(folder.path("other"), at("step-00000009"));
  writer.save(session, {2}, Vocabulary::ofBytes(257));
  EXPECT_EQ(names(), (std::set<std::string>{".lock", "step-00000002", "step-00000009"}));
}

TEST_F(Checkpoint, folder_that_vanished_is_made_again) {
  CheckpointWriter writer(folder.path("c"), 1);
  std::filesystem::remove_all(folder.path("c"));
  writer.save(session, {2}, Vocabulary::ofBytes(257));
  EXPECT_EQ(names(), (std::set<std::string>{".lock", "step-00000002"}));
  expectContains(errorOf([&] { CheckpointWriter second(folder.path("c"), 1); }), "another process");
}

TEST_F(Checkpoint, that_is_not_finite_is_neither_saved_nor_loaded) {
  save(1);
  const nc_tensor &momentum = *tensorsOf(tiny, NC_STATE)[0];
  session.write(momentum, INFINITY, 3);
  std::string what = "state '" + std::string(momentum.name) + "'[3] is not a finite number";
  expectContains(errorOf([&] { checkFinite(session, 6); }), "step 6: " + what);
  // As an earlier version wrote it.
  save(2);
  expectContains(resumeError("step-00000002"), "'[3] is not a finite number");
  EXPECT_EQ(findNewest(folder.path("c")), at("step-00000001"));
}

TEST_F(Checkpoint, of_every_number_format_is_looked_at) {
  for (int64_t at : {0, 1023, 1024, 1500}) {
    std::vector<float> f32(1501, 3e38f);
    std::vector<double> f64(1501, 1e308);
    std::vector<uint16_t> bf16(1501, 0x7f7f);
    std::vector<uint8_t> e4m3(1501, 0xfe);
    EXPECT_EQ(firstNonFinite(NC_F32, f32.data(), 1501), -1);
    EXPECT_EQ(firstNonFinite(NC_F64, f64.data(), 1501), -1);
    EXPECT_EQ(firstNonFinite(NC_BF16, bf16.data(), 1501), -1);
    EXPECT_EQ(firstNonFinite(NC_E4M3, e4m3.data(), 1501), -1);
    f32[at] = NAN, f64[at] = -INFINITY, bf16[at] = 0xff80, e4m3[at] = 0xff;
    EXPECT_EQ(firstNonFinite(NC_F32, f32.data(), 1501), at);
    EXPECT_EQ(firstNonFinite(NC_F64, f64.data(), 1501), at);
    EXPECT_EQ(firstNonFinite(NC_BF16, bf16.data(), 1501), at);
    EXPECT_EQ(firstNonFinite(NC_E4M3, e4m3.data(), 1501), at);
  }
}

TEST_F(Checkpoint, that_cannot_be_written_leaves_the_older_ones) {
  save(1);
  // A file where the folder should go.
  std::ofstream(at("step-00000002")) << "in the way";
  std::string message = errorOf([&] { save(2); });
  expectContains(message, "cannot write '" + at("step-00000002") + "'");
  EXPECT_EQ(findNewest(folder.path("c")), at("step-00000001"));
  EXPECT_EQ(names(), (std::set<std::string>{".lock", "step-00000001", "step-00000002"}));
}

TEST(ModelFile, a_wrong_tensor_is_named_with_what_was_found_and_expected) {
  TemporaryFolder folder;
  EXPECT_EQ(loadError(writeChanged(folder, [](auto &) {})), "");
  expectContains(loadError(writeChanged(folder, [](auto &views) { views.pop_back(); })),
                 "has no tensor 'bias', expected f32 [257]");
  expectContains(loadError(writeChanged(folder, [](auto &views) { views[1].shape = {256}; })),
                 "tensor 'bias' is f32 [256], expected f32 [257]");
  expectContains(loadError(writeChanged(folder, [](auto &views) { views[1].dtype = NC_I32; })),
                 "tensor 'bias' is i32 [257], expected f32 [257]");
  expectContains(
      loadError(writeChanged(folder, [](auto &views) { views.push_back({"more", NC_F32, {1}, views[0].data}); })),
      "has a tensor 'more' (f32 [1]) that model 'bigram' does not have");
}

static std::vector<float> numbersOf(const SafetensorsFile &file, const std::string &name) {
  std::vector<float> numbers(file.find(name)->bytes() / sizeof(float));
  file.read(*file.find(name), numbers.data());
  return numbers;
}

TEST(DispatchRecorder, records_operands_before_and_after_every_call) {
  TemporaryFolder folder;
  Session session(tiny, 2);
  initialize(session, 4);
  const nc_tensor &table = *tensorsOf(tiny, NC_PARAM)[0];
  double before = session.read(table, 1);
  DispatchRecorder recorder(session, folder.path("dump"));
  CopyRows source(1, tiny.vocab, "data");
  Trainer(session, "train", 1, Metrics(Vocabulary::ofBytes(tiny.vocab))).step(0, 0, source, &recorder);
  EXPECT_EQ(recorder.count(), 11);
  SafetensorsFile loss(folder.path("dump/000000.bigram_loss.safetensors"));
  EXPECT_EQ(loss.metadata().at("kernel"), "bigram_loss");
  EXPECT_EQ(loss.tensors().size(), 9u);
  EXPECT_EQ(loss.find("in2")->dtype, NC_I32);
  SafetensorsFile update(folder.path("dump/000009.table_update.safetensors"));
  float in = numbersOf(update, "in0")[1];
  float out = numbersOf(update, "out0")[1];
  EXPECT_EQ(in, float(before));
  EXPECT_EQ(out, float(session.read(table, 1)));
  SafetensorsFile gradients(folder.path("dump/train.gradients.after.safetensors"));
  EXPECT_EQ(gradients.metadata().at("target"), tiny.target);
  EXPECT_EQ(gradients.find("gradient table")->shape, shapeOf(table));
  SafetensorsFile updated(folder.path("dump/train.update.after.safetensors"));
  EXPECT_EQ(updated.metadata().at("calls"), "11");
  out = numbersOf(updated, "parameter table")[1];
  EXPECT_EQ(out, float(session.read(table, 1)));
}
