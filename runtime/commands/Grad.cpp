#include "runtime/checkpoint/ModelFile.h"
#include "runtime/commands/Commands.h"
#include "runtime/commands/Options.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Safetensors.h"
#include "runtime/program/Program.h"
#include "runtime/program/Shares.h"
#include "runtime/training/Batches.h"
#include <CLI/CLI.hpp>
#include <cstring>

namespace nc {

namespace {

struct GradOptions {
  SessionOptions session;
  std::string init, batch, out, phase = "train";
};

} // namespace

static void checkIds(const nc_program &program, const std::string &path, const nc_tensor &tensor, const int32_t *ids) {
  for (int64_t i = 0; i < elementCount(tensor); ++i)
    if (ids[i] < 0 || ids[i] >= program.vocab)
      failInput(format("'%s': %s[%lld] is %d, expected 0 … %lld", path.c_str(), tensor.name, wide(i), ids[i],
                       wide(program.vocab - 1)));
}

/// int32, little-endian: all tokens, then all targets; then, where the model reads such, as many losses of a reference,
/// f32.
static void loadBatch(Session &session, const nc_entry &entry, const std::string &path) {
  const nc_tensor &tokens = getTensor(session.program, entry, NC_INPUT, "tokens");
  const nc_tensor &targets = getTensor(session.program, entry, NC_INPUT, "targets");
  int64_t half = elementCount(tokens) * int64_t(sizeof(int32_t));
  const nc_tensor *reference = findTensor(session.program, entry, NC_INPUT, kReference);
  FileContent file(path);
  if (int64_t expected = (reference ? 3 : 2) * half; int64_t(file.bytes().size()) != expected)
    failInput(format("'%s' has %zu bytes, expected %lld", path.c_str(), file.bytes().size(), wide(expected)),
              format("%lld tokens, then as many targets, as 32-bit integers%s", wide(elementCount(tokens)),
                     reference ? ", then as many losses of a reference, as f32" : ""));
  memcpy(session.mutableData(tokens), file.bytes().data(), half);
  memcpy(session.mutableData(targets), file.bytes().data() + half, half);
  if (reference)
    for (int64_t i = 0; i < elementCount(*reference); ++i) {
      float loss;
      memcpy(&loss, file.bytes().data() + 2 * half + i * sizeof(loss), sizeof(loss));
      session.write(*reference, double(loss), i);
    }
  for (const nc_tensor *tensor : {&tokens, &targets})
    checkIds(session.program, path, *tensor, static_cast<const int32_t *>(session.data(*tensor)));
}

static void runGrad(const nc_program &program, const GradOptions &options) {
  refuseShares(program, "grad");
  checkWritable(options.out, "--out");
  checkOutputs({{"--init", options.init},
                {"--init", options.init + "/model.safetensors"}, // of a checkpoint
                {"--batch", options.batch}},
               {{"--out", options.out}});
  if (updatesInBackward(program))
    failInput("the program updates parameters where their gradients are formed, and keeps none of these",
              "compile it with --update=after to have them");
  if (int64_t count = sizeOr(program, "ranks", 1); count > 1)
    failInput(format("the program is for %lld ranks, which form gradients together: 'grad' is one", wide(count)),
              "compile it with nanochat-opt --ranks=1 to have them");
  auto session = makeSession(program, options.session);
  const nc_entry &entry = getPhaseEntry(program, options.phase, "gradients");
  loadParameters(*session, options.init);
  session->fillScalars(entry, 0, 1);
  loadBatch(*session, entry, options.batch);
  session->run(entry);
  std::vector<TensorView> views;
  for (const nc_tensor *output : tensorsOf(program, entry, NC_OUTPUT))
    views.push_back(viewOf(*output, output->name, session->data(*output)));
  for (const nc_tensor *gradient : tensorsOf(program, entry, NC_GRADIENT))
    views.push_back(viewOf(*gradient, "grad." + std::string(gradient->name), session->data(*gradient)));
  writeSafetensors(options.out, views, {{"model", program.model}, {"phase", options.phase}});
}

void addGradCommand(CLI::App &app, const nc_program &program) {
  auto options = std::make_shared<GradOptions>();
  CLI::App *command = app.add_subcommand("grad", "Write the loss and every gradient for one given batch");
  auto add = [&](const char *name, std::string &value, const char *help) {
    command->add_option(name, value, help)->type_name("FILE")->required()->group("Files");
  };
  add("--init", options->init, "Parameters");
  add("--batch", options->batch, "Tokens, then targets, as 32-bit integers");
  add("--out", options->out, "Outputs by name, gradients as grad.<parameter>");
  command->add_option("--phase", options->phase, "Which of the model's training phases")
      ->capture_default_str()
      ->group("Run");
  addSessionOptions(*command, program, options->session);
  command->callback([options, &program] { runGrad(program, *options); });
}

} // namespace nc
