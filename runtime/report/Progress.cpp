#include "runtime/report/Progress.h"
#include "runtime/files/Errors.h"
#include "runtime/report/Terminal.h"
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace nc {

using std::chrono::duration;

Progress::Progress(int64_t first, int64_t total, int64_t tokensPerStep, double peakSpeed, const std::string &path)
    : first(first), total(total), tokensPerStep(tokensPerStep), peakSpeed(peakSpeed), isTerminal(isRewritable()),
      begin(Clock::now()), lastStep(begin), lastShown(begin), lastFiled(begin) {
  if (!path.empty())
    file.emplace(path, "--log-file", /*isContinued=*/first > 0);
}

void Progress::finish() {
  if (file)
    file->finish();
}

double Progress::seconds() const { return duration<double>(Clock::now() - begin).count(); }

void Progress::pause() { pausedAt = Clock::now(); }

void Progress::resume() {
  auto paused = Clock::now() - pausedAt;
  begin += paused;
  lastStep += paused;
}

bool Progress::isDue(int64_t step, bool isTerminal, Clock::time_point &shown) const {
  double sinceShown = duration<double>(Clock::now() - shown).count();
  bool isDue = step == first || step + 1 == total || sinceShown > (isTerminal ? 0.1 : 30.0) ||
               (!isTerminal && (step + 1) % std::max<int64_t>(total / 10, 1) == 0);
  if (isDue)
    shown = Clock::now();
  return isDue;
}

std::string timeText(double seconds) {
  long long whole = static_cast<long long>(seconds + 0.5);
  if (whole < 60)
    return format("%llds", whole);
  if (whole < 3600)
    return format("%lldm%02llds", whole / 60, whole % 60);
  return format("%lldh%02lldm", whole / 3600, whole / 60 % 60);
}

std::string speedText(double speed) {
  if (speed >= 1e6)
    return format("%.2fM tok/s", speed / 1e6);
  return speed >= 1e4 ? format("%.1fk tok/s", speed / 1e3) : format("%.0f tok/s", speed);
}

std::string Progress::describe(int64_t step, const StepReport &report, double speed) const {
  std::string line = format("step %lld/%lld (%.1f %%)", wide(step + 1), wide(total), 100.0 * (step + 1) / total);
  auto append = [&](const char *label, const char *pattern, std::optional<double> value) {
    char text[32];
    if (!value)
      return;
    snprintf(text, sizeof(text), pattern, *value);
    line += std::string("  ") + label + " " + text;
  };
  append("loss", "%.4f", report.metrics.loss());
  append("bpb", "%.3f", report.metrics.bitsPerByte());
  append("copy_nll", "%.3f", report.metrics.copyNll());
  append("exit", "%.2f", report.metrics.exitDepth());
  append("lr", "%.2e", report.output("lr"));
  append("|g|", "%.3g", report.output("grad_norm"));
  double left = seconds() / (step + 1 - first) * (total - step - 1);
  std::string mfu = peakSpeed > 0 ? format("%.1f %%", 100 * speed / peakSpeed) : "n/a";
  return line + "  " + speedText(speed) + "  MFU " + mfu + "  ETA " + timeText(left);
}

double Progress::finishStep(int64_t step, const StepReport &report) {
  auto now = Clock::now();
  double speed = tokensPerStep / std::max(duration<double>(now - lastStep).count(), 1e-9);
  lastStep = now;
  bool isShown = isDue(step, isTerminal, lastShown);
  bool isFiled = file && isDue(step, /*isTerminal=*/false, lastFiled);
  if (isShown || isFiled) {
    // The mean: single steps jump too much to be read.
    double mean = tokensPerStep * (step + 1 - first) / std::max(seconds(), 1e-9);
    std::string line = describe(step, report, mean);
    if (isFiled)
      file->append(line + "\n");
    // A line that reached the last column would wrap, and what wraps is not written anew.
    if (isShown && isTerminal)
      printf("\r\x1b[K%s", firstCharacters(line, terminalColumns() - 1).c_str());
    else if (isShown)
      printf("%s\n", line.c_str());
    fflush(stdout);
    isLineOpen |= isShown && isTerminal;
  }
  if (step + 1 == total && isLineOpen)
    print("");
  return speed;
}

void Progress::print(const std::string &line) {
  if (isLineOpen)
    printf("\n");
  isLineOpen = false;
  if (!line.empty())
    printf("%s\n", line.c_str());
  if (file && !line.empty())
    file->append(line + "\n");
  fflush(stdout);
}

} // namespace nc
