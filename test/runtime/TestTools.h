// Folders, files and processes for tests.
//
#pragma once

#include "runtime/files/Errors.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <sys/wait.h>

namespace nc::test {

/// An empty folder that goes with the test.
class TemporaryFolder {
public:
  TemporaryFolder() {
    char pattern[] = "/tmp/nanochat-test-XXXXXX";
    root = mkdtemp(pattern);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(root); }

  std::string path(const std::string &name) const { return root + "/" + name; }
  /// Writes a file, with its folders, and returns its path.
  std::string write(const std::string &name, const std::string &content) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }

private:
  std::string root;
};

/// A text to train on for a few steps.
inline std::string trainingText() {
  std::string text;
  for (int i = 0; i < 300; ++i)
    text += "fn main() { let x" + std::to_string(i) + " = " + std::to_string(i * i) + "; }\n";
  return text;
}

inline std::string readFile(const std::string &path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

struct ProcessResult {
  int code;
  std::string output; // standard output and error together
};

inline ProcessResult runProcess(const std::string &command) {
  FILE *pipe = popen((command + " 2>&1").c_str(), "r");
  std::string output;
  char buffer[4096];
  while (size_t count = fread(buffer, 1, sizeof(buffer), pipe))
    output.append(buffer, count);
  int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
}

/// The message of the nc::Error that `action` throws, "" if it does not.
template <typename Action> std::string errorOf(Action action) {
  try {
    action();
  } catch (const Error &error) {
    return error.what();
  }
  return "";
}

inline void expectContains(const std::string &text, const std::string &part) {
  EXPECT_NE(text.find(part), std::string::npos) << "expected '" << part << "' in:\n" << text;
}

} // namespace nc::test
