#include "kernels/common/emulator/launch_order.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "kernels/common/emulator/global_memory.h"

namespace tern::emulator {
namespace {

constexpr std::uint32_t kPurpose = 0x7572u;  // of the random stream
constexpr std::uint64_t kWindow =
    1u << 20;  ///< blocks that change places with one another: bounds what is kept

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

void TurnOrder::for_each_block(const BlockBox& box, const std::function<void(uint3)>& visit) {
  const dim3 extents = box.extents;
  const auto visit_at = [&](unsigned x, unsigned y, unsigned z) {
    visit({box.begin.x + x, box.begin.y + y, box.begin.z + z});
  };
  if (!is_shuffled()) {
    for (unsigned z = 0; z < extents.z; ++z) {
      for (unsigned y = 0; y < extents.y; ++y) {
        for (unsigned x = 0; x < extents.x; ++x) visit_at(x, y, z);
      }
    }
    return;
  }
  const auto blocks = static_cast<std::uint64_t>(box.count());
  std::vector<std::int64_t> numbers;
  for (std::uint64_t begin = 0; begin < blocks; begin += kWindow) {
    numbers.resize(std::min(kWindow, blocks - begin));
    std::iota(numbers.begin(), numbers.end(), static_cast<std::int64_t>(begin));
    random_->shuffle(numbers);
    for (const std::int64_t number : numbers) {
      const auto row = static_cast<std::uint64_t>(number) / extents.x;
      visit_at(static_cast<unsigned>(static_cast<std::uint64_t>(number) % extents.x),
               static_cast<unsigned>(row % extents.y), static_cast<unsigned>(row / extents.y));
    }
  }
}

}  // namespace tern::emulator
