// A loss curve as a self-contained picture.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef NANOCHAT_RUNTIME_REPORT_SVG_H
#define NANOCHAT_RUNTIME_REPORT_SVG_H

#include <string>
#include <vector>

namespace nc {

struct Point {
  double x, y;
};

/// Training losses (drawn light, with a smoothed curve over them) and validation losses by step.
struct LossCurve {
  std::string title;
  std::vector<Point> train;
  std::vector<Point> validation;
};

/// Exponential moving average, corrected for its start, over about a fiftieth of the points.
std::vector<Point> smooth(const std::vector<Point> &points);

/// At most about 2·`count` of the points, the lowest and the highest of each stretch.
std::vector<Point> thinOut(const std::vector<Point> &points, size_t count);

/// A point that pictures can compute with: differences of such numbers are no infinities.
Point drawable(const Point &point);

/// About `count` round numbers that cover [low, high], which differ by more than rounding.
std::vector<double> roundTicks(double low, double high, int count);

/// `curve` has at least one point.
std::string drawSvg(const LossCurve &curve);

/// Several runs, each in a colour of its own with its title as name: smoothed training losses,
/// those of the first tenth left out, and dots of validation losses.
std::string drawComparison(const std::string &title, std::vector<LossCurve> curves);

} // namespace nc
#endif // NANOCHAT_RUNTIME_REPORT_SVG_H
