// What the lessons of train/ have in common: points and pictures to learn from, and a verdict in words.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "engine/autograd/variable.h"

namespace lesson {

/// Prints "not yet: ..." and "hint: ..."; 1, what main returns.
int not_yet(const std::string& what, const std::string& hint);
/// Prints "right: ..."; 0.
int right(const std::string& what);
/// Calls the lesson's test. What that throws is "not yet"; so is a crash, or more than so many seconds of processor time (0: as many as
/// it takes), with the lesson's line where it happened.
int run(const std::function<int()>& test, int seconds = 20);

struct Points {
  std::vector<float> x, y;
  std::vector<std::int32_t> moons;  ///< 0 or 1

  int count() const { return static_cast<int>(moons.size()); }
  tern::Tensor inputs() const;  ///< [count, 2]
  tern::Tensor labels() const;  ///< [count] i32
  Points only(const std::vector<std::int64_t>& numbers) const;
  Points of_moon(std::int32_t moon) const;
};

/// Half circles around (0, 0) and (1, 0.5), blurred: first all points of moon 0, then all of moon 1.
Points two_moons(int count, float blur, std::uint64_t seed);

/// Square images and their classes.
struct Images {
  tern::Tensor pixels;               ///< [count, side, side, 3], -1 to 1
  std::vector<std::int32_t> labels;  ///< of each image its class

  std::int64_t count() const { return pixels.size(0); }
  int side() const { return static_cast<int>(pixels.size(1)); }
  tern::Tensor targets() const;  ///< [count] i32
  Images only(const std::vector<std::int64_t>& numbers) const;
};

/// Blue discs, orange discs, blue waves and orange waves on cluttered ground (data/synthetic_image.h), class by class.
inline constexpr int kDrawnClasses = 4;
Images drawn_images(int of_each, int side, std::uint64_t seed);
/// The first ten classes of CIFAR-100, binary version, 32 x 32: every tenth image is for validation, the rest for training. Throws
/// tern::Error if the folder has no such files.
inline constexpr int kCifarClasses = 10;
Images cifar_images(const std::filesystem::path& folder, bool for_validation);

/// The part of rows whose largest logit is the label's, in %. logits [rows, classes], labels [rows] i32; both on the CPU.
double accuracy_percent(const tern::Tensor& logits, const tern::Tensor& labels);

}  // namespace lesson
