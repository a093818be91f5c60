#include "runtime/checkpoint/ModelFile.h"
#include "runtime/commands/Commands.h"
#include "runtime/commands/Options.h"
#include "runtime/files/Errors.h"
#include "runtime/program/Philox.h"
#include "runtime/program/Program.h"
#include "runtime/program/Shares.h"
#include "runtime/training/Sampler.h"
#include <CLI/CLI.hpp>
#include <optional>

namespace nc {

namespace {

struct GenerateOptions {
  SessionOptions session;
  SamplerOptions sampler;
  std::string init, prompt;
  int64_t count = 200;
  uint64_t seed = 0;
  std::optional<int64_t> loops;
  std::optional<double> exitThreshold;
};

/// Runs "predict" over the last tokens and picks the logits of one loop.
class Predictor {
public:
  /// Ids from `meaningful` on have no meaning.
  Predictor(Session &session, const GenerateOptions &options, int32_t meaningful);
  /// Logits of the token after `text`, of ids with a meaning.
  std::vector<double> operator()(const std::vector<int32_t> &text);

private:
  void fillWindow(const std::vector<int32_t> &text);
  int64_t chooseLoop() const;

  Session &session;
  const GenerateOptions &options;
  const nc_entry &entry;
  const nc_tensor &tokens, &position, &logits;
  const nc_tensor *exits;
  // `tokens` may have more rows than the `batch` whose logits come back; all rows are the same.
  int64_t length, loops, batch, meaningful;
};

} // namespace

Predictor::Predictor(Session &session, const GenerateOptions &options, int32_t meaningful)
    : session(session), options(options), entry(getEntry(session.program, "predict")),
      tokens(getTensor(session.program, entry, NC_INPUT, "tokens")),
      position(getTensor(session.program, entry, NC_INPUT, "position")),
      logits(getTensor(session.program, entry, NC_OUTPUT, "logits")),
      exits(findTensor(session.program, entry, NC_OUTPUT, "exit_probability")),
      length(sizeOr(session.program, "seq", elementCount(tokens))), loops(logits.rank == 3 ? logits.shape[0] : 1),
      batch(logits.shape[logits.rank - 2]), meaningful(std::min<int64_t>(meaningful, logits.shape[logits.rank - 1])) {
  if (options.loops && *options.loops > loops)
    failInput(format("--loops: found %lld, expected 1 … %lld", wide(*options.loops), wide(loops)));
  if (options.exitThreshold && !exits)
    failInput(format("--exit-threshold: model '%s' has no exit gate", session.program.model),
              "choose the loop with --loops");
  session.fillScalars(entry, 0, 0);
}

void Predictor::fillWindow(const std::vector<int32_t> &text) {
  int64_t used = std::min<int64_t>(text.size(), length);
  auto *row = static_cast<int32_t *>(session.mutableData(tokens));
  std::copy(text.end() - used, text.end(), row);
  std::fill(row + used, row + length, 0);
  for (int64_t i = length; i < elementCount(tokens); i += length)
    std::copy_n(row, length, row + i);
  session.write(position, double(used - 1));
}

int64_t Predictor::chooseLoop() const {
  int64_t available = options.loops.value_or(loops);
  if (!options.exitThreshold)
    return available - 1;
  std::vector<double> probabilities;
  for (int64_t loop = 0; loop < available; ++loop)
    probabilities.push_back(session.read(*exits, loop * batch));
  return chooseExit(probabilities, *options.exitThreshold);
}

std::vector<double> Predictor::operator()(const std::vector<int32_t> &text) {
  fillWindow(text);
  session.run(entry);
  int64_t first = chooseLoop() * batch * logits.shape[logits.rank - 1];
  std::vector<double> values;
  // Vocabularies are padded to round sizes; the padding is never a token.
  for (int64_t i = 0; i < meaningful; ++i)
    values.push_back(session.read(logits, first + i));
  return values;
}

static std::vector<int32_t> promptTokens(Vocabulary &vocabulary, const std::string &prompt) {
  std::vector<int32_t> text;
  if (vocabulary.beginToken())
    text.push_back(*vocabulary.beginToken());
  vocabulary.encode(prompt, "--prompt", text);
  if (text.empty())
    failInput("--prompt: empty, and this model has no token that begins a text");
  return text;
}

/// Fails unless the model has every token that a text may become.
static Vocabulary vocabularyOf(const nc_program &program, const std::string &path) {
  Vocabulary vocabulary = vocabularyOf(path, program.vocab);
  if (vocabulary.isUnknown())
    failInput("'" + path + "' was trained on token files, and what tokens mean is not known",
              "train with --tokenizer, which the model file then holds");
  if (vocabulary.size() > program.vocab)
    failInput(format("'%s' has a tokenizer of %d tokens, the model a vocabulary of %lld", path.c_str(),
                     vocabulary.size(), wide(program.vocab)),
              "it is not the tokenizer that these parameters were trained with");
  return vocabulary;
}

static void runGenerate(const nc_program &program, const GenerateOptions &options) {
  refuseShares(program, "generate");
  auto session = makeSession(program, options.session);
  loadParameters(*session, options.init);
  Vocabulary vocabulary = vocabularyOf(program, options.init);
  std::vector<int32_t> text = promptTokens(vocabulary, options.prompt);
  Predictor predict(*session, options, vocabulary.size());
  fputs(options.prompt.c_str(), stdout);
  for (int64_t i = 0; i < options.count; ++i) {
    PhiloxBlock block = drawBlock(options.seed, uint32_t(i), streamId("generate"), 0);
    int32_t token = sampleToken(predict(text), options.sampler, unit(word64(block, 0)));
    // The model says that the text ends and another begins.
    if (token == vocabulary.beginToken())
      break;
    text.push_back(token);
    std::string_view bytes = vocabulary.bytesOf(token);
    fwrite(bytes.data(), 1, bytes.size(), stdout);
    fflush(stdout);
  }
  putchar('\n');
}

void addGenerateCommand(CLI::App &app, const nc_program &program) {
  auto options = std::make_shared<GenerateOptions>();
  CLI::App *command = app.add_subcommand("generate", "Continue a text");
  addInitOption(*command, options->init);
  auto add = [&](const char *name, auto &value, const char *help, const char *group) {
    return command->add_option(name, value, help)->capture_default_str()->group(group);
  };
  add("--prompt", options->prompt, "The text to continue", "Text");
  add("-n,--count", options->count, "Tokens to add", "Text")->transform(integerIn(0, kMostSteps));
  add("--temperature", options->sampler.temperature, "0 takes the most likely token", "Sampling")->check(numberIn(0));
  add("--top-k", options->sampler.topK, "Only the k most likely tokens; 0: all", "Sampling")
      ->transform(integerIn(0, kMostAtOnce));
  add("--top-p", options->sampler.topP, "Only the most likely tokens up to this probability", "Sampling")
      ->check(numberIn(0, 1));
  add("--seed", options->seed, "The same seed gives the same text", "Sampling")->transform(integerIn(0, UINT64_MAX));
  command->add_option("--loops", options->loops, "Take the logits of this loop [the last]")
      ->transform(integerIn(1, kMostAtOnce))
      ->group("Depth");
  command
      ->add_option("--exit-threshold", options->exitThreshold,
                   "Take the first loop whose cumulative exit probability reaches this")
      ->check(numberIn(0, 1))
      ->group("Depth");
  addSessionOptions(*command, program, options->session);
  command->callback([options, &program] { runGenerate(program, *options); });
}

} // namespace nc
