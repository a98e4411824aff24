// `tern classify --arch resnet50 --weights FILE [--classes FILE] [--logits FILE] IMAGE...`
#pragma once

#include <cstdint>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "apps/common/console.h"
#include "data/image_io.h"
#include "engine/tensor/tensor.h"

namespace tern {

/// kMinResize is the side of the crop.
inline constexpr int kMinResize = 224, kMaxResize = 4096;

struct ClassifyOptions {
  std::string architecture;       ///< one of resnet_names()
  std::filesystem::path weights;  ///< a classifier's, with names that fit_names() knows; .pth or .safetensors
  std::string key;                ///< of a state dict in the weights; empty: the usual one
  std::filesystem::path classes;  ///< a name a line, or CSV with class_index and class; empty: numbers
  std::filesystem::path logits;   ///< if set: a safetensors file with "images" [N,3,224,224] and "logits"
  std::vector<std::filesystem::path> images;
  int resize = 256;  ///< pixels of the shorter side before the centre is cut out; kMinResize..kMaxResize
  int top = 5;
  ResultForm print = ResultForm::text;
};

/// Prints the most probable classes of each image with their probabilities to `out`, as text image by image, as JSON when
/// all are done, and to `notes` a line that says which state dict was taken and how its tensors were renamed, if
/// there is anything to say. Throws Error naming the file for an unreadable image, weights that do not fit, class
/// names that do not, or --logits that is an input.
void classify(const ClassifyOptions& options, std::ostream& out, std::ostream& notes = std::cerr);

/// The names by class index, as many as the weights have classes. Lines name every class; a CSV may leave
/// some out (empty here, and then the number is printed) and name one again with the same name. Throws
/// Error{path, ...} for more or fewer lines, an index that no class has, or one with two names.
std::vector<std::string> read_class_names(const std::filesystem::path& path, std::int64_t classes);

/// torchvision's evaluation transform for ImageNet: shorter side to `resize` (256 for its V1 weights, 232 for
/// V2), centre 224 x 224, normalise. [1, 224, 224, 3]. EXIF orientation is not applied (data/image_io.h).
Tensor imagenet_input(const Image& image, int resize = 256);

}  // namespace tern
