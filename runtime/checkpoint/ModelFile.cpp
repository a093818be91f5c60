#include "runtime/checkpoint/ModelFile.h"
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/files/Errors.h"
#include "runtime/program/NumberWriter.h"
#include "runtime/program/Program.h"
#include <cstring>
#include <filesystem>

namespace nc {

/// Said where ids are neither bytes nor a tokenizer's.
static constexpr const char *kVocabulary = "vocabulary", *kUnknown = "unknown";

void checkFinite(const Session &session, int64_t step) {
  for (nc_kind kind : {NC_PARAM, NC_SCALES, NC_STATE})
    for (const nc_tensor *tensor : tensorsOf(session.program, kind))
      if (int64_t at = firstNonFinite(tensor->dtype, session.data(*tensor), elementCount(*tensor)); at >= 0)
        failRun(format("step %lld: %s '%s'[%lld] is not a finite number, so nothing is saved", wide(step),
                       kindName(kind), tensor->name, wide(at)),
                "what was saved before is still there; a lower learning rate may help");
}

void checkFinite(const SafetensorsFile &file) {
  for (const StoredTensor &tensor : file.tensors())
    file.visit(tensor, [&](const char *elements, int64_t first, int64_t count) {
      if (int64_t at = firstNonFinite(tensor.dtype, elements, count); at >= 0)
        failInput(format("'%s': tensor '%s'[%lld] is not a finite number", file.path().c_str(), tensor.name.c_str(),
                         wide(first + at)),
                  "the run that wrote it had failed: take what was saved earlier");
    });
}

/// What a file calls the scales of a parameter.
static std::string scalesName(const nc_tensor &parameter) { return std::string(parameter.name) + ".scales"; }

static void save(const Session &session, nc_kind kind, const std::string &path, const Metadata &metadata) {
  std::vector<TensorView> views;
  for (const nc_tensor *tensor : tensorsOf(session.program, kind)) {
    views.push_back(viewOf(*tensor, tensor->name, session.data(*tensor)));
    if (const nc_tensor *scales = scalesOf(session.program, *tensor))
      views.push_back(viewOf(*scales, scalesName(*tensor), session.data(*scales)));
  }
  writeSafetensors(path, views, metadata);
}

void saveParameters(const Session &session, const std::string &path, const Vocabulary &vocabulary) {
  const nc_program &program = session.program;
  Metadata metadata = {{"model", program.model}, {"compiler", program.compiler}, {"ir_hash", program.ir_hash}};
  if (std::string tokenizer = vocabulary.tokenizerText(); !tokenizer.empty())
    metadata["tokenizer"] = tokenizer;
  if (vocabulary.isUnknown())
    metadata[kVocabulary] = kUnknown;
  save(session, NC_PARAM, path, metadata);
}

void saveStates(const Session &session, const std::string &path) {
  save(session, NC_STATE, path, {{"model", session.program.model}});
}

static std::string typeText(int32_t dtype, const std::vector<int64_t> &shape) {
  return std::string(dtypeName(dtype)) + " " + shapeText(shape);
}

/// Parameters are floats of one size or another, or codes: what a program stores in bf16 or int8 starts from what
/// another has in f32, and the other way round.
static bool converts(const StoredTensor &stored, const nc_tensor &tensor) {
  auto isSingle = [](int32_t dtype) { return dtype == NC_F32 || dtype == NC_BF16 || dtype == NC_I8; };
  bool widens = stored.dtype == NC_F32 && tensor.dtype == NC_F64; // states too, for programs in f64
  return widens || (stored.dtype != tensor.dtype && tensor.kind == NC_PARAM && isSingle(stored.dtype) &&
                    (isSingle(tensor.dtype) || tensor.dtype == NC_F64));
}

/// The scales of a parameter, one for each row, where the file has it as codes; else none.
static std::vector<float> readScales(const SafetensorsFile &file, const StoredTensor &stored,
                                     const nc_tensor &parameter) {
  std::vector<float> scales;
  if (stored.dtype == NC_I8) {
    scales.resize(size_t(elementCount(parameter) / rowLength(parameter)));
    file.read(*file.find(scalesName(parameter)), scales.data());
  }
  return scales;
}

static void copyTensor(Session &session, const SafetensorsFile &file, const nc_tensor &tensor) {
  const StoredTensor &stored = *file.find(tensor.name);
  const nc_tensor *ownScales = scalesOf(session.program, tensor);
  if (!converts(stored, tensor)) {
    if (ownScales)
      file.read(*file.find(scalesName(tensor)), session.mutableData(*ownScales));
    return file.read(stored, session.mutableData(tensor));
  }
  std::vector<float> scales = readScales(file, stored, tensor);
  NumberWriter writer(session, tensor);
  file.visit(stored, [&](const char *elements, int64_t first, int64_t count) {
    withStorage(stored.dtype, [&](auto value) {
      for (int64_t i = 0; i < count; ++i) {
        memcpy(&value, elements + i * sizeof(value), sizeof(value));
        writer.put(double(value) * (scales.empty() ? 1 : scales[size_t((first + i) / rowLength(tensor))]));
      }
    });
  });
}

/// Why a file may not fit, and the way out.
static const char *noteOn(nc_kind kind) {
  return kind == NC_PARAM ? "the file belongs to a model of other sizes"
                          : "the run was begun with another optimizer, or other numbers of it: "
                            "resume with the program that saved it, or begin another run from its "
                            "parameters with --init";
}

/// Checks the scales of a parameter that the file has as codes, and returns their name.
static std::string checkScales(const SafetensorsFile &file, const nc_tensor &parameter) {
  std::vector<int64_t> rows = shapeOf(parameter);
  rows.resize(size_t(std::max(parameter.rank, 1) - 1));
  std::string name = scalesName(parameter);
  const StoredTensor *scales = file.find(name);
  if (!scales || scales->dtype != NC_F32 || scales->shape != rows)
    failInput(format("'%s' has codes of '%s' without their scales, expected '%s' %s", file.path().c_str(),
                     parameter.name, name.c_str(), typeText(NC_F32, rows).c_str()),
              noteOn(NC_PARAM));
  return name;
}

static void checkTensors(const SafetensorsFile &file, const nc_program &program, nc_kind kind) {
  std::vector<const nc_tensor *> tensors = tensorsOf(program, kind);
  std::set<std::string> expected;
  for (const nc_tensor *tensor : tensors) {
    std::string name = tensor->name, type = typeText(tensor->dtype, shapeOf(*tensor));
    expected.insert(name);
    const StoredTensor *view = file.find(name);
    if (!view)
      failInput(format("'%s' has no tensor '%s', expected %s", file.path().c_str(), name.c_str(), type.c_str()),
                kind == NC_PARAM ? "" : noteOn(kind));
    if (tensor->kind == NC_PARAM && view->dtype == NC_I8)
      expected.insert(checkScales(file, *tensor));
    if (view->shape != shapeOf(*tensor) || !(view->dtype == tensor->dtype || converts(*view, *tensor)))
      failInput(format("'%s': tensor '%s' is %s, expected %s", file.path().c_str(), name.c_str(),
                       typeText(view->dtype, view->shape).c_str(), type.c_str()),
                noteOn(kind));
  }
  for (const StoredTensor &view : file.tensors())
    if (expected.count(view.name) == 0)
      failInput(format("'%s' has a tensor '%s' (%s) that model '%s' does not have", file.path().c_str(),
                       view.name.c_str(), typeText(view.dtype, view.shape).c_str(), program.model),
                kind == NC_PARAM ? "" : noteOn(kind));
}

static void load(Session &session, nc_kind kind, const std::string &path) {
  SafetensorsFile file(path);
  checkTensors(file, session.program, kind);
  checkFinite(file);
  for (const nc_tensor *tensor : tensorsOf(session.program, kind))
    copyTensor(session, file, *tensor);
}

std::string modelFileIn(const std::string &path) {
  std::error_code notThere; // which opening it will say
  return std::filesystem::is_directory(path, notThere) ? path + "/" + kModelFile : path;
}

void loadParameters(Session &session, const std::string &path) { load(session, NC_PARAM, modelFileIn(path)); }

void loadStates(Session &session, const std::string &path) { load(session, NC_STATE, path); }

void checkStates(const nc_program &program, const std::string &path) {
  checkTensors(SafetensorsFile(path), program, NC_STATE);
}

Vocabulary vocabularyOf(const std::string &path, int64_t modelVocab) {
  std::string file = modelFileIn(path);
  Metadata metadata = SafetensorsFile(file).metadata();
  if (metadata[kVocabulary] == kUnknown)
    return Vocabulary::unknown();
  auto tokenizer = metadata.find("tokenizer");
  if (tokenizer == metadata.end())
    return Vocabulary::ofBytes(modelVocab);
  return Vocabulary::of(Tokenizer::parse(tokenizer->second, "tokenizer of " + file));
}

} // namespace nc
