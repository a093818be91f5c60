// Parameters and states of which each of several ranks has rows: in one file, or in one of each.
//
#pragma once

#include "runtime/checkpoint/TensorFiles.h"
#include "runtime/data/Vocabulary.h"
#include "runtime/program/Session.h"

namespace nc {

/// Whether each of several ranks has only a part of what is to be saved, so that all of them save together.
bool isOfSeveral(const Session &session);

/// One file of whole tensors, by the first rank, to whom the others hand what they have.
void saveWhole(const Session &session, nc_kind kind, const std::string &path, const Metadata &metadata);

/// What each rank writes into the folder of a checkpoint: its rows; the first one also what is whole.
void saveParts(const Session &session, const std::string &folder, const Vocabulary &vocabulary);
/// The names of files that saveParts writes on a rank.
std::vector<std::string> partNames(const nc_program &program, int rank);

} // namespace nc
