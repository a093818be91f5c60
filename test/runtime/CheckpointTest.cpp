// SPDX-License-Identifier: Apache-2.0
#include "runtime/Checkpoint.h"
#include "TestTools.h"
#include "runtime/DispatchRecorder.h"
#include "runtime/Initialize.h"
#include "runtime/Program.h"
#include "runtime/Safetensors.h"
#include "runtime/Trainer.h"

#include <cstring>

using namespace nc;
using namespace nc::test;

static const nc_program &tiny = nc_program_main;

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
  return errorOf([&] { loadCheckpoint(session, path); });
}

} // namespace

TEST(Checkpoint, restores_parameters_states_and_progression) {
  TemporaryFolder folder;
  std::string path = folder.path("a.safetensors");
  Session session(tiny, 1), restored(tiny, 1);
  initialize(session, 4);
  const nc_tensor &momentum = *tensorsOf(tiny, NC_STATE)[0];
  session.write(momentum, 0.5, 7);
  saveCheckpoint(session, path, Contents::ParametersAndStates, {12, 99});
  Progression progression = resumeCheckpoint(restored, path);
  EXPECT_EQ(progression.step, 12);
  EXPECT_EQ(progression.seed, 99u);
  EXPECT_EQ(restored.read(momentum, 7), 0.5);
  const nc_tensor &table = *tensorsOf(tiny, NC_PARAM)[0];
  EXPECT_EQ(memcmp(session.data(table), restored.data(table), table.bytes), 0);
}

TEST(Checkpoint, without_states_leaves_them_alone_and_cannot_be_resumed) {
  TemporaryFolder folder;
  std::string path = folder.path("a.safetensors");
  Session session(tiny, 1);
  saveCheckpoint(session, path, Contents::Parameters, {0, 0});
  const nc_tensor &momentum = *tensorsOf(tiny, NC_STATE)[0];
  session.write(momentum, 0.5);
  loadCheckpoint(session, path);
  EXPECT_EQ(session.read(momentum), 0.5);
  expectContains(errorOf([&] { resumeCheckpoint(session, path); }), "no optimizer states");
}

TEST(Checkpoint, a_wrong_tensor_is_named_with_what_was_found_and_expected) {
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
  expectContains(loadError(writeChanged(folder,
                                        [](auto &views) {
                                          views.push_back({"state.x", NC_F32, {1}, views[0].data});
                                        })),
                 "has no tensor 'state.table.momentum'");
}

TEST(DispatchRecorder, records_operands_before_and_after_every_call) {
  TemporaryFolder folder;
  Session session(tiny, 2);
  initialize(session, 4);
  const nc_tensor &table = *tensorsOf(tiny, NC_PARAM)[0];
  double before = session.read(table, 1);
  DispatchRecorder recorder(session, folder.path("dump"));
  CopyRows source(1, tiny.vocab, "data");
  Trainer(session, "train", 1, 0).step(0, source, &recorder);
  EXPECT_EQ(recorder.count(), 7);
  SafetensorsFile loss(folder.path("dump/000000.bigram_loss.safetensors"));
  EXPECT_EQ(loss.metadata().at("kernel"), "bigram_loss");
  EXPECT_EQ(loss.tensors().size(), 9u);
  EXPECT_EQ(loss.find("in2")->dtype, NC_I32);
  SafetensorsFile update(folder.path("dump/000005.table_update.safetensors"));
  float in, out;
  memcpy(&in, static_cast<const float *>(update.find("in0")->data) + 1, sizeof(in));
  memcpy(&out, static_cast<const float *>(update.find("out0")->data) + 1, sizeof(out));
  EXPECT_EQ(in, float(before));
  EXPECT_EQ(out, float(session.read(table, 1)));
  SafetensorsFile gradients(folder.path("dump/train.gradients.after.safetensors"));
  EXPECT_EQ(gradients.metadata().at("target"), tiny.target);
  EXPECT_EQ(gradients.find("gradient table")->shape, shapeOf(table));
  SafetensorsFile updated(folder.path("dump/train.update.after.safetensors"));
  EXPECT_EQ(updated.metadata().at("calls"), "7");
  memcpy(&out, static_cast<const float *>(updated.find("parameter table")->data) + 1, sizeof(out));
  EXPECT_EQ(out, float(session.read(table, 1)));
}
