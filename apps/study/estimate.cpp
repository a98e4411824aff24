#include "apps/study/estimate.h"

#include <utility>

namespace tern {
namespace {

/// A rate over the images of all folds.
template <typename Rate>
Percent pooled(const std::vector<Measured>& folds, std::int64_t Measured::*images, Rate&& rate_of) {
  double sum = 0, count = 0;
  for (const Measured& fold : folds) {
    const Percent value = rate_of(fold);
    if (!value) continue;
    sum += *value * static_cast<double>(fold.*images);
    count += static_cast<double>(fold.*images);
  }
  return count > 0 ? Percent(sum / count) : std::nullopt;
}

/// The mean of values by shares; none if one with a share is missing.
Percent weighted(const std::vector<std::pair<double, Percent>>& parts) {
  double sum = 0, shares = 0;
  for (const auto& [share, value] : parts) {
    if (share == 0) continue;
    if (!value) return std::nullopt;
    sum += share * *value;
    shares += share;
  }
  return shares > 0 ? Percent(sum / shares) : std::nullopt;
}

}  // namespace

Estimate estimate(const Measured& last, const std::vector<Measured>& folds, const std::vector<Measured>& far,
                  const TestMix& mix) {
  const double trained = last.trained_share;
  const Percent super_seen = weighted({{trained, last.super.seen}, {1 - trained, last.super.near}});
  const Percent sub_seen = weighted({{trained, last.sub.seen}, {1 - trained, 0.0}});
  const Percent super_near =
      pooled(folds, &Measured::near_images, [](const Measured& fold) { return fold.super.near; });
  const Percent sub_near =
      pooled(folds, &Measured::near_images, [](const Measured& fold) { return fold.sub.near; });
  const Percent super_far =
      pooled(far, &Measured::far_images, [](const Measured& fold) { return fold.super.far; });
  const Percent sub_far =
      pooled(far, &Measured::far_images, [](const Measured& fold) { return fold.sub.far; });
  const double s = mix.seen, n = mix.novel_subclass, f = mix.novel_superclass;
  return {{weighted({{s, super_seen}, {n, super_near}, {f, super_far}}),
           weighted({{s, super_seen}, {n, super_near}}), super_far},
          {weighted({{s, sub_seen}, {n, sub_near}, {f, sub_far}}), sub_seen,
           weighted({{n, sub_near}, {f, sub_far}})}};
}

}  // namespace tern
