// Parameters or optimizer states in safetensors files, under their names.
//
// Metadata of parameters: model, compiler, ir_hash and, if there is one, tokenizer (the content of
// tokenizer.json), so that a model file is all that generating text needs. Where tokens came from
// files that do not say what they mean, vocabulary is "unknown".
//
#pragma once

#include "runtime/checkpoint/TensorFiles.h"
#include "runtime/data/Vocabulary.h"
#include "runtime/program/Session.h"
#include <string>

namespace nc {

/// Fails (exit 1) if a parameter or state is not finite after `step` steps, naming it; where ranks have shares, in all
/// if it is so in one.
void checkFinite(const Session &session, int64_t step);
/// Fails (exit 2) if a tensor of the files is not finite, naming it.
void checkFinite(const TensorFiles &files);

/// What a file calls the scales of a parameter.
std::string scalesName(const nc_tensor &parameter);
struct SavedTensor {
  const nc_tensor *tensor;
  std::string name; // in the file
};
/// What is saved of a kind, in the order of files.
std::vector<SavedTensor> savedTensors(const nc_program &program, nc_kind kind);
Metadata metadataOf(const nc_program &program, const Vocabulary &vocabulary);
Metadata metadataOfStates(const nc_program &program);

/// Whole tensors in one file, which is the first rank's.
void saveParameters(const Session &session, const std::string &path, const Vocabulary &vocabulary);
void saveStates(const Session &session, const std::string &path);

/// The model file in the folder of a checkpoint; any other path is itself.
std::string modelFileIn(const std::string &path);
/// Loads the parameters of a model file or of a checkpoint's folder; of shares, a rank's own rows. Fails (exit 2)
/// before anything is changed if a tensor is missing, unknown, of another shape or dtype, or not finite; only f32 may
/// become f64.
void loadParameters(Session &session, const std::string &path);
void loadStates(Session &session, const std::string &path);
/// Fails as loadStates would and loads nothing.
void checkStates(const nc_program &program, const std::string &path);

/// The vocabulary a model file or a checkpoint's folder was trained with; bytes where nothing is
/// said of it.
Vocabulary vocabularyOf(const std::string &path, int64_t modelVocab);

} // namespace nc
