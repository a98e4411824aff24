#include "kernels/common/emulator/launch_order.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "kernels/common/emulator/global_memory.h"

namespace tern::emulator {
namespace {

constexpr std::uint32_t kPurpose = 0x7572u;    // of the random stream
constexpr std::uint64_t kWindow = 1u << 20;  ///< blocks that change places with one another: bounds what is kept

std::uint64_t order_seed = 0;
std::uint32_t launches_since = 0;

}  // namespace

void set_order_seed(std::uint64_t seed) {
  order_seed = seed;
  launches_since = 0;
}

TurnOrder TurnOrder::next() {
  TurnOrder order;
  if (order_seed != 0) order.random_.emplace(order_seed, kPurpose, launches_since++);
  return order;
}

void TurnOrder::for_each_block(dim3 grid, const std::function<void(uint3)>& visit) {
  if (!is_shuffled()) {
    for (unsigned z = 0; z < grid.z; ++z) {
      for (unsigned y = 0; y < grid.y; ++y) {
        for (unsigned x = 0; x < grid.x; ++x) visit({x, y, z});
      }
    }
    return;
  }
  const std::uint64_t blocks = std::uint64_t{grid.x} * grid.y * grid.z;
  std::vector<std::int64_t> numbers;
  for (std::uint64_t begin = 0; begin < blocks; begin += kWindow) {
    numbers.resize(std::min(kWindow, blocks - begin));
    std::iota(numbers.begin(), numbers.end(), static_cast<std::int64_t>(begin));
    random_->shuffle(numbers);
    for (const std::int64_t number : numbers) {
      const auto row = static_cast<std::uint64_t>(number) / grid.x;
      visit({static_cast<unsigned>(static_cast<std::uint64_t>(number) % grid.x),
             static_cast<unsigned>(row % grid.y), static_cast<unsigned>(row / grid.y)});
    }
  }
}

}  // namespace tern::emulator
