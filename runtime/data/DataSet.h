// The data of a run: training and validation tokens and what they mean.
//
#pragma once

#include "runtime/data/TextFiles.h"
#include "runtime/data/TokenStream.h"
#include "runtime/data/Vocabulary.h"

namespace nc {

struct DataSet {
  Vocabulary vocabulary;
  TokenStream train, validation;
  std::vector<std::string> files; // that were read
  bool isText = false;            // encoded now
};

/// How to read what is not prepared.
struct DataSetOptions {
  std::vector<std::string> extensions; // of texts in a folder
  Vocabulary vocabulary;               // for texts, and of token files that do not say theirs
  int64_t vocab;                       // of the model: no token may be as large
};

/// Opens a prepared folder (see Prepare.h), token files (a .bin file or a folder of them; those
/// with "val", "valid" or "validation" as a part of their names are for validation), or texts,
/// which are encoded now. Which of them it is, files tell by their content, but what is called .bin
/// is never a text. Warns of what is passed over. Fails (exit 2) if there is nothing, or something
/// that does not fit the model.
DataSet openDataSet(const std::string &path, const DataSetOptions &options);

/// The name of the file that describes a prepared folder.
constexpr const char *kManifestName = "manifest.json";

} // namespace nc
