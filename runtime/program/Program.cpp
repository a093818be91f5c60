#include "runtime/program/Program.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Numbers.h"
#include "runtime/program/NumberWriter.h"
#include "runtime/program/Shares.h"
#include <cmath>
#include <cstring>

namespace nc {

void checkProgram(const nc_program &program) {
  if (program.abi_version != NC_ABI_VERSION)
    failRun(format("the program speaks ABI version %d, this runtime version %d", program.abi_version, NC_ABI_VERSION),
            "compile the model again with the compiler this runtime came with");
  for (int32_t i = 0; i < program.n_tensors; ++i) {
    const nc_tensor &tensor = program.tensors[i];
    bool isPlaced = tensor.arena >= 0 && tensor.arena < NC_ARENA_COUNT && tensor.offset >= 0 &&
                    tensor.offset % 64 == 0 && tensor.bytes <= program.arena_bytes[tensor.arena] - tensor.offset;
    bool isShaped = tensor.rank >= 0 && tensor.rank <= NC_MAX_RANK && tensor.dtype >= 0 &&
                    tensor.dtype < NC_DTYPE_COUNT && elementCount(tensor) * dtypeBytes(tensor.dtype) <= tensor.bytes;
    bool isShared =
        !isShare(tensor) || (tensor.rank > 0 && tensor.rows <= tensor.shape[0] * sizeOr(program, "ranks", 1));
    bool isCoded = tensor.kind == NC_PARAM && tensor.dtype == NC_I8;
    const nc_tensor *scales = scalesOf(program, tensor);
    if (!isPlaced || !isShaped || !isShared || (isCoded && !(scales && scales->rows == tensor.rows)))
      failRun(format("the program's table of tensors is wrong at '%s'", tensor.name),
              "this is an error of the compiler; please report it");
  }
}

const nc_entry *findEntry(const nc_program &program, const std::string &name) {
  for (int32_t i = 0; i < program.n_entries; ++i)
    if (name == program.entries[i].name)
      return &program.entries[i];
  return nullptr;
}

const nc_entry &getEntry(const nc_program &program, const std::string &name) {
  if (const nc_entry *entry = findEntry(program, name))
    return *entry;
  std::set<std::string> names;
  for (int32_t i = 0; i < program.n_entries; ++i)
    names.insert(program.entries[i].name);
  failInput(format("model '%s' has no entry '%s'", program.model, name.c_str()),
            "it was compiled with the entries " + join(names));
}

const nc_entry &getPhaseEntry(const nc_program &program, const std::string &phase, const std::string &part) {
  if (const nc_entry *entry = findEntry(program, phase + "." + part))
    return *entry;
  std::set<std::string> phases;
  for (int32_t i = 0; i < program.n_entries; ++i)
    if (std::string name = program.entries[i].name; name.rfind(".gradients") != name.npos)
      phases.insert(name.substr(0, name.rfind(".gradients")));
  failInput(format("model '%s' has no phase '%s'", program.model, phase.c_str()),
            "it trains in the phases " + join(phases));
}

const nc_tensor *findTensor(const nc_program &program, const nc_entry &entry, nc_kind kind, std::string_view name) {
  for (const nc_tensor *tensor : tensorsOf(program, entry, kind))
    if (name == tensor->name)
      return tensor;
  return nullptr;
}

const nc_tensor &getTensor(const nc_program &program, const nc_entry &entry, nc_kind kind, std::string_view name) {
  if (const nc_tensor *tensor = findTensor(program, entry, kind, name))
    return *tensor;
  failRun(format("entry '%s' has no %s '%s'", entry.name, kindName(kind), std::string(name).c_str()));
}

std::vector<const nc_tensor *> tensorsOf(const nc_program &program, nc_kind kind) {
  std::vector<const nc_tensor *> found;
  for (int32_t i = 0; i < program.n_tensors; ++i)
    if (program.tensors[i].kind == kind)
      found.push_back(&program.tensors[i]);
  return found;
}

int64_t sizeOr(const nc_program &program, const std::string &name, int64_t missing) {
  for (int32_t i = 0; i < program.n_sizes; ++i)
    if (name == program.sizes[i].name)
      return program.sizes[i].value;
  return missing;
}

std::optional<double> scalarDefault(const nc_program &program, const std::string &name) {
  for (const nc_tensor *input : tensorsOf(program, NC_INPUT))
    if (isUserScalar(*input) && name == input->name)
      return input->init_scale;
  return std::nullopt;
}

nc_input inputOf(std::string_view name) {
#define NC_OWN_INPUT(own, when)                                                                                        \
  if (name == own)                                                                                                     \
    return when;
  NC_INPUTS(NC_OWN_INPUT)
#undef NC_OWN_INPUT
  return NC_OF_USER;
}

bool isUserScalar(const nc_tensor &tensor) {
  return tensor.kind == NC_INPUT && tensor.rank == 0 && inputOf(tensor.name) == NC_OF_USER;
}

std::set<std::string> userScalars(const nc_program &program) {
  std::set<std::string> names;
  for (const nc_tensor *tensor : tensorsOf(program, NC_INPUT))
    if (isUserScalar(*tensor))
      names.insert(tensor->name);
  return names;
}

double leastOfScalar(std::string_view name) {
  bool isRate = name == "lr" || (name.size() > 3 && name.substr(name.size() - 3) == "_lr");
  return isRate || name == "weight_decay" ? 0 : -INFINITY;
}

void checkScalar(const nc_program &program, const std::string &name, double value) {
  std::set<std::string> known = userScalars(program);
  if (known.count(name) == 0)
    failInput(format("model '%s' has no scalar '%s'", program.model, name.c_str()), "its scalars are " + join(known));
  if (double least = leastOfScalar(name); !(value >= least))
    failInput(
        format("scalar '%s' is %g, expected a number %s", name.c_str(), value, rangeText(least, INFINITY).c_str()));
  for (const nc_tensor *input : tensorsOf(program, NC_INPUT))
    if (name == input->name && input->dtype == NC_F32 && !std::isfinite(float(value)))
      failInput(format("scalar '%s' is %g, which is beyond the range of f32", name.c_str(), value));
}

int64_t elementCount(const nc_tensor &tensor) {
  int64_t count = 1;
  for (int32_t i = 0; i < tensor.rank; ++i)
    count *= tensor.shape[i];
  return count;
}

const char *arenaName(int arena) {
  static const char *const names[] = {"param", "state", "gradient", "workspace", "io", "comm"};
  return names[arena];
}

bool updatesInBackward(const nc_program &program) { return strstr(program.choices, "--update=backward"); }

const char *kindName(int32_t kind) {
  static const char *const names[] = {"parameter", "state", "gradient", "input", "output", "scales"};
  return names[kind];
}

std::vector<int64_t> shapeOf(const nc_tensor &tensor) {
  return std::vector<int64_t>(tensor.shape, tensor.shape + tensor.rank);
}

std::string shapeText(const std::vector<int64_t> &shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

std::string join(const std::set<std::string> &names) {
  std::string text;
  for (const std::string &name : names)
    text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

} // namespace nc
