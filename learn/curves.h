// Pictures of a training: curves over steps or epochs, points, and where a network draws the line between them. One SVG file,
// readable on a light and on a dark page, with nothing to load.
//
//   lesson::Plot loss("Loss", "step", "nats");
//   loss.line("training", values);
//   lesson::write_picture("two_moons", {loss, map});    // curves: two_moons.svg
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace lesson {

class Plot {
 public:
  /// Labels name the quantity and its unit: "step", "accuracy (%)".
  Plot(std::string title, std::string x_label, std::string y_label);

  /// A curve at x = first, first + every, ... Values that are no numbers, or that a logarithm has not, are left out.
  Plot& line(const std::string& name, const std::vector<float>& values, double first = 0, double every = 1);
  /// A dashed upright at x, with a text beside it.
  Plot& mark(double x, std::string text);
  /// Powers of ten on the y axis.
  Plot& logarithmic();
  /// The y axis has this range; what lies outside is cut off.
  Plot& range(double low, double high);

  /// Dots.
  Plot& points(const std::string& name, const std::vector<float>& x, const std::vector<float>& y);
  /// Colours the ground by `probability(x, y)` of the second set of points, and draws the line at one half. Call it after points().
  Plot& ground(const std::function<std::vector<float>(const std::vector<float>& x,
                                                      const std::vector<float>& y)>& probability);

  /// A part of an SVG, kWidth x kHeight, at (left, 0).
  std::string svg(double left) const;

  static constexpr double kWidth = 420, kHeight = 320;

 private:
  friend class Drawing;
  struct Series {
    std::string name;
    std::vector<double> x, y;
    bool is_dots = false;
  };
  struct Extent {
    double low = 0, high = 1;
  };
  struct Mark {
    double x;
    std::string text;
  };

  Extent x_extent() const;
  Extent y_extent() const;

  std::string title_, x_label_, y_label_;
  std::vector<Series> series_;
  std::vector<Mark> marks_;
  std::vector<float> ground_;  ///< probabilities at the corners of its cells, row by row from below
  bool is_logarithmic_ = false, has_range_ = false;
  Extent range_;
};

/// Writes NAME.svg to the folder that the environment's TERN_CURVES names, else to the current one, and prints where it is.
/// Throws tern::Error if it cannot.
void write_picture(const std::string& name, const std::string& title, const std::vector<Plot>& plots);

}  // namespace lesson
