// The files of a folder, whatever else is in it.
//
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nc {

struct FolderFile {
  std::string name; // relative to the folder
  std::string path;
  int64_t bytes;
};

/// Is it a folder, or something else? Fails (exit 2) if nothing is there, or nobody can tell.
bool isFolder(const std::string &path);

enum class Depth { Here, Below };

/// The regular files whose names end in one of `extensions` (without the dot), sorted by name.
/// Folders behind links are not entered. What bears such a name and is no file that can be read,
/// and folders that cannot, are passed over with one warning. Fails (exit 2) if that is `folder`.
std::vector<FolderFile> listFiles(const std::string &folder, const std::vector<std::string> &extensions, Depth depth);

} // namespace nc
