// A loss curve as a self-contained picture.
//
#pragma once

#include "runtime/report/Points.h"
#include <string>

namespace nc {

/// Training losses (drawn light, with a smoothed curve over them) and validation losses by step.
struct LossCurve {
  std::string title;
  std::vector<Point> train;
  std::vector<Point> validation;
};

/// `curve` has at least one point.
std::string drawSvg(const LossCurve &curve);

/// Several runs, each in a colour of its own with its title as name: smoothed training losses,
/// those of the first tenth left out, and dots of validation losses.
std::string drawComparison(const std::string &title, std::vector<LossCurve> curves);

} // namespace nc
