// Points of curves, and what is done with them before they are drawn.
//
#pragma once

#include <cstddef>
#include <vector>

namespace nc {

struct Point {
  double x, y;
};

/// Exponential moving average, corrected for its start, over about a fiftieth of the points.
std::vector<Point> smooth(const std::vector<Point> &points);

/// At most about 2·`count` of the points, the lowest and the highest of each stretch.
std::vector<Point> thinOut(const std::vector<Point> &points, size_t count);

/// A point that pictures can compute with: differences of such numbers are no infinities.
Point drawable(const Point &point);

/// Gives ends that are equal, or as good as equal, an extent.
void widen(double &low, double &high);

/// About `count` round numbers that cover [low, high], which differ by more than rounding.
std::vector<double> roundTicks(double low, double high, int count);

} // namespace nc
