// How a run begins: what is checked before its first step, and what one that is resumed takes up.
//
#include "runtime/checkpoint/Manifest.h"
#include "runtime/checkpoint/ModelFile.h"
#include "runtime/checkpoint/SaveShares.h"
#include "runtime/commands/TrainRun.h"
#include "runtime/files/Errors.h"
#include "runtime/program/Initialize.h"
#include "runtime/program/Program.h"
#include "runtime/program/Shares.h"
#include <algorithm>
#include <filesystem>

namespace fs = std::filesystem;

namespace nc {

/// A run of no steps, which only writes parameters, needs no data.
static DataOptions dataOptions(const TrainOptions &options) {
  DataOptions data = options.data;
  data.isCopyTask |= options.steps == 0 && data.data.empty();
  return data;
}

static void checkPaths(const TrainOptions &options, const Data &data, bool isShared) {
  std::vector<NamedPath> inputs = data.files();
  inputs.push_back({"--config", options.config.path});
  inputs.push_back({"--init", modelFileIn(options.init)});
  if (!options.checkpoints.empty())
    inputs.push_back({"--checkpoints", options.checkpoints + "/.lock"});
  std::vector<NamedPath> outputs = {{"--save", options.save},
                                    {"--save-init", options.saveInit},
                                    {"--log", options.log},
                                    {"--log-file", options.logFile},
                                    {"--profile-file", options.profileFile}};
  std::error_code ignored;
  for (const NamedPath &output : outputs) {
    fs::path parent = fs::weakly_canonical(output.path, ignored).parent_path();
    if (!output.path.empty() && CheckpointManifest::isIn(parent.string()))
      failInput(output.name + ": '" + output.path + "' is part of a checkpoint", "name a file elsewhere");
    if (!output.path.empty() && output.name.rfind("--save", 0) == 0)
      checkWritable(output.path, output.name);
    if (isShared && output.name.rfind("--save", 0) == 0 && fs::exists(output.path, ignored) &&
        !fs::is_regular_file(output.path, ignored))
      failInput(output.name + ": '" + output.path +
                    "' takes bytes only in their order, and rows of ranks come in another",
                "name a file");
  }
  checkOutputs(inputs, outputs);
}

/// Steps of a run whose length nobody says.
static constexpr int64_t kSteps = 1000;

TrainRun::TrainRun(const nc_program &program, const TrainOptions &options, Ranks &ranks)
    : program(program), options(options), ranks(ranks), phases(program, options.at),
      session(makeSession(program, options.session)), data(program, dataOptions(options), options.init),
      saves(options.checkpoints, options.keepLast, ranks, ranks.count() > 1 && hasShares(program)),
      requests(2 * size_t(ranks.count())) {
  session->join(ranks);
  if (!options.validation.empty())
    data.replaceValidation(options.validation);
  setReference();
  if (ranks.isFirst())
    checkPaths(options, data, isOfSeveral(*session));
}

void TrainRun::setReference() {
  bool isRead = findTensor(program, getPhaseEntry(program, options.phase, "gradients"), NC_INPUT, kReference);
  if ((!isRead || data.copyLength()) && !options.reference.empty())
    fprintf(stderr, "warning: --reference changes nothing: %s\n",
            isRead ? "--copy-task knows its own"
                   : ("phase '" + options.phase + "' of the model reads no losses of another").c_str());
  if (!isRead || data.copyLength())
    return;
  if (options.reference.empty())
    failInput("no --reference: the model scores tokens by what another model's loss is at each",
              "write it for this data with 'score' of the other model's program");
  data.setReference(options.reference);
}

void TrainRun::start() {
  state.seed = options.seed.value_or(0);
  state.phase = options.phase;
  state.tokenizerHash = data.vocabulary().hash();
  state.dataHash = data.hash();
  state.steps = options.steps.value_or(kSteps);
  state.scheduleSteps = options.scheduleSteps.value_or(state.steps);
  state.scalars = givenScalars(options.session);
  initialize(*session, state.seed);
  if (!options.init.empty())
    loadParameters(*session, options.init);
  if (options.resume == "auto") {
    if (auto newest = findNewest(options.checkpoints))
      resume(*newest);
  } else if (!options.resume.empty()) {
    resume(options.resume);
  }
  session->setSeed(state.seed);
  placePhases();
  compareStart();
  saves.begin(resumed, state.steps);
  trainer.emplace(*session, options.phase, state.scheduleSteps, Metrics(data.vocabulary(), data.copyLength()));
  rows = data.trainingRows(state.seed, trainer->shape().length);
  if (options.evalEvery > 0 && findEntry(program, "eval")) {
    BatchShape shape = batchShape(program, getEntry(program, "eval"));
    validation = data.spacedRows("val", options.evalBatches * shape.rows, shape.length);
  }
}

void TrainRun::compareStart() {
  if (ranks.count() == 1)
    return;
  ranks.compare("resumes at step", "at", std::to_string(state.step),
                "the folder of checkpoints must be one that all hosts see");
  ranks.compare("has training data of hash", "of", hashText(data.hash()), "all ranks must read the same data");
  if (options.evalEvery > 0)
    ranks.compare("has validation data of hash", "of", hashText(data.validationHash()),
                  "all ranks must read the same data");
  std::string hashes;
  for (nc_kind kind : {NC_PARAM, NC_SCALES, NC_STATE})
    for (const nc_tensor *tensor : tensorsOf(program, kind))
      if (!isShare(*tensor))
        hashes += hashText(hashOf({static_cast<const char *>(session->data(*tensor)), size_t(tensor->bytes)}));
  ranks.compare("begins with parameters of hash", "of", hashText(hashOf(hashes)),
                "all ranks must read the same --init or checkpoint");
}

static std::string listed(const std::vector<std::string> &texts) {
  std::string list;
  for (const std::string &text : texts)
    list += " " + text;
  return list;
}

/// Of scalars that the user set: what they were set to later wins.
static void sayPastScalars(const PhaseSchedule &phases, const RunState &state) {
  for (const PhaseAction &action : phases.actions())
    if (action.kind == PhaseAction::Kind::Scalar && action.step < state.step && state.scalars.count(action.name))
      printf("scalar '%s' is %g since step %lld, by --at\n", action.name.c_str(), action.value, wide(action.step));
}

void TrainRun::placePhases() {
  // A run that stops before its schedule ends is the first part of one that goes on.
  phases.place(state.scheduleSteps, std::max(state.steps, state.scheduleSteps));
  if (!resumed.empty()) {
    phases.checkPast(state.actions, state.step);
    phases.restoreScalars(*session, state.step);
    sayPastScalars(phases, state);
    if (phases.describe() != state.actions)
      printf("resumed with another --at:%s, was:%s\n", listed(phases.describe()).c_str(),
             listed(state.actions).c_str());
  }
  state.actions = phases.describe();
}

/// Fails where the options of a resumed run contradict the checkpoint.
static void checkAgreement(const RunState &saved, const RunState &wanted, const TrainOptions &options,
                           const std::string &checkpoint) {
  auto fail = [&](const std::string &found, const char *note) { failInput("'" + checkpoint + "' " + found, note); };
  if (options.seed && saved.seed != *options.seed)
    fail(format("is of a run with seed %llu, --seed is %llu", wide(saved.seed), wide(*options.seed)),
         "a resumed run keeps its seed; begin another run in another folder of checkpoints");
  if (saved.phase != wanted.phase)
    fail("is of phase '" + saved.phase + "', --phase is '" + wanted.phase + "'",
         "begin a phase from the parameters of another with --init");
  if (saved.tokenizerHash != wanted.tokenizerHash)
    fail("is of a run with another tokenizer than --data has", "use the data it was trained on");
  if (options.steps && saved.step > *options.steps)
    fail(format("was saved after step %lld, --steps is %lld", wide(saved.step), wide(*options.steps)),
         "--steps counts the whole run, with the steps already done");
}

void TrainRun::resume(const std::string &checkpoint) {
  RunState saved = resumeFrom(*session, checkpoint);
  checkAgreement(saved, state, options, checkpoint);
  if (saved.dataHash != state.dataHash)
    printf("resumed on other data, or other shares or losses of it: rows come in another order, or count otherwise\n");
  saved.dataHash = state.dataHash;
  saved.steps = options.steps.value_or(saved.steps);
  if (options.at.empty())
    phases = PhaseSchedule(program, saved.actions);
  restoreScalars(saved.scalars);
  saved.scalars = state.scalars;
  state = saved;
  if (options.scheduleSteps && state.scheduleSteps != *options.scheduleSteps)
    printf("resumed with another --schedule-steps: %lld, was %lld\n", wide(*options.scheduleSteps),
           wide(state.scheduleSteps));
  state.scheduleSteps = options.scheduleSteps.value_or(state.scheduleSteps);
  resumed = checkpoint;
  if (state.steps > state.scheduleSteps)
    printf("the schedule ends at step %lld, as the run was begun; --schedule-steps %lld would stretch "
           "it over all steps\n",
           wide(state.scheduleSteps), wide(state.steps));
  printf("resumed '%s': %lld steps are done\n", checkpoint.c_str(), wide(state.step));
}

void TrainRun::restoreScalars(const std::map<std::string, double> &saved) {
  for (const auto &[name, value] : state.scalars) {
    auto before = saved.find(name);
    double was = before != saved.end() ? before->second : *scalarDefault(program, name);
    if (value != was)
      printf("resumed with another scalar '%s': %g, was %g\n", name.c_str(), value, was);
  }
  for (const auto &[name, value] : saved)
    if (!scalarDefault(program, name))
      printf("resumed without scalar '%s', which was %g: the model has none\n", name.c_str(), value);
    else if (state.scalars.emplace(name, value).second)
      session->setScalar(name, value);
}

} // namespace nc
