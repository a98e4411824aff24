// The answers for the images of a folder or zip, however many they are: part by part, so that memory holds the pixels of one
// part, and what the models say of it. Of each image some hundred bytes stay: its answers.
#pragma once

#include <cstdint>

#include "apps/measure/predictions.h"
#include "data/image_source.h"

namespace tern {

/// About so much memory a part takes.
inline constexpr std::int64_t kPartBytes = std::int64_t{256} << 20;

/// `images`: those of `source` to answer for, whose pixels are not needed; their details only if asked for. Decodes and scores
/// them with progress as "predict", in whole batches, so that the answers are the same for any `part_bytes`. With a memo
/// (ensemble.h) all images are one part. `ranks`: those that the models share the images among, each of which decodes what its
/// models look at. Throws Error naming the first image that cannot be read.
Predictions answer_images(Predictor& predictor, const ImageSource& source, const Dataset& images,
                          bool with_details, std::int64_t part_bytes = kPartBytes,
                          Communicator* ranks = nullptr);

}  // namespace tern
