#include "learn/curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <span>

#include "engine/core/check.h"

namespace lesson {
namespace {

constexpr double kLeft = 58, kRight = Plot::kWidth - 14, kTop = 62,
                 kBottom = Plot::kHeight - 44;  ///< of what lies between a plot's axes
constexpr int kCells = 60;                      ///< of the ground, a side
constexpr int kShades = 8;                      ///< on either side of one half
constexpr int kColours = 5;

// Okabe and Ito's colours, which people who see few colours can tell apart, lighter ones on a dark page; dashes help as well.
constexpr const char* kStyle = R"(
  svg { background: #ffffff; font: 12px system-ui, "DejaVu Sans", sans-serif; }
  .paper { fill: #ffffff; } text { fill: #24292f; } .title { font-weight: 600; font-size: 13px; }
  .axis { stroke: #57606a; fill: none; } .grid { stroke: #e3e7ec; fill: none; } .mark { stroke: #57606a; stroke-dasharray: 3 3; }
  .curve { fill: none; stroke-width: 1.8; stroke-linejoin: round; } .dot { stroke: #ffffff; stroke-width: 0.6; }
  .edge { fill: none; stroke: #24292f; stroke-width: 1.4; }
  .s0 { stroke: #0072b2; } .s1 { stroke: #d55e00; stroke-dasharray: 7 3; } .s2 { stroke: #009e73; stroke-dasharray: 2 3; }
  .s3 { stroke: #b0578d; stroke-dasharray: 9 3 2 3; } .s4 { stroke: #8a6d00; stroke-dasharray: 12 4; }
  .f0 { fill: #0072b2; } .f1 { fill: #d55e00; } .f2 { fill: #009e73; } .f3 { fill: #b0578d; } .f4 { fill: #8a6d00; }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117; } .paper { fill: #0d1117; } text { fill: #e6edf3; } .axis, .mark { stroke: #9198a1; }
    .grid { stroke: #262c36; } .dot { stroke: #0d1117; } .edge { stroke: #e6edf3; }
    .s0 { stroke: #56b4e9; } .s1 { stroke: #ff9a5c; } .s2 { stroke: #2fd6a3; } .s3 { stroke: #e9a3cc; } .s4 { stroke: #e6c84b; }
    .f0 { fill: #56b4e9; } .f1 { fill: #ff9a5c; } .f2 { fill: #2fd6a3; } .f3 { fill: #e9a3cc; } .f4 { fill: #e6c84b; }
  }
)";

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) safe += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
  return safe;
}

std::string text_at(double x, double y, const char* anchor, const std::string& text,
                    const char* attributes = "") {
  return fmt::format("<text x='{:.1f}' y='{:.1f}' text-anchor='{}'{}>{}</text>\n", x, y, anchor, attributes,
                     escaped(text));
}

/// About as wide as the text is drawn.
double width_of(const std::string& text) {
  return 6.4 * static_cast<double>(text.size());
}

/// 1, 2 or 5 times a power of ten, of which about `count` fit.
double tick_step(double extent, int count) {
  const double rough = extent / count, power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1., 2., 5.}) {
    if (factor * power >= rough) return factor * power;
  }
  return 10 * power;
}

}  // namespace

Plot::Plot(std::string title, std::string x_label, std::string y_label)
    : title_(std::move(title)), x_label_(std::move(x_label)), y_label_(std::move(y_label)) {}

Plot& Plot::line(const std::string& name, const std::vector<float>& values, double first, double every) {
  Series series{name, {}, {}};
  for (std::size_t i = 0; i < values.size(); ++i) {
    series.x.push_back(first + every * static_cast<double>(i));
    series.y.push_back(values[i]);
  }
  series_.push_back(std::move(series));
  return *this;
}

Plot& Plot::mark(double x, std::string text) {
  marks_.push_back({x, std::move(text)});
  return *this;
}

Plot& Plot::logarithmic() {
  is_logarithmic_ = true;
  return *this;
}

Plot& Plot::range(double low, double high) {
  has_range_ = true;
  range_ = {low, high};
  return *this;
}

Plot& Plot::points(const std::string& name, const std::vector<float>& x, const std::vector<float>& y) {
  series_.push_back({name, {x.begin(), x.end()}, {y.begin(), y.end()}, true});
  return *this;
}

Plot& Plot::ground(const std::function<std::vector<float>(const std::vector<float>&,
                                                          const std::vector<float>&)>& probability) {
  const Extent across = x_extent(), up = y_extent();
  std::vector<float> x, y;
  for (int row = 0; row <= kCells; ++row) {
    for (int column = 0; column <= kCells; ++column) {
      x.push_back(static_cast<float>(across.low + (across.high - across.low) * column / kCells));
      y.push_back(static_cast<float>(up.low + (up.high - up.low) * row / kCells));
    }
  }
  ground_ = probability(x, y);
  return *this;
}

Plot::Extent Plot::x_extent() const {
  Extent extent{std::numeric_limits<double>::max(), std::numeric_limits<double>::lowest()};
  bool is_map = false;
  for (const Series& series : series_) {
    is_map = is_map || series.is_dots;
    for (const double x : series.x) extent = {std::min(extent.low, x), std::max(extent.high, x)};
  }
  if (extent.low >= extent.high)
    return {extent.low > extent.high ? 0 : extent.low, extent.low > extent.high ? 1 : extent.low + 1};
  const double margin = is_map ? 0.05 * (extent.high - extent.low) : 0;
  return {extent.low - margin, extent.high + margin};
}

Plot::Extent Plot::y_extent() const {
  if (has_range_) return range_;
  Extent extent{std::numeric_limits<double>::max(), std::numeric_limits<double>::lowest()};
  for (const Series& series : series_) {
    for (const double y : series.y) {
      if (std::isfinite(y) && (!is_logarithmic_ || y > 0))
        extent = {std::min(extent.low, y), std::max(extent.high, y)};
    }
  }
  if (extent.low > extent.high) return {0.1, 1};
  if (is_logarithmic_) return {extent.low / 1.3, extent.high * 1.3};
  const double margin = extent.low == extent.high ? 1 : 0.05 * (extent.high - extent.low);
  const bool from_zero = extent.low >= 0 && extent.low < 0.3 * extent.high;
  return {from_zero ? 0 : extent.low - margin, extent.high + margin};
}

/// A plot on its way to SVG.
class Drawing {
 public:
  explicit Drawing(const Plot& plot) : plot_(plot), x_(plot.x_extent()), y_(plot.y_extent()) {}

  std::string text() const {
    std::string inside = ground();
    for (const Plot::Mark& one : plot_.marks_) inside += mark(one);
    for (std::size_t i = 0; i < plot_.series_.size(); ++i) inside += series(i);
    return axes() +
           fmt::format(
               "<svg x='{0}' y='{1}' width='{2}' height='{3}' viewBox='{0} {1} {2} {3}'>\n{4}</svg>\n", kLeft,
               kTop, kRight - kLeft, kBottom - kTop, inside) +
           legend();
  }

 private:
  double across(double x) const { return kLeft + (kRight - kLeft) * (x - x_.low) / (x_.high - x_.low); }
  double scaled(double y) const { return plot_.is_logarithmic_ ? std::log10(y) : y; }
  double down(double y) const {
    return kBottom - (kBottom - kTop) * (scaled(y) - scaled(y_.low)) / (scaled(y_.high) - scaled(y_.low));
  }

  std::string axes() const;
  std::vector<double> tick_values(const Plot::Extent& extent, bool is_logarithmic) const;
  std::string legend() const;
  std::string mark(const Plot::Mark& mark) const;
  std::string series(std::size_t number) const;
  std::string ground() const;
  float probability(int column, int row) const;
  void add_cells(int row, std::span<std::string> shades) const;
  std::string edge_in(int column, int row) const;

  const Plot& plot_;
  Plot::Extent x_, y_;
};

std::vector<double> Drawing::tick_values(const Plot::Extent& extent, bool is_logarithmic) const {
  std::vector<double> values;
  const auto add = [&](double value) {
    const double slack = is_logarithmic ? 1e-9 * value : 1e-9 * (extent.high - extent.low);
    if (value >= extent.low - slack && value <= extent.high + slack) values.push_back(value);
  };
  if (is_logarithmic) {
    const bool is_short = extent.high / extent.low < 30;
    for (int power = static_cast<int>(std::floor(std::log10(extent.low))); power <= std::log10(extent.high);
         ++power) {
      for (const double factor : {1., 2., 5.}) {
        if (factor == 1 || is_short) add(factor * std::pow(10, power));
      }
    }
    return values;
  }
  const double step = tick_step(extent.high - extent.low, 5);
  for (double number = std::ceil(extent.low / step - 1e-9); number * step <= extent.high + 1e-9 * step;
       ++number)
    add(number == 0 ? 0 : number * step);
  return values;
}

std::string Drawing::axes() const {
  std::string text = text_at(kLeft, 20, "start", plot_.title_, " class='title'");
  for (const double x : tick_values(x_, false)) {
    text += fmt::format("<path class='grid' d='M{:.1f} {}V{}'/>\n", across(x), kTop, kBottom);
    text += text_at(across(x), kBottom + 16, "middle", fmt::format("{:g}", x));
  }
  for (const double y : tick_values(y_, plot_.is_logarithmic_)) {
    text += fmt::format("<path class='grid' d='M{} {:.1f}H{}'/>\n", kLeft, down(y), kRight);
    text += text_at(kLeft - 6, down(y) + 4, "end", fmt::format("{:g}", y));
  }
  const double middle = (kTop + kBottom) / 2;
  text += fmt::format("<path class='axis' d='M{} {}V{}H{}'/>\n", kLeft, kTop, kBottom, kRight);
  text += text_at((kLeft + kRight) / 2, Plot::kHeight - 10, "middle", plot_.x_label_);
  return text + text_at(14, middle, "middle", plot_.y_label_,
                        fmt::format(" transform='rotate(-90 14 {})'", middle).c_str());
}

std::string Drawing::legend() const {
  std::string text;
  double x = kLeft, y = 38;
  for (std::size_t i = 0; i < plot_.series_.size(); ++i) {
    const Plot::Series& one = plot_.series_[i];
    const double width = 26 + width_of(one.name) + 12;
    if (x > kLeft && x + width > Plot::kWidth) x = kLeft, y += 15;
    text += one.is_dots
                ? fmt::format("<circle class='dot f{}' cx='{:.1f}' cy='{}' r='4'/>\n", i % kColours, x + 12,
                              y - 4)
                : fmt::format("<path class='curve s{}' d='M{:.1f} {}h22'/>\n", i % kColours, x, y - 4);
    text += text_at(x + 26, y, "start", one.name);
    x += width;
  }
  return text;
}

std::string Drawing::mark(const Plot::Mark& mark) const {
  const double x = across(mark.x);
  const bool is_near_end = x + width_of(mark.text) + 6 > kRight;
  return fmt::format("<path class='mark' d='M{:.1f} {}V{}'/>\n", x, kTop, kBottom) +
         text_at(x + (is_near_end ? -5 : 5), kTop + 14, is_near_end ? "end" : "start", mark.text);
}

std::string Drawing::series(std::size_t number) const {
  const Plot::Series& one = plot_.series_[number];
  std::string text;
  bool is_pen_down = false;
  for (std::size_t i = 0; i < one.x.size(); ++i) {
    if (!std::isfinite(one.y[i]) || (plot_.is_logarithmic_ && one.y[i] <= 0)) {
      is_pen_down = false;
      continue;
    }
    const double x = across(one.x[i]), y = std::clamp(down(one.y[i]), -Plot::kHeight, 2 * Plot::kHeight);
    text += one.is_dots ? fmt::format("<circle class='dot f{}' cx='{:.1f}' cy='{:.1f}' r='2.6'/>\n",
                                      number % kColours, x, y)
                        : fmt::format("{}{:.1f} {:.1f}", is_pen_down ? 'L' : 'M', x, y);
    is_pen_down = true;
  }
  return one.is_dots ? text : fmt::format("<path class='curve s{}' d='{}'/>\n", number % kColours, text);
}

float Drawing::probability(int column, int row) const {
  return plot_.ground_[static_cast<std::size_t>(row * (kCells + 1) + column)];
}

/// The cells of one shade as one path, so that no seams show, and the edge on top.
std::string Drawing::ground() const {
  if (plot_.ground_.empty()) return {};
  std::array<std::string, std::size_t{2} * kShades> shades;
  std::string text, edge;
  for (int row = 0; row < kCells; ++row) {
    add_cells(row, shades);
    for (int column = 0; column < kCells; ++column) edge += edge_in(column, row);
  }
  for (int shade = -kShades; shade < kShades; ++shade) {
    const std::string& path = shades[static_cast<std::size_t>(shade + kShades)];
    const double opacity = 0.4 * (shade < 0 ? -shade : shade + 1) / kShades;
    if (!path.empty())
      text += fmt::format("<path class='f{}' shape-rendering='crispEdges' opacity='{:.2f}' d='{}'/>\n",
                          shade < 0 ? 0 : 1, opacity, path);
  }
  return text + fmt::format("<path class='edge' d='{}'/>\n", edge);
}

/// A row of cells, each run of one shade to that shade's path.
void Drawing::add_cells(int row, std::span<std::string> shades) const {
  const double width = (kRight - kLeft) / kCells, height = (kBottom - kTop) / kCells;
  const auto shade = [&](int column) {
    const float p = (probability(column, row) + probability(column + 1, row) + probability(column, row + 1) +
                     probability(column + 1, row + 1)) /
                    4;
    return static_cast<std::size_t>(std::clamp(static_cast<int>(2 * p * kShades), 0, 2 * kShades - 1));
  };
  for (int column = 0, begin = 0; column < kCells; ++column) {
    if (column + 1 < kCells && shade(column + 1) == shade(column)) continue;
    shades[shade(column)] +=
        fmt::format("M{:.1f} {:.1f}H{:.1f}V{:.1f}H{:.1f}", kLeft + begin * width, kBottom - row * height,
                    kLeft + (column + 1) * width, kBottom - (row + 1) * height, kLeft + begin * width);
    begin = column + 1;
  }
}

/// Where the probability is one half, by linear interpolation along the cell's sides.
std::string Drawing::edge_in(int column, int row) const {
  const double width = (kRight - kLeft) / kCells, height = (kBottom - kTop) / kCells;
  const double left = kLeft + column * width, bottom = kBottom - row * height;
  const float here = probability(column, row) - .5f, right = probability(column + 1, row) - .5f,
              above = probability(column, row + 1) - .5f, both = probability(column + 1, row + 1) - .5f;
  std::vector<std::array<double, 2>> ends;
  const auto cross = [&](float a, float b, double x, double y, double dx, double dy) {
    if ((a < 0) != (b < 0)) ends.push_back({x + dx * a / (a - b), y + dy * a / (a - b)});
  };
  cross(here, right, left, bottom, width, 0);
  cross(above, both, left, bottom - height, width, 0);
  cross(here, above, left, bottom, 0, -height);
  cross(right, both, left + width, bottom, 0, -height);
  std::string text;
  for (std::size_t i = 0; i + 1 < ends.size(); i += 2)
    text +=
        fmt::format("M{:.1f} {:.1f}L{:.1f} {:.1f}", ends[i][0], ends[i][1], ends[i + 1][0], ends[i + 1][1]);
  return text;
}

std::string Plot::svg(double left) const {
  return fmt::format("<g transform='translate({} 0)'>\n{}</g>\n", left, Drawing(*this).text());
}

void write_picture(const std::string& name, const std::string& title, const std::vector<Plot>& plots) {
  const char* const folder = std::getenv("TERN_CURVES");
  const std::filesystem::path file =
      std::filesystem::path(folder == nullptr ? "." : folder) / (name + ".svg");
  if (folder != nullptr) std::filesystem::create_directories(folder);
  const double width = Plot::kWidth * static_cast<double>(plots.size());
  std::string text = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {0} {1}' width='{0}' height='{1}' "
      "role='img'>\n<title>{2}</title>\n"
      "<style>{3}</style>\n<rect class='paper' width='100%' height='100%'/>\n",
      width, Plot::kHeight, escaped(title), kStyle);
  for (std::size_t i = 0; i < plots.size(); ++i) text += plots[i].svg(Plot::kWidth * static_cast<double>(i));
  std::ofstream out(file, std::ios::binary);
  out << text << "</svg>\n";
  if (!out.flush()) throw tern::Error(file.string(), "a file to write curves to", "none");
  std::printf("curves: %s\n", file.c_str());
}

}  // namespace lesson
