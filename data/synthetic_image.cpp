#include "data/synthetic_image.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "engine/core/check.h"

namespace tern {
namespace {

constexpr float kPi = std::numbers::pi_v<float>;
constexpr int kSamples = 3;  // a side, for each pixel of the object

using Colour = std::array<float, 3>;  // RGB, 0..1

struct Point {
  float x = 0, y = 0;
};

// A turn by an angle whose sine and cosine are taken once, not for each pixel.
struct Turn {
  explicit Turn(float angle) : cosine(std::cos(angle)), sine(std::sin(angle)) {}
  float along(float x, float y) const { return x * cosine + y * sine; }
  float across(float x, float y) const { return y * cosine - x * sine; }
  float cosine, sine;
};

struct Hsv {
  float hue_degrees, saturation, value;
};

Colour from_hsv(const Hsv& hsv) {
  const auto [hue_degrees, saturation, value] = hsv;
  Colour colour;
  for (std::size_t channel = 0; channel < 3; ++channel) {
    const float k =
        std::fmod(static_cast<float>(5 - 2 * static_cast<int>(channel)) + hue_degrees / 60 + 6, 6.0f);
    colour[channel] = value - value * saturation * std::clamp(std::min(k, 4 - k), 0.0f, 1.0f);
  }
  return colour;
}

struct Hues {
  float from, to;  // degrees
};

// By SyntheticColour. No two touch, so that tinted light makes no colour of another.
constexpr std::array kHues = {Hues{10, 42}, Hues{195, 230}, Hues{265, 300}, Hues{90, 130},
                              Hues{55, 80}, Hues{140, 180}, Hues{315, 350}};
constexpr std::array kColourNames = {"orange", "blue", "violet", "green", "yellow", "teal", "pink"};

Colour mix(const Colour& a, const Colour& b, float part) {
  return {a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part, a[2] + (b[2] - a[2]) * part};
}

float fraction(float x) {
  return x - std::floor(x);
}

// Random numbers that bend a form itself; the same for all pixels of an image.
struct Shape {
  SyntheticForm form;
  float bend_a, bend_b;  // phases, radians
};

bool inside_polygon(float radius, float angle, int corners, float inner) {
  // Corners at radius 1; between two neighbours the edge bends to `inner`. One half of one sector is enough.
  const float half = kPi / static_cast<float>(corners);
  const float folded =
      std::abs(std::fmod(angle + 4 * kPi, 2 * half) - half);  // 0 in mid-edge, half at a corner
  const Point corner{std::cos(half), std::sin(half)}, edge{inner, 0};
  const Point p{radius * std::cos(folded), radius * std::sin(folded)};
  return (corner.x - edge.x) * (p.y - edge.y) - (corner.y - edge.y) * (p.x - edge.x) > 0;
}

// Whether a point of the object's own plane, where it reaches about from -1 to 1, belongs to the form.
bool inside(const Shape& shape, Point p) {
  const float radius = std::hypot(p.x, p.y), angle = std::atan2(p.y, p.x);
  const bool in_square = std::max(std::abs(p.x), std::abs(p.y)) < 0.95f;
  switch (shape.form) {
    case SyntheticForm::disc:
      return radius < 0.95f;
    case SyntheticForm::ring:
      return radius < 1 && radius > 0.5f;
    case SyntheticForm::triangle:
      return inside_polygon(radius / 1.15f, angle, 3, 0.5f);
    case SyntheticForm::star:
      return inside_polygon(radius / 1.15f, angle, 5, 0.45f);
    case SyntheticForm::waves:
      return in_square && fraction((p.y + 0.95f + 0.2f * std::sin(5 * p.x + shape.bend_a)) * 1.85f) < 0.55f;
    case SyntheticForm::spiral:
      return radius < 1 && fraction(angle / kPi + 1.6f * radius) < 0.45f;
    case SyntheticForm::asterisk:
      return radius < 1 &&
             radius * std::abs(std::sin(fraction(angle * 3 / kPi + 0.5f) * kPi / 3 - kPi / 6)) < 0.14f;
    case SyntheticForm::blob:
      return radius <
             0.65f + 0.2f * std::sin(2 * angle + shape.bend_a) + 0.15f * std::sin(3 * angle + shape.bend_b);
    case SyntheticForm::blob_pair:
      return std::hypot(p.x + 0.5f, p.y) < 0.45f || std::hypot(p.x - 0.4f, p.y - 0.3f) < 0.6f;
    case SyntheticForm::grid:
      return in_square && (fraction(1.5f * p.x + 0.1f) < 0.25f || fraction(1.5f * p.y + 0.1f) < 0.25f);
    case SyntheticForm::cross:
      return std::min(std::abs(p.x), std::abs(p.y)) < 0.25f && in_square;
  }
  return false;
}

// A square picture in floats, and the nuisance that is drawn on it. Random numbers are never drawn within one
// call's arguments, whose order of evaluation is the compiler's to choose (in braces it is not).
class Canvas {
 public:
  Canvas(int size, RandomStream& random)
      : size_(size),
        random_(random),
        pixels_(static_cast<std::size_t>(size) * static_cast<std::size_t>(size)) {}

  void draw_background() {
    const Colour from = dull_colour(), to = dull_colour();
    const Turn turn(random_.uniform(0, 2 * kPi));
    std::array<Colour, 3> cloud_colours;
    std::array<Point, 3> cloud_centres;
    for (std::size_t i = 0; i < 3; ++i) {
      cloud_colours[i] = dull_colour();
      cloud_centres[i] = {random_.uniform(-0.2f, 1.2f), random_.uniform(-0.2f, 1.2f)};
    }
    const float width = random_.uniform(0.15f, 0.35f);
    each_pixel([&](Point p, Colour& pixel) {
      const float along = turn.along(p.x - 0.5f, p.y - 0.5f) + 0.5f;
      pixel = mix(from, to, std::clamp(along, 0.0f, 1.0f));
      for (std::size_t i = 0; i < 3; ++i) {
        const float distance = std::hypot(p.x - cloud_centres[i].x, p.y - cloud_centres[i].y) / width;
        pixel = mix(pixel, cloud_colours[i], 0.8f * std::exp(-distance * distance));
      }
    });
  }

  /// Thin strokes of any colour, as grass and twigs in a photograph.
  void draw_clutter(std::uint32_t strokes) {
    for (std::uint32_t i = 0; i < strokes; ++i) {
      const Colour colour =
          from_hsv({random_.uniform(0, 360), random_.uniform(0.2f, 0.9f), random_.uniform(0.2f, 1)});
      const float half_length = random_.uniform(0.05f, 0.2f), half_width = random_.uniform(0.008f, 0.03f);
      draw_stroke(colour, half_length, half_width);
    }
  }
  void draw_occluder() {
    const Colour colour = dull_colour();
    const float half_length = random_.uniform(0.2f, 0.5f), half_width = random_.uniform(0.02f, 0.05f);
    draw_stroke(colour, half_length, half_width);
  }

  void draw_object(const SyntheticObject& object) {
    const Shape shape{object.form, random_.uniform(0, 2 * kPi), random_.uniform(0, 2 * kPi)};
    const Colour light = object_colour(object.colour);
    const Point centre{0.5f + random_.uniform(-0.12f, 0.12f), 0.5f + random_.uniform(-0.12f, 0.12f)};
    const float radius = random_.uniform(0.24f, 0.38f), stretch = random_.uniform(0.85f, 1.18f);
    const Turn turn(random_.uniform(0, 2 * kPi)), sun(random_.uniform(0, 2 * kPi));
    const float step = 1.0f / static_cast<float>(size_ * kSamples);
    each_pixel([&](Point p, Colour& pixel) {
      if (std::hypot(p.x - centre.x, p.y - centre.y) > 1.7f * radius) return;  // no form reaches farther
      Colour sum{};
      float hits = 0;
      for (int sample = 0; sample < kSamples * kSamples; ++sample) {
        const float x = p.x + step * static_cast<float>(sample % kSamples - 1) - centre.x;
        const float y = p.y + step * static_cast<float>(sample / kSamples - 1) - centre.y;
        const Point own{turn.along(x, y) / radius * stretch, turn.across(x, y) / radius / stretch};
        if (!inside(shape, own)) continue;
        const float shade = 0.85f + 0.2f * sun.along(x, y) / radius;
        for (std::size_t channel = 0; channel < 3; ++channel) sum[channel] += shade * light[channel];
        ++hits;
      }
      if (hits > 0)
        pixel = mix(pixel, {sum[0] / hits, sum[1] / hits, sum[2] / hits}, hits / (kSamples * kSamples));
    });
  }

  /// Uneven light of a slight tint.
  void light() {
    const Turn turn(random_.uniform(0, 2 * kPi));
    const float slope = random_.uniform(0, 0.5f), gain = random_.uniform(0.75f, 1.2f);
    const Colour tint = {random_.uniform(0.92f, 1.08f), random_.uniform(0.92f, 1.08f),
                         random_.uniform(0.92f, 1.08f)};
    each_pixel([&](Point p, Colour& pixel) {
      const float along = turn.along(p.x - 0.5f, p.y - 0.5f);
      for (std::size_t channel = 0; channel < 3; ++channel)
        pixel[channel] *= gain * tint[channel] * (1 + slope * along);
    });
  }

  /// Mixes each pixel with its neighbours: weights (part, 1 - 2 part, part) along both axes.
  void blur(float part) {
    for (const int stride : {1, size_}) {
      const std::vector<Colour> before = pixels_;
      for (int i = 0; i < size_ * size_; ++i) {
        const int place = stride == 1 ? i % size_ : i / size_;
        const Colour& back = before[static_cast<std::size_t>(place > 0 ? i - stride : i)];
        const Colour& ahead = before[static_cast<std::size_t>(place + 1 < size_ ? i + stride : i)];
        Colour& pixel = pixels_[static_cast<std::size_t>(i)];
        for (std::size_t c = 0; c < 3; ++c)
          pixel[c] = (1 - 2 * part) * pixel[c] + part * (back[c] + ahead[c]);
      }
    }
  }

  /// Of triangular distribution: the two halves of one draw, added.
  void add_noise(float deviation) {
    const float scale = deviation * std::sqrt(6.0f) / 65536;
    for (Colour& pixel : pixels_) {
      for (float& value : pixel) {
        const std::uint32_t bits = random_.bits();
        value += scale * (static_cast<float>(bits >> 16) + static_cast<float>(bits & 0xffffu) - 65535);
      }
    }
  }

  Image image() const {
    Image image{size_, size_, {}};
    image.rgb.reserve(pixels_.size() * 3);
    for (const Colour& pixel : pixels_) {
      for (const float value : pixel) {
        image.rgb.push_back(static_cast<std::uint8_t>(std::lround(255 * std::clamp(value, 0.0f, 1.0f))));
      }
    }
    return image;
  }

 private:
  /// Calls draw(centre of the pixel in 0..1, pixel).
  template <typename Draw>
  void each_pixel(Draw&& draw) {
    for (int y = 0; y < size_; ++y) {
      for (int x = 0; x < size_; ++x) {
        const Point p{(static_cast<float>(x) + 0.5f) / static_cast<float>(size_),
                      (static_cast<float>(y) + 0.5f) / static_cast<float>(size_)};
        draw(p, pixels_[static_cast<std::size_t>(y * size_ + x)]);
      }
    }
  }

  Colour dull_colour() {
    return from_hsv({random_.uniform(0, 360), random_.uniform(0, 0.55f), random_.uniform(0.15f, 0.85f)});
  }

  Colour object_colour(SyntheticColour colour) {
    const Hues& hues = kHues.at(static_cast<std::size_t>(colour));
    const float hue = random_.uniform(hues.from, hues.to);
    return from_hsv({hue, random_.uniform(0.55f, 0.95f), random_.uniform(0.65f, 1)});
  }

  void draw_stroke(const Colour& colour, float half_length, float half_width) {
    const Point centre{random_.uniform(0, 1), random_.uniform(0, 1)};
    const Turn turn(random_.uniform(0, kPi));
    each_pixel([&](Point p, Colour& pixel) {
      const float x = p.x - centre.x, y = p.y - centre.y;
      const float along = std::abs(turn.along(x, y));
      const float across = std::abs(turn.across(x, y));
      const float pixels_inside =
          std::min(half_length - along, half_width - across) * static_cast<float>(size_);
      pixel = mix(pixel, colour, std::clamp(pixels_inside + 0.5f, 0.0f, 1.0f));
    });
  }

  int size_;
  RandomStream& random_;
  std::vector<Colour> pixels_;
};

}  // namespace

std::string colour_name(SyntheticColour colour) {
  return kColourNames.at(static_cast<std::size_t>(colour));
}

std::string object_name(const SyntheticObject& object) {
  constexpr std::array kForms = {"disc",  "ring",   "triangle", "star",      "cross", "asterisk",
                                 "waves", "spiral", "blob",     "blob pair", "grid"};
  return colour_name(object.colour) + " " + kForms.at(static_cast<std::size_t>(object.form));
}

Image draw_object(const SyntheticObject& object, int size, RandomStream& random) {
  if (size < 8 || size > 1024) throw Error("draw_object", "8 to 1024 pixels a side", std::to_string(size));
  Canvas canvas(size, random);
  canvas.draw_background();
  canvas.draw_clutter(random.below(6));
  canvas.draw_object(object);
  if (random.chance(0.25f)) canvas.draw_occluder();
  canvas.light();
  if (random.chance(0.4f)) canvas.blur(random.uniform(0, 0.25f));
  canvas.add_noise(random.uniform(0, 0.04f));
  return canvas.image();
}

}  // namespace tern
