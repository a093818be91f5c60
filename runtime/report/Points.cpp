#include "runtime/report/Points.h"
#include <algorithm>
#include <cmath>

namespace nc {

std::vector<Point> smooth(const std::vector<Point> &points) {
  double keep = 1 - 1 / std::max(1.0, points.size() / 50.0);
  double mean = 0, weight = 0;
  std::vector<Point> smoothed;
  for (const Point &point : points) {
    weight = keep * weight + 1;
    mean = mean * (1 - 1 / weight) + point.y / weight; // no sum that grows beyond all numbers
    smoothed.push_back({point.x, mean});
  }
  return smoothed;
}

std::vector<Point> thinOut(const std::vector<Point> &points, size_t count) {
  if (points.size() <= 2 * count)
    return points;
  std::vector<Point> kept;
  auto isLower = [](const Point &a, const Point &b) { return a.y < b.y; };
  for (size_t i = 0; i < count; ++i) {
    auto begin = points.begin() + points.size() * i / count;
    auto end = points.begin() + points.size() * (i + 1) / count;
    auto [lowest, highest] = std::minmax_element(begin, end, isLower);
    kept.push_back(lowest < highest ? *lowest : *highest);
    if (lowest != highest)
      kept.push_back(lowest < highest ? *highest : *lowest);
  }
  return kept;
}

Point drawable(const Point &point) {
  constexpr double kMost = 1e300;
  return {std::clamp(point.x, -kMost, kMost), std::clamp(point.y, -kMost, kMost)};
}

void widen(double &low, double &high) {
  double size = std::max(std::abs(low), std::abs(high));
  if (high - low > std::max(1e-9 * size, 1e-300))
    return;
  double margin = std::max(0.5, 1e-3 * size);
  low -= margin;
  high += margin;
}

std::vector<double> roundTicks(double low, double high, int count) {
  double rough = (high - low) / count;
  double power = std::pow(10, std::floor(std::log10(rough)));
  double step = power;
  for (double factor : {1.0, 2.0, 5.0, 10.0}) {
    step = factor * power;
    if (step >= rough)
      break;
  }
  std::vector<double> ticks;
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; ++i)
    ticks.push_back(i * step);
  return ticks;
}

} // namespace nc
