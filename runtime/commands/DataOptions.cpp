#include "runtime/commands/DataOptions.h"
#include "runtime/checkpoint/ModelFile.h"
#include "runtime/data/FolderFiles.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Files.h"
#include "runtime/files/Numbers.h"
#include "runtime/program/Program.h"
#include <CLI/CLI.hpp>

namespace nc {

void addDataOptions(CLI::App &command, DataOptions &options) {
  auto add = [&](const char *name, auto &value, const char *help, const char *type) {
    return command.add_option(name, value, help)->type_name(type)->group("Data");
  };
  add("--data", options.data,
      "A prepared folder (see 'data'), token files (.bin), or texts: a file, or a folder to search", "[NAME=]PATH");
  add("--mix", options.mix, "The share of a named --data in what is trained on", "NAME=WEIGHT");
  add("--tokenizer", options.tokenizer, "For --data that is text: encode with it; else bytes", "FILE");
  add("--ext", options.extensions, "Endings of the files to take from folders of texts", "EXT,…")
      ->delimiter(',')
      ->capture_default_str();
  command.add_flag("--copy-task", options.isCopyTask, "Instead of text, random strings that a model must repeat")
      ->group("Data");
}

static Vocabulary vocabularyFor(const nc_program &program, const DataOptions &given, const std::string &model) {
  if (!given.tokenizer.empty())
    return Vocabulary::of(Tokenizer::read(given.tokenizer));
  return model.empty() ? Vocabulary::ofBytes(program.vocab) : vocabularyOf(model, program.vocab);
}

Data::Data(const nc_program &program, const DataOptions &given, const std::string &model)
    : options{given.extensions, vocabularyFor(program, given, model), program.vocab}, words(options.vocabulary) {
  if (given.data.empty() && !given.isCopyTask)
    failInput("no data", "name a file or folder with --data, or use --copy-task");
  if (!given.data.empty() && given.isCopyTask)
    failInput("--data and --copy-task exclude each other");
  if (given.isCopyTask)
    copyRow = sizeOr(program, "seq", 0);
  if (!given.tokenizer.empty())
    inputs.push_back({"--tokenizer", given.tokenizer});
  bool isTaken = false; // what --ext says
  for (const std::string &text : given.data)
    isTaken |= open(text, !given.tokenizer.empty());
  if (!isTaken && given.extensions != DataOptions().extensions)
    fprintf(stderr, "warning: --ext changes nothing: no --data is a folder of texts\n");
  weigh(given.mix);
  if (model.empty() || words.isUnknown())
    return;
  uint64_t expected = vocabularyOf(model, program.vocab).hash();
  if (expected != 0 && words.hash() != expected)
    failInput("--data has another tokenizer than '" + model + "' was trained with",
              "prepare the data with --tokenizer and that model's tokenizer.json");
}

/// NAME=VALUE, or a value without a name.
static std::pair<std::string, std::string> splitName(const std::string &text) {
  size_t equals = text.find('=');
  // A path may hold an equals sign; a name holds no slash.
  if (equals == text.npos || text.substr(0, equals).find('/') != text.npos)
    return {"", text};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

/// Do ids of the one mean what they mean in the other?
static bool isSame(const Vocabulary &a, const Vocabulary &b) {
  return a.hash() == b.hash() && a.isUnknown() == b.isUnknown();
}

bool Data::open(const std::string &text, bool isTokenizerGiven) {
  auto [name, path] = splitName(text);
  if (name.empty())
    name = path;
  for (const Part &part : parts)
    if (part.name == name)
      failInput("--data: '" + name + "' is named twice");
  DataSet set = openDataSet(path, options);
  if (isTokenizerGiven && !isSame(set.vocabulary, options.vocabulary))
    failInput("--tokenizer is not the one that '" + path + "' was prepared with",
              "leave it out, or prepare the data again with it");
  if (parts.empty())
    words = set.vocabulary;
  else if (!isSame(set.vocabulary, words))
    failInput(format("--data: '%s' and '%s' have different tokenizers", parts[0].name.c_str(), name.c_str()),
              "prepare the second with --tokenizer and the tokenizer.json of the first");
  noteFiles("--data", set);
  bool takesExtensions = set.isText && isFolder(path);
  parts.push_back({name, std::move(set), 1, {}});
  return takesExtensions;
}

void Data::noteFiles(const std::string &flag, const DataSet &set) {
  for (const std::string &file : set.files)
    inputs.push_back({flag, file});
}

/// Fails where a part gets no rows.
static void checkShares(const std::vector<std::string> &names, const std::vector<double> &weights) {
  std::vector<int64_t> ends = MixedRows::shareOut(weights);
  for (size_t i = 0; i < ends.size(); ++i)
    if (ends[i] == (i ? ends[i - 1] : 0))
      failInput(format("--mix: the share of '%s' is too small: it gets none of %lld rows", names[i].c_str(),
                       wide(MixedRows::kPeriod)),
                "leave it out, or give it a larger weight");
}

void Data::weigh(const std::vector<std::string> &mix) {
  std::set<std::string> known, weighed;
  for (const Part &part : parts)
    known.insert(part.name);
  for (const std::string &text : mix) {
    auto [name, number] = splitName(text);
    std::optional<double> weight = parseNumber(number);
    if (name.empty() || !weight || *weight <= 0)
      failInput("--mix: found '" + text + "', expected NAME=WEIGHT with a weight above 0");
    if (!known.count(name))
      failInput("--mix: no data is named '" + name + "'", "there are " + join(known) + "; see --data");
    weighed.insert(name);
    for (Part &part : parts)
      if (part.name == name)
        part.weight = *weight;
  }
  for (const std::string &name : known)
    if (!mix.empty() && !weighed.count(name))
      failInput("--mix: no weight for '" + name + "'", "give every --data one, or none");
  if (mix.size() > weighed.size())
    failInput("--mix: a name is given two weights");
  std::vector<std::string> names;
  std::vector<double> weights;
  for (const Part &part : parts) {
    names.push_back(part.name);
    weights.push_back(part.weight);
  }
  checkShares(names, weights);
}

void Data::replaceValidation(const std::string &validation) {
  if (copyRow)
    failInput("--val and --copy-task exclude each other");
  DataSetOptions alike = options;
  alike.vocabulary = words;
  DataSet set = openDataSet(validation, alike);
  if (!isSame(set.vocabulary, words))
    failInput("--val: '" + validation + "' has another tokenizer than --data",
              "prepare it with --tokenizer and the tokenizer.json of --data");
  noteFiles("--val", set);
  for (Part &part : parts)
    part.set.validation = {};
  parts[0].set.validation.append(set.train);
  parts[0].set.validation.append(set.validation);
}

void Data::setReference(const std::string &path) {
  auto file = std::make_shared<const SafetensorsFile>(path);
  for (Part &part : parts)
    part.reference.emplace(file, part.set.train, parts.size() > 1 ? part.name : "training");
  inputs.push_back({"--reference", path});
}

std::vector<std::pair<std::string, TokenStream>> Data::trainingStreams() const {
  std::vector<std::pair<std::string, TokenStream>> streams;
  for (const Part &part : parts)
    streams.push_back({part.name, part.set.train});
  return streams;
}

std::unique_ptr<RowSource> Data::trainingRows(uint64_t seed, int64_t length) const {
  if (copyRow)
    return std::make_unique<CopyRows>(seed, options.vocab, "data.copy");
  std::vector<MixedRows::Part> sources;
  for (const Part &part : parts)
    sources.push_back(
        {std::make_unique<ShuffledWindows>(part.set.train, seed, length, parts.size() > 1 ? part.name : "training",
                                           sources.size(), part.reference),
         part.weight});
  if (sources.size() == 1)
    return std::move(sources[0].rows);
  return std::make_unique<MixedRows>(std::move(sources), seed);
}

TokenStream Data::tokensOf(const std::string &split) const {
  TokenStream tokens;
  for (const Part &part : parts) {
    if (split != "val")
      tokens.append(part.set.train);
    if (split != "train")
      tokens.append(part.set.validation);
  }
  return tokens;
}

std::unique_ptr<RowSource> Data::spacedRows(const std::string &split, int64_t count, int64_t length) const {
  if (copyRow)
    return std::make_unique<CopyRows>(0, options.vocab, "data.copy.validation");
  return std::make_unique<SpacedWindows>(tokensOf(split), count, length, split == "val" ? "validation" : "evaluation");
}

uint64_t Data::hash() const {
  std::string all;
  for (const Part &part : parts)
    all += hashText(part.set.train.hash()) + (part.reference ? hashText(part.reference->hash()) : "") +
           format(" %.17g ", part.weight);
  return copyRow ? 0 : hashOf(all);
}

uint64_t Data::validationHash() const { return copyRow ? 0 : tokensOf("val").hash(); }

std::string Data::describe() const {
  double total = 0;
  for (const Part &part : parts)
    total += part.weight;
  std::string shares;
  for (const Part &part : parts)
    if (parts.size() > 1)
      shares += format("%s%s %.4g %%", shares.empty() ? " (" : ", ", part.name.c_str(), 100 * part.weight / total);
  return format("%lld training tokens%s%s, %lld validation tokens, vocabulary %d", wide(tokensOf("train").size()),
                shares.c_str(), shares.empty() ? "" : ")", wide(tokensOf("val").size()), words.size());
}

} // namespace nc
