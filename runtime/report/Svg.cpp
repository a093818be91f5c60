#include "runtime/report/Svg.h"
#include "runtime/files/Errors.h"
#include "runtime/report/Escape.h"
#include <algorithm>
#include <cmath>

namespace nc {

namespace {

/// Data coordinates to the pixels of a fixed page.
class Canvas {
public:
  explicit Canvas(const std::vector<LossCurve> &curves);
  std::string draw(const LossCurve &curve) const;
  std::string compare(const std::string &title, const std::vector<LossCurve> &curves) const;

private:
  double pixelX(double x) const { return left + (x - lowX) / (highX - lowX) * (right - left); }
  double pixelY(double y) const { return bottom - (y - lowY) / (highY - lowY) * (bottom - top); }
  Point pixel(const Point &any) const {
    Point point = drawable(any);
    return {pixelX(point.x), pixelY(point.y)};
  }
  std::string page(const std::string &title) const;
  std::string axes() const;
  std::string line(const std::vector<Point> &points, const char *style) const;
  std::string dots(const std::vector<Point> &points, const char *colour) const;

  static constexpr size_t kPointsPerLine = 2000; // more than there are pixels
  static constexpr double left = 70, right = 780, top = 50, bottom = 390;
  double lowX = INFINITY, highX = -INFINITY, lowY = INFINITY, highY = -INFINITY;
};

} // namespace

Canvas::Canvas(const std::vector<LossCurve> &curves) {
  for (const LossCurve &curve : curves)
    for (const auto *points : {&curve.train, &curve.validation})
      for (const Point &any : *points) {
        Point point = drawable(any);
        lowX = std::min(lowX, point.x);
        highX = std::max(highX, point.x);
        lowY = std::min(lowY, point.y);
        highY = std::max(highY, point.y);
      }
  widen(lowX, highX);
  widen(lowY, highY);
  double margin = 0.03 * (highY - lowY);
  lowY -= margin;
  highY += margin;
}

std::string Canvas::axes() const {
  std::string text = "<g stroke='#ddd' fill='#444' font-size='12'>\n";
  for (double tick : roundTicks(lowY, highY, 6)) {
    double y = pixelY(tick);
    text += format("<path d='M%g %.1fH%g'/><text stroke='none' x='%g' y='%.1f' "
                   "text-anchor='end'>%.10g</text>\n",
                   left, y, right, left - 8, y + 4, tick);
  }
  for (double tick : roundTicks(lowX, highX, 8)) {
    double x = pixelX(tick);
    text += format("<path d='M%.1f %gV%g'/><text stroke='none' x='%.1f' y='%g' "
                   "text-anchor='middle'>%.10g</text>\n",
                   x, bottom, top, x, bottom + 18, tick);
  }
  text += format("<path stroke='#444' fill='none' d='M%g %gV%gH%g'/>\n", left, top, bottom, right);
  text +=
      format("<text stroke='none' x='%g' y='%g' text-anchor='middle'>step</text>\n", (left + right) / 2, bottom + 38);
  return text + format("<text stroke='none' transform='translate(22 %g) rotate(-90)' "
                       "text-anchor='middle'>loss (nats)</text></g>\n",
                       (top + bottom) / 2);
}

std::string Canvas::line(const std::vector<Point> &points, const char *style) const {
  if (points.empty())
    return "";
  std::string path;
  for (const Point &point : thinOut(points, kPointsPerLine)) {
    Point at = pixel(point);
    path += format("%c%.1f %.1f", path.empty() ? 'M' : 'L', at.x, at.y);
  }
  return format("<path fill='none' %s d='", style) + path + "'/>\n";
}

std::string Canvas::dots(const std::vector<Point> &points, const char *colour) const {
  std::string text;
  for (const Point &point : thinOut(points, kPointsPerLine)) {
    Point at = pixel(point);
    text += format("<circle fill='%s' r='3.5' cx='%.1f' cy='%.1f'/>\n", colour, at.x, at.y);
  }
  return text;
}

std::string Canvas::page(const std::string &title) const {
  return "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 800 440' "
         "font-family='sans-serif'>\n<rect width='800' height='440' fill='white'/>\n"
         "<text x='425' y='28' font-size='16' text-anchor='middle'>" +
         escapeMarkup(title) + "</text>\n" + axes();
}

std::string Canvas::draw(const LossCurve &curve) const {
  std::string text = page(curve.title);
  text += line(curve.train, "stroke='#9ec5e8' stroke-width='1'");
  text += line(smooth(curve.train), "stroke='#1f5f99' stroke-width='2'");
  text += line(curve.validation, "stroke='#c0392b' stroke-dasharray='4 3'");
  text += dots(curve.validation, "#c0392b");
  text += "<g font-size='12'><text x='640' y='66' fill='#1f5f99'>train (smoothed)</text>";
  if (!curve.validation.empty())
    text += "<text x='640' y='82' fill='#c0392b'>validation</text>";
  return text + "</g>\n</svg>\n";
}

std::string Canvas::compare(const std::string &title, const std::vector<LossCurve> &curves) const {
  static const char *const colours[] = {"#1f5f99", "#c0392b", "#2e8b57", "#8e44ad",
                                        "#d68910", "#16a0b0", "#7f8c8d", "#6b4f1d"};
  std::string text = page(title), names = "<g font-size='12'>";
  for (size_t i = 0; i < curves.size(); ++i) {
    const char *colour = colours[i % std::size(colours)];
    text += line(curves[i].train, format("stroke='%s' stroke-width='1.5'", colour).c_str());
    text += dots(curves[i].validation, colour);
    names += format("<text x='640' y='%d' fill='%s'>", int(66 + 16 * i), colour) + escapeMarkup(curves[i].title) +
             "</text>\n";
  }
  return text + names + "</g>\n</svg>\n";
}

std::string drawSvg(const LossCurve &curve) { return Canvas({curve}).draw(curve); }

std::string drawComparison(const std::string &title, std::vector<LossCurve> curves) {
  for (LossCurve &curve : curves) {
    curve.train = smooth(curve.train);
    curve.train.erase(curve.train.begin(), curve.train.begin() + curve.train.size() / 10);
  }
  return Canvas(curves).compare(title, curves);
}

} // namespace nc
