#include "runtime/program/DispatchRecorder.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Safetensors.h"
#include "runtime/program/Program.h"
#include <cctype>
#include <filesystem>

namespace nc {

DispatchRecorder::DispatchRecorder(const Session &session, const std::string &folder)
    : session(session), folder(folder) {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem)
    failInput(format("cannot make the folder '%s': %s", folder.c_str(), problem.message().c_str()));
}

static TensorView viewOf(const nc_operand &operand, const std::string &name, const void *data) {
  return {name, operand.dtype, {operand.shape, operand.shape + operand.rank}, data};
}

static std::string fileName(int64_t call, const char *kernel) {
  std::string name = kernel;
  for (char &letter : name)
    if (!isalnum(static_cast<unsigned char>(letter)) && letter != '_' && letter != '-')
      letter = '_';
  return format("%06lld.%s.safetensors", wide(call), name.c_str());
}

void DispatchRecorder::writeTensors(const nc_entry &entry, const char *when) const {
  const nc_program &program = session.program;
  std::vector<TensorView> views;
  for (int32_t i = 0; i < entry.n_tensors; ++i) {
    const nc_tensor &tensor = program.tensors[entry.tensors[i]];
    views.push_back(viewOf(tensor, std::string(kindName(tensor.kind)) + " " + tensor.name, session.data(tensor)));
  }
  writeSafetensors(folder + "/" + entry.name + "." + when + ".safetensors", views,
                   {{"model", program.model},
                    {"target", program.target},
                    {"ir_hash", program.ir_hash},
                    {"calls", std::to_string(calls)}});
}

void DispatchRecorder::before(const KernelCall &call) {
  inputs.clear();
  for (int32_t i = 0; i < call.kernel.n_operands; ++i) {
    const nc_operand &operand = call.kernel.operands[i];
    if (operand.is_output)
      continue;
    auto *begin = static_cast<const char *>(call.buffers[i]);
    inputs.emplace_back(begin, begin + elementCount(operand) * dtypeBytes(operand.dtype));
  }
}

void DispatchRecorder::after(const KernelCall &call) {
  std::vector<TensorView> views;
  size_t input = 0, output = 0;
  for (int32_t i = 0; i < call.kernel.n_operands; ++i) {
    const nc_operand &operand = call.kernel.operands[i];
    if (operand.is_output)
      views.push_back(viewOf(operand, "out" + std::to_string(output++), call.buffers[i]));
    else {
      views.push_back(viewOf(operand, "in" + std::to_string(input), inputs[input].data()));
      ++input;
    }
  }
  writeSafetensors(folder + "/" + fileName(calls++, call.kernel.name), views,
                   {{"kernel", call.kernel.name}, {"source", call.source}});
}

} // namespace nc
