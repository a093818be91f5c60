#include "runtime/checkpoint/HiddenFolder.h"
#include "runtime/checkpoint/Manifest.h"
#include "runtime/files/Errors.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace nc {

std::string checkpointName(int64_t step) { return format("step-%08lld", wide(step)); }

int64_t stepOfName(const std::string &name) {
  constexpr size_t kPrefix = 5, kMostDigits = 18;
  if (name.size() > kPrefix + kMostDigits)
    return -1;
  int64_t step = atoll(name.c_str() + std::min(kPrefix, name.size()));
  return name == checkpointName(step) ? step : -1;
}

std::string hiddenName(const std::string &name) { return "." + name + "." + std::to_string(getpid()); }

void clearLeftovers(const std::string &folder) {
  std::error_code ignored;
  for (const fs::directory_entry &entry : fs::directory_iterator(folder, ignored)) {
    std::string name = entry.path().filename().string();
    size_t dot = name.rfind('.');
    bool isLeft = name[0] == '.' && dot > 1 && stepOfName(name.substr(1, dot - 1)) >= 0 && dot + 1 < name.size() &&
                  name.find_first_not_of("0123456789", dot + 1) == name.npos;
    if (isLeft)
      fs::remove_all(entry.path(), ignored);
  }
}

HiddenFolder::HiddenFolder(const std::string &parent, int64_t step)
    : step(step), name(hiddenName(checkpointName(step))), path(parent + "/" + name),
      final(parent + "/" + checkpointName(step)) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
  if (mkdir(path.c_str(), 0777) != 0)
    failRun(format("cannot make the folder '%s': %s", path.c_str(), strerror(errno)));
}

HiddenFolder::~HiddenFolder() {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

void HiddenFolder::publish() {
  int result = rename(path.c_str(), final.c_str());
  if (result != 0 && (errno == EEXIST || errno == ENOTEMPTY) && CheckpointManifest::isIn(final))
    result = renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, final.c_str(), RENAME_EXCHANGE);
  if (result != 0)
    failRun(format("cannot write '%s': %s", final.c_str(), strerror(errno)));
}

} // namespace nc
