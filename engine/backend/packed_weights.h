// What a device keeps of a convolution's weights from one call to the next.
#pragma once

#include <any>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/tensor/tensor.h"

namespace tern {

/// Weights in the layouts that a device's kernels want, each made by the first call that wants it. Belongs to whoever owns the
/// weights, who clears it when they change. Several threads may use one.
class PackedWeights {
 public:
  /// The weights in `layout`, which can be copied and compared; make() gives them the first time.
  template <typename Layout, typename Make>
  Tensor in(const Layout& layout, const Make& make) {
    const std::scoped_lock lock(mutex_);
    for (const auto& [kept, weights] : layouts_) {
      const auto* const same_kind = std::any_cast<Layout>(&kept);
      if (same_kind != nullptr && *same_kind == layout) return weights;
    }
    return layouts_.emplace_back(layout, make()).second;
  }

  void clear() {
    const std::scoped_lock lock(mutex_);
    layouts_.clear();
  }

 private:
  std::mutex mutex_;
  std::vector<std::pair<std::any, Tensor>> layouts_;
};

}  // namespace tern
