// From an image's bytes to a network's input: random changes on bytes (training only), then to 0..1, minus
// mean, over standard deviation. What happens to an image depends on (seed, epoch, image index) alone: not on
// its batch, the number of threads, or what other images drew.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "data/image_io.h"
#include "data/rand_augment.h"
#include "data/random_erasing.h"
#include "data/random_resized_crop.h"

namespace tern {

/// ImageNet's channel statistics, which torchvision's weights expect.
inline constexpr std::array<float, 3> kImagenetMean{0.485f, 0.456f, 0.406f};
inline constexpr std::array<float, 3> kImagenetDeviation{0.229f, 0.224f, 0.225f};

/// What one image gets: softened, cropped, mirrored, turned, RandAugment's operations, normalised, erased.
struct Augmentation {
  bool flip = false;
  float degrees = 0;
  bool soften = false;
  float scale = 1;    ///< of the size between shrinking and growing; only with soften
  int quality = 100;  ///< of the JPEG; only with soften
  std::optional<CropBox> crop = {};
  std::vector<DrawnOp> operations = {};
  std::optional<Erasure> erasure = {};
};

/// Whether the CPU must do it: kernels/augment.h mirrors, turns and normalises.
bool needs_cpu(const Augmentation& augmentation);

/// Validation, prediction: every image gets the same, nothing if not said, and is normalised.
struct EvaluationTransform {
  Augmentation view;
};

struct TrainTransform {
  bool flip = true;             ///< mirror with probability one half
  float rotation_degrees = 10;  ///< turn by a uniform angle in +- this; 0 turns nothing
  bool remove_blur_cue =
      false;  ///< soften and re-encode seen images, which hides what sets CIFAR images apart
  float blur_probability = 0.5f;  ///< of the images that are not extra
  float lowest_scale = 0.4f;      ///< they shrink by a uniform factor in [lowest_scale, 1] and grow back
  int lowest_quality = 50;  ///< and become a JPEG of uniform quality in [lowest_quality, highest_quality]
  int highest_quality = 95;
  std::optional<RandomResizedCrop> crop = {};  ///< before mirroring and turning; none: the whole image
  RandAugment rand_augment = {};               ///< after them
  RandomErasing erasing = {};                  ///< of the normalised image
};

/// Whether the CPU must do what it draws.
bool needs_cpu(const TrainTransform& transform);

/// Anything else: writes the network's input for one image of [size, size, 3] bytes. Called by several
/// threads at once; what it throws comes out of Loader::next().
using CustomTransform = std::function<void(std::span<const std::uint8_t> image, int size, std::int64_t index,
                                           int epoch, std::span<float> to)>;

using Transform = std::variant<EvaluationTransform, TrainTransform, CustomTransform>;

/// Which image is to be augmented, and when.
struct AugmentedImage {
  std::uint64_t seed = 0;
  int epoch = 0;
  std::int64_t index = 0;
  bool is_extra = false;     ///< never softened
  int size = 0;              ///< pixels a side
  std::uint32_t repeat = 0;  ///< how often it came before in this epoch
};

/// Draws from RandomStream(seed, augment, epoch, index), and from a stream of its own for each of crop,
/// RandAugment and erasing. Every number of the first is drawn whether it is used or not. So switching one
/// augmentation on or off leaves the others as they were.
Augmentation draw_augmentation(const TrainTransform& transform, const AugmentedImage& image);

/// Throws Error{"transform", ...} unless probabilities are in 0..1, angles finite, qualities and scales in
/// range.
void check_transform(const TrainTransform& transform);

/// Applies transforms to images of one size; holds scratch memory, so one a thread. The common path (no
/// softening, no crop) does not allocate.
class Augmenter {
 public:
  explicit Augmenter(int image_size);

  /// The random changes on bytes, all but erasing. from, to: [size, size, 3], not overlapping.
  void apply(std::span<const std::uint8_t> from, const Augmentation& augmentation,
             std::span<std::uint8_t> to);

  /// The network's input for one image: apply, normalise, erase. from: [size, size, 3] bytes; to: as many
  /// floats.
  void run(std::span<const std::uint8_t> from, const Augmentation& augmentation, std::span<float> to);

  /// Shrunk, grown and re-encoded: the image's finest detail goes, and JPEG's traces come. The bytes are
  /// valid until the next call.
  std::span<const std::uint8_t> soften(std::span<const std::uint8_t> from, float scale, int quality);

 private:
  int image_size_;
  Image softened_;
  std::vector<std::uint8_t> turned_, changed_;
};

/// to[i] = (from[i] / 255 - mean[c]) / deviation[c], c = i mod 3, with ImageNet's statistics, by a table of 3
/// * 256 floats. The table holds what PyTorch's ToTensor and Normalize give in f32.
void normalise(std::span<const std::uint8_t> from, std::span<float> to);

}  // namespace tern
