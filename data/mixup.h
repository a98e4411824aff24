// Batches of mixed images, as timm's Mixup does with its defaults: one draw for a batch, image i mixed with image
// n - 1 - i of n.
//
//   mixup   share of image i + (1 - share) of the other (Zhang et al., "mixup: Beyond Empirical Risk Minimization",
//           2017)
//   cutmix  image i with a rectangle of the other in it; share is the part of image i that is left (Yun et al.,
//           "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features", 2019)
//
// share is Beta(alpha, alpha); with both alphas one of the two is drawn for each batch, each as likely.
#pragma once

#include <cstdint>
#include <span>

#include "engine/core/random.h"

namespace tern {

struct Mixup {
  float mixup_alpha = 0;   ///< 0: no mixup
  float cutmix_alpha = 0;  ///< 0: no cutmix

  bool on() const { return mixup_alpha > 0 || cutmix_alpha > 0; }
};

struct DrawnMix {
  float share = 1;
  bool cut = false;                              ///< cutmix
  int top = 0, bottom = 0, left = 0, right = 0;  ///< its rectangle, [top, bottom) x [left, right)
};

/// For a batch of images of size x size pixels; one alpha at least is above 0. A rectangle that reaches over the
/// border is cut off there, and share is that of what remains.
DrawnMix draw_mix(const Mixup& mixup, int size, RandomStream& random);

/// values: [rows, the rest]. Each row becomes share of itself and 1 - share of its partner; a row in the middle,
/// its own partner, stays.
void blend_rows(std::span<float> values, std::int64_t rows, float share);

/// images: [count, size, size, 3].
void mix_images(std::span<float> images, std::int64_t count, int size, const DrawnMix& mix);

}  // namespace tern
