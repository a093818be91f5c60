// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/Checkpoint.h"
#include "TestTools.h"
#include "runtime/DispatchRecorder.h"
#include "runtime/Initialize.h"
#include "runtime/Program.h"
#include "runtime/Safetensors.h"
#include "runtime/Trainer.h"
#include "runtime/checkpoint/ModelFile.h"

#include <cstring>
#include <set>

using namespace nc;
using namespace nc::test;

static const nc_program &tiny = *nc_programs[0];

namespace {

/// A checkpoint whose tensors a test may change before it is written.
std::string writeChanged(const TemporaryFolder &folder,
                         void (*change)(std::vector<TensorView> &views)) {
  static const std::vector<float> zeros(257 * 257);
  std::vector<TensorView> views = {{"table", NC_F32, {257, 257}, zeros.data()},
                                   {"bias", NC_F32, {257}, zeros.data()}};
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
    RunState state{step, 4 * step, 50, 99, "train", 7, 8};
    CheckpointWriter(folder.path("c"), keepLast).save(session, state, Vocabulary::ofBytes(257));
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
  EXPECT_EQ(state.seed, 99u);
  EXPECT_EQ(state.phase, "train");
  EXPECT_EQ(state.tokenizerHash, 7u);
  EXPECT_EQ(state.dataHash, 8u);
  EXPECT_EQ(restored.read(momentum, 7), 0.5);
  const nc_tensor &table = *tensorsOf(tiny, NC_PARAM)[0];
  EXPECT_EQ(memcmp(session.data(table), restored.data(table), table.bytes), 0);
}

TEST_F(Checkpoint, keeps_the_last_and_nothing_else) {
  for (int64_t step : {9, 10, 11, 123456789})
    save(step, 2);
  std::set<std::string> names;
  for (const auto &entry : std::filesystem::directory_iterator(folder.path("c")))
    names.insert(entry.path().filename());
  EXPECT_EQ(names, (std::set<std::string>{"step-00000011", "step-123456789"}));
  EXPECT_EQ(findNewest(folder.path("c")), at("step-123456789"));
}

TEST_F(Checkpoint, saved_again_takes_the_place_of_the_former) {
  save(3);
  session.write(*tensorsOf(tiny, NC_PARAM)[0], 42);
  save(3);
  resumeFrom(restored, at("step-00000003"));
  EXPECT_EQ(restored.read(*tensorsOf(tiny, NC_PARAM)[0]), 42);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path("c")), {}), 1);
}

TEST_F(Checkpoint, what_is_damaged_is_named_and_passed_over) {
  save(1);
  save(2);
  damage("step-00000002/model.safetensors");
  expectContains(resumeError("step-00000002"),
                 "model.safetensors' was changed since it was written");
  EXPECT_EQ(findNewest(folder.path("c")), at("step-00000001"));
  std::filesystem::resize_file(at("step-00000002/optimizer.safetensors"), 100);
  damage("step-00000001/optimizer.safetensors");
  expectContains(resumeError("step-00000001"), "optimizer.safetensors' was changed");
  EXPECT_EQ(findNewest(folder.path("c")), std::nullopt);
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
  std::filesystem::create_directories(at(".step-00000002.1"));
  CheckpointWriter(folder.path("c"), 1);
  EXPECT_FALSE(std::filesystem::exists(at(".step-00000002.2147483600")));
  EXPECT_TRUE(std::filesystem::exists(at(".step-00000002.1")));
}

TEST_F(Checkpoint, that_cannot_be_written_leaves_the_older_ones) {
  save(1);
  // A file where the folder should go.
  std::ofstream(at("step-00000002")) << "in the way";
  std::string message = errorOf([&] { save(2); });
  expectContains(message, "cannot write '" + at("step-00000002") + "'");
  EXPECT_EQ(findNewest(folder.path("c")), at("step-00000001"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path("c")), {}), 2);
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
  expectContains(loadError(writeChanged(folder,
                                        [](auto &views) {
                                          views.push_back({"more", NC_F32, {1}, views[0].data});
                                        })),
                 "has a tensor 'more' (f32 [1]) that model 'bigram' does not have");
}

TEST(DispatchRecorder, records_operands_before_and_after_every_call) {
  TemporaryFolder folder;
  Session session(tiny, 2);
  initialize(session, 4);
  const nc_tensor &table = *tensorsOf(tiny, NC_PARAM)[0];
  double before = session.read(table, 1);
  DispatchRecorder recorder(session, folder.path("dump"));
  CopyRows source(1, tiny.vocab, "data");
  Trainer(session, "train", 1, Metrics(Vocabulary::ofBytes(tiny.vocab)))
      .step(0, 0, source, &recorder);
  EXPECT_EQ(recorder.count(), 8);
  SafetensorsFile loss(folder.path("dump/000000.bigram_loss.safetensors"));
  EXPECT_EQ(loss.metadata().at("kernel"), "bigram_loss");
  EXPECT_EQ(loss.tensors().size(), 9u);
  EXPECT_EQ(loss.find("in2")->dtype, NC_I32);
  SafetensorsFile update(folder.path("dump/000006.table_update.safetensors"));
  float in, out;
  memcpy(&in, static_cast<const float *>(update.find("in0")->data) + 1, sizeof(in));
  memcpy(&out, static_cast<const float *>(update.find("out0")->data) + 1, sizeof(out));
  EXPECT_EQ(in, float(before));
  EXPECT_EQ(out, float(session.read(table, 1)));
  SafetensorsFile gradients(folder.path("dump/train.gradients.after.safetensors"));
  EXPECT_EQ(gradients.metadata().at("target"), tiny.target);
  EXPECT_EQ(gradients.find("gradient table")->shape, shapeOf(table));
  SafetensorsFile updated(folder.path("dump/train.update.after.safetensors"));
  EXPECT_EQ(updated.metadata().at("calls"), "8");
  memcpy(&out, static_cast<const float *>(updated.find("parameter table")->data) + 1, sizeof(out));
  EXPECT_EQ(out, float(session.read(table, 1)));
}
