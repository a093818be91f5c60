// A folder that appears complete or not at all.
//
#pragma once

#include <string>

namespace nc {

/// A place where nothing is yet. What is to be there is written under a hidden name beside it,
/// which goes with this object, or where the process did not live so long, with the next of the
/// same place.
class NewFolder {
public:
  /// Slashes at the end mean nothing. Fails (exit 2), with the flag, if something is there or
  /// nobody may make folders there.
  NewFolder(const std::string &place, const std::string &flag);
  ~NewFolder();
  NewFolder(const NewFolder &) = delete;
  NewFolder &operator=(const NewFolder &) = delete;

  /// Makes the hidden folder, with those it is in. Fails (exit 1) if it cannot.
  void make();
  const std::string &hidden() const { return aside; }
  /// Gives it its name, at once and for good. Fails (exit 1) if it cannot.
  void publish();

private:
  std::string place, parent, aside;
};

} // namespace nc
