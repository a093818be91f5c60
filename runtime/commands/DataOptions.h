// What to train or measure on, as commands are told.
//
#pragma once

#include "runtime/data/DataSet.h"
#include "runtime/data/Rows.h"
#include "runtime/files/Files.h"

namespace CLI {
class App;
}
struct nc_program;

namespace nc {

struct DataOptions {
  std::vector<std::string> data; // PATH or NAME=PATH
  std::vector<std::string> mix;  // NAME=WEIGHT
  std::vector<std::string> extensions = {"rs"};
  std::string tokenizer;
  bool isCopyTask = false;
};

/// Adds --data, --mix, --ext, --tokenizer and --copy-task.
void addDataOptions(CLI::App &command, DataOptions &options);

/// Data sets by name, and their shares.
class Data {
public:
  /// Texts are encoded as `model` was trained, a model file or checkpoint, if that is not empty and
  /// there is no --tokenizer. Fails (exit 2) unless there is exactly one kind of data, all of one
  /// vocabulary, and that is the model's.
  Data(const nc_program &program, const DataOptions &options, const std::string &model);

  /// `validation` replaces the validation tokens of all sets: all tokens there, of texts as those
  /// of --data are encoded. Fails (exit 2) if it has another vocabulary.
  void replaceValidation(const std::string &validation);

  /// Takes the losses of a reference model for the training tokens from a file that `score` wrote. Fails (exit 2) as
  /// TokenValues does.
  void setReference(const std::string &path);

  const Vocabulary &vocabulary() const { return words; }
  /// What --data, --val and --tokenizer read, so that no output is written over it.
  const std::vector<NamedPath> &files() const { return inputs; }
  /// Length of a row of the copy task, 0 for other data.
  int64_t copyLength() const { return copyRow; }

  std::unique_ptr<RowSource> trainingRows(uint64_t seed, int64_t length) const;
  /// The training tokens of each data set, and its name.
  std::vector<std::pair<std::string, TokenStream>> trainingStreams() const;
  /// `count` rows evenly spaced over the tokens of a split, "all", "train" or "val".
  std::unique_ptr<RowSource> spacedRows(const std::string &split, int64_t count, int64_t length) const;
  /// The same for the same tokens in the same shares; 0 for the copy task.
  uint64_t hash() const;
  /// Of the validation tokens.
  uint64_t validationHash() const;
  /// "1234 training tokens (name 50 %, ...), 60 validation tokens".
  std::string describe() const;

private:
  struct Part {
    std::string name;
    DataSet set;
    double weight;
    std::optional<TokenValues> reference;
  };
  /// Is it a folder of texts, of which --ext says which?
  bool open(const std::string &text, bool isTokenizerGiven);
  void noteFiles(const std::string &flag, const DataSet &set);
  void weigh(const std::vector<std::string> &mix);
  TokenStream tokensOf(const std::string &split) const;

  DataSetOptions options;
  int64_t copyRow = 0;
  std::vector<Part> parts;
  std::vector<NamedPath> inputs;
  Vocabulary words;
};

} // namespace nc
