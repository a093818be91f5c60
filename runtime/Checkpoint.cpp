// SPDX-License-Identifier: Apache-2.0
#include "runtime/Checkpoint.h"

#include "runtime/Errors.h"
#include "runtime/Program.h"
#include "runtime/Safetensors.h"

#include <cstring>

namespace nc {

static std::string storedName(const nc_tensor &tensor) {
  return (tensor.kind == NC_STATE ? "state." : "") + std::string(tensor.name);
}

static std::vector<const nc_tensor *> storedTensors(const nc_program &program, bool withStates) {
  std::vector<const nc_tensor *> tensors = tensorsOf(program, NC_PARAM);
  if (withStates)
    for (const nc_tensor *state : tensorsOf(program, NC_STATE))
      tensors.push_back(state);
  return tensors;
}

void saveCheckpoint(const Session &session, const std::string &path, Contents contents,
                    Progression progression) {
  const nc_program &program = session.program;
  std::vector<TensorView> views;
  for (const nc_tensor *tensor : storedTensors(program, contents == Contents::ParametersAndStates))
    views.push_back(viewOf(*tensor, storedName(*tensor), session.data(*tensor)));
  writeSafetensors(path, views,
                   {{"model", program.model},
                    {"compiler", program.compiler},
                    {"ir_hash", program.ir_hash},
                    {"seed", std::to_string(progression.seed)},
                    {"step", std::to_string(progression.step)}});
}

static bool hasStates(const SafetensorsFile &file) {
  for (const TensorView &view : file.tensors())
    if (view.name.rfind("state.", 0) == 0)
      return true;
  return false;
}

static std::string typeText(int32_t dtype, const std::vector<int64_t> &shape) {
  return std::string(dtypeName(dtype)) + " " + shapeText(shape);
}

/// Programs in f64 start from the values of programs in f32.
static bool widens(const TensorView &view, const nc_tensor &tensor) {
  return view.dtype == NC_F32 && tensor.dtype == NC_F64;
}

static void copyTensor(Session &session, const TensorView &view, const nc_tensor &tensor) {
  if (!widens(view, tensor)) {
    memcpy(session.data(tensor), view.data, view.bytes());
    return;
  }
  auto *bytes = static_cast<const char *>(view.data);
  for (int64_t i = 0; i < elementCount(tensor); ++i) {
    float value;
    memcpy(&value, bytes + i * sizeof(value), sizeof(value));
    session.write(tensor, value, i);
  }
}

static void checkTensors(const SafetensorsFile &file, const std::vector<const nc_tensor *> &tensors,
                         const char *model) {
  std::set<std::string> expected;
  for (const nc_tensor *tensor : tensors) {
    std::string name = storedName(*tensor), type = typeText(tensor->dtype, shapeOf(*tensor));
    expected.insert(name);
    const TensorView *view = file.find(name);
    if (!view)
      failInput(format("'%s' has no tensor '%s', expected %s", file.path().c_str(), name.c_str(),
                       type.c_str()));
    if (view->shape != shapeOf(*tensor) || !(view->dtype == tensor->dtype || widens(*view, *tensor)))
      failInput(format("'%s': tensor '%s' is %s, expected %s", file.path().c_str(), name.c_str(),
                       typeText(view->dtype, view->shape).c_str(), type.c_str()),
                "the file belongs to a model of other sizes");
  }
  for (const TensorView &view : file.tensors())
    if (expected.count(view.name) == 0)
      failInput(format("'%s' has a tensor '%s' (%s) that model '%s' does not have",
                       file.path().c_str(), view.name.c_str(),
                       typeText(view.dtype, view.shape).c_str(), model));
}

static void copyTensors(Session &session, const SafetensorsFile &file) {
  auto tensors = storedTensors(session.program, hasStates(file));
  checkTensors(file, tensors, session.program.model);
  for (const nc_tensor *tensor : tensors)
    copyTensor(session, *file.find(storedName(*tensor)), *tensor);
}

void loadCheckpoint(Session &session, const std::string &path) {
  copyTensors(session, SafetensorsFile(path));
}

static uint64_t numberIn(const SafetensorsFile &file, const std::string &key) {
  auto found = file.metadata().find(key);
  char *end = nullptr;
  uint64_t number = found == file.metadata().end() ? 0 : strtoull(found->second.c_str(), &end, 10);
  if (!end || end == found->second.c_str() || *end != '\0')
    failInput(
        format("'%s' does not say at which %s it was saved", file.path().c_str(), key.c_str()),
        "start from it with --init instead of --resume");
  return number;
}

Progression resumeCheckpoint(Session &session, const std::string &path) {
  SafetensorsFile file(path);
  Progression progression{int64_t(numberIn(file, "step")), numberIn(file, "seed")};
  if (!tensorsOf(session.program, NC_STATE).empty() && !hasStates(file))
    failInput(format("'%s' has no optimizer states", path.c_str()),
              "start from it with --init instead of --resume");
  copyTensors(session, file);
  return progression;
}

} // namespace nc
