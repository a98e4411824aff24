// What there is to know of an image file without a model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/image_source.h"
#include "data/perceptual_hash.h"

namespace tern {

struct ImageFacts {
  int width = 0, height = 0;
  std::uint64_t pixels = 0;  ///< a hash: equal for equal pixels, whatever the file's format
  PerceptualHashes look;
  std::string error;  ///< why it cannot be read; then the rest is 0
};

/// Decodes each once, on all threads; `label` names them in the progress. Never throws for an image.
std::vector<ImageFacts> look_at(const ImageSource& source, std::span<const std::string> names,
                                const std::string& label);

}  // namespace tern
