#include "data/balanced_sampler.h"

#include <map>
#include <unordered_map>
#include <utility>

namespace tern {
namespace {

std::uint32_t below(RandomStream& random, std::size_t count) {
  return random.below(static_cast<std::uint32_t>(count));
}

}  // namespace

std::vector<std::int64_t> draw_balanced(std::span<const std::int64_t> indices,
                                        std::span<const std::int32_t> labels,
                                        std::optional<std::int32_t> unbalanced, RandomStream& random) {
  std::map<std::int32_t, std::vector<std::int64_t>> by_label;
  for (const std::int64_t index : indices) {
    by_label[labels[static_cast<std::size_t>(index)]].push_back(index);
  }
  std::vector<std::int64_t> apart;
  std::vector<std::vector<std::int64_t>> classes;
  for (auto& [label, images] : by_label) {
    (label == unbalanced ? apart : classes.emplace_back()) = std::move(images);
  }
  std::vector<std::int64_t> order;
  order.reserve(indices.size());
  while (order.size() < indices.size()) {
    const bool is_apart = !apart.empty() && below(random, indices.size()) < apart.size();
    const std::vector<std::int64_t>& from = is_apart ? apart : classes[below(random, classes.size())];
    order.push_back(from[below(random, from.size())]);
  }
  return order;
}

std::vector<std::uint32_t> count_repeats(std::span<const std::int64_t> order) {
  std::unordered_map<std::int64_t, std::uint32_t> seen;
  std::vector<std::uint32_t> repeats;
  repeats.reserve(order.size());
  for (const std::int64_t index : order) repeats.push_back(seen[index]++);
  return repeats;
}

}  // namespace tern
