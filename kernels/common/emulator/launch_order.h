// In which order blocks and threads take turns: global_memory.h's set_order_seed. For the emulator alone.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "engine/core/random.h"
#include "kernels/common/emulator/block_box.h"

namespace tern::emulator {

/// Of one launch.
class TurnOrder {
 public:
  /// The next launch's, by the seed.
  static TurnOrder next();

  bool is_shuffled() const { return random_.has_value(); }
  /// Any of `count` threads; only if shuffled.
  unsigned any_of(unsigned count) { return random_->below(count); }
  void for_each_block(const BlockBox& box, const std::function<void(uint3)>& visit);

 private:
  std::optional<RandomStream> random_;
};

}  // namespace tern::emulator
