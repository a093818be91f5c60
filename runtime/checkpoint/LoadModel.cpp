// What a program takes from files of parameters or states. See ModelFile.cpp for how they are written.
//
#include "runtime/checkpoint/ModelFile.h"
#include "runtime/files/Errors.h"
#include "runtime/program/NumberWriter.h"
#include "runtime/program/Program.h"
#include "runtime/program/Shares.h"
#include <algorithm>
#include <cstring>

namespace nc {

using Stored = TensorFiles::Tensor;

static void checkFinite(const TensorFiles &files, const Stored &tensor, int64_t first, int64_t count) {
  files.visit(tensor, first, count, [&](const char *elements, int64_t at, int64_t here) {
    if (int64_t bad = firstNonFinite(tensor.dtype, elements, here); bad >= 0)
      failInput(format("'%s': tensor '%s'[%lld] is not a finite number", files.path().c_str(), tensor.name.c_str(),
                       wide(at + bad)),
                "the run that wrote it had failed: take what was saved earlier");
  });
}

void checkFinite(const TensorFiles &files) {
  for (const Stored &tensor : files.tensors())
    checkFinite(files, tensor, 0, tensor.count());
}

static std::string typeText(int32_t dtype, const std::vector<int64_t> &shape) {
  return std::string(dtypeName(dtype)) + " " + shapeText(shape);
}

/// Parameters are floats of one size or another, or codes: what a program stores in bf16 or int8 starts from what
/// another has in f32, and the other way round.
static bool converts(const Stored &stored, const nc_tensor &tensor) {
  auto isSingle = [](int32_t dtype) { return dtype == NC_F32 || dtype == NC_BF16 || dtype == NC_I8; };
  bool widens = stored.dtype == NC_F32 && tensor.dtype == NC_F64; // states too, for programs in f64
  return widens || (stored.dtype != tensor.dtype && tensor.kind == NC_PARAM && isSingle(stored.dtype) &&
                    (isSingle(tensor.dtype) || tensor.dtype == NC_F64));
}

/// The scales of all of a parameter, where the file has it as codes; else none.
static std::vector<float> readScales(const TensorFiles &files, const Stored &stored, const nc_tensor &parameter) {
  std::vector<float> values;
  if (stored.dtype == NC_I8) {
    const Stored &scales = *files.find(scalesName(parameter));
    values.resize(size_t(scales.count()));
    files.read(scales, 0, scales.count(), values.data());
  }
  return values;
}

/// The rank's own elements, as they are in the file.
static void copyOwn(Session &session, const TensorFiles &files, const Stored &stored, const nc_tensor &tensor) {
  int rank = session.ranks().rank();
  files.read(stored, ownFirst(tensor, rank), ownCount(tensor, rank), session.mutableData(tensor));
}

static void copyTensor(Session &session, const TensorFiles &files, const nc_tensor &tensor) {
  const Stored &stored = *files.find(tensor.name);
  const nc_tensor *ownScales = scalesOf(session.program, tensor);
  if (!converts(stored, tensor)) {
    if (ownScales)
      copyOwn(session, files, *files.find(scalesName(tensor)), *ownScales);
    return copyOwn(session, files, stored, tensor);
  }
  std::vector<float> scales = readScales(files, stored, tensor);
  NumberWriter writer(session, tensor);
  int rank = session.ranks().rank();
  auto put = [&](const char *elements, int64_t first, int64_t count) {
    withStorage(stored.dtype, [&](auto value) {
      for (int64_t i = 0; i < count; ++i) {
        memcpy(&value, elements + i * sizeof(value), sizeof(value));
        writer.put(double(value) * (scales.empty() ? 1 : scales[size_t((first + i) / rowLength(tensor))]));
      }
    });
  };
  files.visit(stored, ownFirst(tensor, rank), ownCount(tensor, rank), put);
}

/// Why a file may not fit, and the way out.
static const char *noteOn(nc_kind kind) {
  return kind == NC_PARAM ? "the file belongs to a model of other sizes"
                          : "the run was begun with another optimizer, or other numbers of it: "
                            "resume with the program that saved it, or begin another run from its "
                            "parameters with --init";
}

/// Checks the scales of a parameter that the file has as codes, and returns their name.
static std::string checkScales(const TensorFiles &files, const nc_tensor &parameter) {
  std::vector<int64_t> rows = wholeShapeOf(parameter);
  rows.resize(size_t(std::max(parameter.rank, 1) - 1));
  std::string name = scalesName(parameter);
  const Stored *scales = files.find(name);
  if (!scales || scales->dtype != NC_F32 || scales->shape != rows)
    failInput(format("'%s' has codes of '%s' without their scales, expected '%s' %s", files.path().c_str(),
                     parameter.name, name.c_str(), typeText(NC_F32, rows).c_str()),
              noteOn(NC_PARAM));
  return name;
}

static void checkTensors(const TensorFiles &files, const nc_program &program, nc_kind kind) {
  std::set<std::string> expected;
  for (const nc_tensor *tensor : tensorsOf(program, kind)) {
    std::string name = tensor->name, type = typeText(tensor->dtype, wholeShapeOf(*tensor));
    expected.insert(name);
    const Stored *stored = files.find(name);
    if (!stored)
      failInput(format("'%s' has no tensor '%s', expected %s", files.path().c_str(), name.c_str(), type.c_str()),
                kind == NC_PARAM ? "" : noteOn(kind));
    if (tensor->kind == NC_PARAM && stored->dtype == NC_I8)
      expected.insert(checkScales(files, *tensor));
    if (stored->shape != wholeShapeOf(*tensor) || !(stored->dtype == tensor->dtype || converts(*stored, *tensor)))
      failInput(format("'%s': tensor '%s' is %s, expected %s", files.path().c_str(), name.c_str(),
                       typeText(stored->dtype, stored->shape).c_str(), type.c_str()),
                noteOn(kind));
  }
  for (const Stored &stored : files.tensors())
    if (expected.count(stored.name) == 0)
      failInput(format("'%s' has a tensor '%s' (%s) that model '%s' does not have", files.path().c_str(),
                       stored.name.c_str(), typeText(stored.dtype, stored.shape).c_str(), program.model),
                kind == NC_PARAM ? "" : noteOn(kind));
}

static void load(Session &session, nc_kind kind, const std::string &path) {
  TensorFiles files(path);
  checkTensors(files, session.program, kind);
  int rank = session.ranks().rank();
  for (const nc_tensor *tensor : tensorsOf(session.program, kind)) {
    checkFinite(files, *files.find(tensor->name), ownFirst(*tensor, rank), ownCount(*tensor, rank));
    if (const Stored *scales = kind == NC_PARAM ? files.find(scalesName(*tensor)) : nullptr)
      checkFinite(files, *scales, 0, scales->count());
  }
  for (const nc_tensor *tensor : tensorsOf(session.program, kind))
    copyTensor(session, files, *tensor);
}

void loadParameters(Session &session, const std::string &path) { load(session, NC_PARAM, modelFileIn(path)); }

void loadStates(Session &session, const std::string &path) { load(session, NC_STATE, path); }

void checkStates(const nc_program &program, const std::string &path) {
  checkTensors(TensorFiles(path), program, NC_STATE);
}

} // namespace nc
