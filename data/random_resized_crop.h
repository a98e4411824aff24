// A random part of the image, as large as the image again: torchvision.transforms.RandomResizedCrop.
#pragma once

#include "data/image_ops.h"
#include "engine/core/random.h"

namespace tern {

/// torchvision's defaults; its ratio of width to height is log-uniform in [3/4, 4/3].
struct RandomResizedCrop {
  float lowest_scale = 0.08f;  ///< the part's area is uniform in [lowest_scale, highest_scale] of the image's
  float highest_scale = 1;
};

struct CropBox {
  int top = 0, left = 0, height = 0, width = 0;
};

/// The part of an image of size x size pixels, by the numbers that come next in `random`; after ten parts that
/// would not lie inside the whole image.
CropBox draw_crop(const RandomResizedCrop& crop, int size, RandomStream& random);

/// to = that part, resized as by Pillow (data/resize.h); both [size, size, 3], not overlapping.
void resize_crop(ConstPixels from, int size, const CropBox& box, Pixels to);

}  // namespace tern
