// Checkpoints that are not there yet, or no more, under names that nobody takes for a checkpoint's.
//
#pragma once

#include <cstdint>
#include <string>

namespace nc {

/// "step-00000010".
std::string checkpointName(int64_t step);
/// The step of such a name, or -1.
int64_t stepOfName(const std::string &name);

/// ".step-00000010.1234": what process 1234 is writing or removing.
std::string hiddenName(const std::string &name);
/// Removes what earlier processes left under hidden names; there are no others, as the folder is
/// this one's.
void clearLeftovers(const std::string &folder);

/// A folder under a hidden name, gone when this goes.
class HiddenFolder {
public:
  HiddenFolder(const std::string &parent, int64_t step);
  ~HiddenFolder();
  HiddenFolder(const HiddenFolder &) = delete;
  HiddenFolder &operator=(const HiddenFolder &) = delete;

  /// Gives it the checkpoint's name. What had that before is then hidden, if it was a checkpoint. Fails (exit 1) if it
  /// cannot.
  void publish();

  const int64_t step;
  const std::string name, path;

private:
  std::string final;
};

} // namespace nc
