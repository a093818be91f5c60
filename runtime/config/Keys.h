// The keys a configuration may have: the one table that reading, checking and the schema go by.
//
#pragma once

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

namespace nc {

enum class KeyType { Integer, Number, Boolean, Text, TextList, Time };

/// What a program does with a key.
enum class KeyUse {
  Flag,   // `target` is an option of 'train', without dashes
  Scalar, // `target` is a run-time scalar of the model, if it has that
  Size,   // `target` is a compile-time size of the program, which must agree
  Told,   // it goes into checks or other keys; `target` says what for
  Unused  // `target` says why not
};

struct Key {
  // "training.total_steps"; "data.mix.*" stands for any name there, "phase[].at" is in each of a
  // list of tables
  const char *path;
  KeyType type;
  KeyUse use;
  const char *target;
  const char *help;
  double least = -INFINITY, most = INFINITY; // of numbers
  const char *size = nullptr;                // of models, that the compiler takes from it; of KeyUse::Size `target`
};

const std::vector<Key> &knownKeys();

/// The key of a path, or null.
const Key *findKey(std::string_view path);

/// Whether a path is that of a list of tables, as "phase".
bool isTableList(std::string_view path);

/// The known path that looks most like `path`, "" if none does.
std::string nearestKey(std::string_view path);

/// The size of models that a key says, null if it says none.
const char *sizeOf(const Key &key);

const char *typeName(KeyType type);

} // namespace nc
