#include "engine/metrics/hierarchical_distance.h"

#include <algorithm>
#include <string>
#include <utility>

#include "engine/core/check.h"

namespace tern {
namespace {

std::size_t node_index(std::int32_t node) {
  return static_cast<std::size_t>(node);
}

void check_node(std::int32_t node, std::int32_t size) {
  if (node >= 0 && node < size) return;
  throw Error("class tree", "a node in 0.." + std::to_string(size - 1), std::to_string(node));
}

}  // namespace

ClassTree::ClassTree(std::vector<std::int32_t> parents) : parents_(std::move(parents)) {
  const auto roots = std::count(parents_.begin(), parents_.end(), kRoot);
  if (roots != 1) throw Error("class tree", "one node without a parent", std::to_string(roots));
  for (const std::int32_t parent : parents_) {
    if (parent != kRoot) check_node(parent, size());
  }
  constexpr std::int32_t kUnknown = -1;
  depths_.assign(parents_.size(), kUnknown);
  std::vector<std::int32_t> way;  // up to a node of known depth
  for (std::int32_t start = 0; start < size(); ++start) {
    std::int32_t node = start;
    way.clear();
    while (node != kRoot && depths_[node_index(node)] == kUnknown) {
      if (static_cast<std::int32_t>(way.size()) == size()) {
        throw Error("class tree", "a way from node " + std::to_string(start) + " up to the root", "a circle");
      }
      way.push_back(node);
      node = parents_[node_index(node)];
    }
    std::int32_t depth = node == kRoot ? -1 : depths_[node_index(node)];
    for (auto below = way.rbegin(); below != way.rend(); ++below) depths_[node_index(*below)] = ++depth;
  }
}

std::int32_t ClassTree::distance(std::int32_t a, std::int32_t b) const {
  check_node(a, size());
  check_node(b, size());
  std::int32_t edges = 0;
  while (a != b) {
    std::int32_t& deeper = depths_[node_index(a)] >= depths_[node_index(b)] ? a : b;
    deeper = parents_[node_index(deeper)];
    ++edges;
  }
  return edges;
}

ClassTree two_level_tree(std::span<const std::int32_t> group_of_class, std::int32_t group_count) {
  const auto classes = static_cast<std::int32_t>(group_of_class.size());
  const std::int32_t root = classes + std::max(group_count, 0);
  std::vector<std::int32_t> parents(node_index(root) + 1, root);
  for (std::size_t c = 0; c < group_of_class.size(); ++c) {
    const std::int32_t group = group_of_class[c];
    if (group >= 0 && group < group_count) parents[c] = classes + group;
  }
  parents.back() = ClassTree::kRoot;
  return ClassTree(std::move(parents));
}

HierarchicalDistance hierarchical_distance(const ClassTree& tree, std::span<const std::int32_t> truth,
                                           std::span<const std::int32_t> predictions) {
  constexpr const char* kSubject = "hierarchical distance";
  check(!truth.empty(), kSubject, "at least one row", "none");
  if (truth.size() != predictions.size()) {
    throw Error(kSubject, std::to_string(truth.size()) + " predictions", std::to_string(predictions.size()));
  }
  std::vector<std::int64_t> edges(node_index(tree.size()), 0), rows(edges);  // by true node
  std::int64_t all_edges = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const std::int32_t distance = tree.distance(truth[i], predictions[i]);
    edges[node_index(truth[i])] += distance;
    ++rows[node_index(truth[i])];
    all_edges += distance;
  }
  HierarchicalDistance result;
  result.mean = static_cast<double>(all_edges) / static_cast<double>(truth.size());
  double sum = 0, nodes = 0;
  for (std::size_t node = 0; node < rows.size(); ++node) {
    if (rows[node] == 0) continue;
    sum += static_cast<double>(edges[node]) / static_cast<double>(rows[node]);
    ++nodes;
  }
  result.balanced_mean = sum / nodes;
  return result;
}

}  // namespace tern
