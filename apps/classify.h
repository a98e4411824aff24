// `tern classify --arch resnet50 --weights FILE [--classes FILE] [--logits FILE] IMAGE...`
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "data/image_io.h"
#include "engine/tensor/tensor.h"

namespace tern {

struct ClassifyOptions {
  std::string architecture;       ///< "resnet18" or "resnet50"
  std::filesystem::path weights;  ///< torchvision's names, with the head "fc"; .pth or .safetensors
  std::filesystem::path classes;  ///< a name a line, or CSV with class_index and class; empty: numbers
  std::filesystem::path logits;   ///< if set: a safetensors file with "images" [N,3,224,224] and "logits"
  std::vector<std::filesystem::path> images;
  int top = 5;
};

/// Prints the most probable classes of each image with their probabilities. Throws Error naming the file for
/// an unreadable image, weights that do not fit, or a class file with more names than the weights have
/// classes.
void classify(const ClassifyOptions& options, std::ostream& out);

/// The names by class index; empty where the file has none, and then the number is printed. In a CSV an index
/// may come again with the same name. Throws Error{path, ...} for an empty file, an index that is negative or
/// absurd, or one with two names.
std::vector<std::string> read_class_names(const std::filesystem::path& path);

/// torchvision's evaluation transform for ImageNet: shorter side to 256, centre 224 x 224, normalise.
/// [1, 224, 224, 3].
Tensor imagenet_input(const Image& image);

}  // namespace tern
