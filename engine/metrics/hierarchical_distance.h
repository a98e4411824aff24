// How far wrong answers are from the truth where classes are nodes of a tree: leaves are known classes, and
// an inner node is the right answer for what belongs there and to no class below it.
//
//   distance(a, b)                       edges on the way from a to b, through their lowest common ancestor
//   mean hierarchical distance           over rows, of distance(truth, prediction)
//   balanced mean hierarchical distance  the mean over the nodes that are the truth of some row, of the mean
//                                        over that node's rows
//
// The last is ProHOC's (Wallin, Kahl and Hammarstrand, "ProHOC: Probabilistic Hierarchical
// Out-of-Distribution Classification via Multi-Depth Networks", 2025, arXiv 2503.21397), which takes it over
// rows of known classes and over novel ones apart.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tern {

class ClassTree {
 public:
  static constexpr std::int32_t kRoot = -1;

  /// parents: by node, the index of its parent, or kRoot for the one node that has none. Throws
  /// Error{"class tree", ...} if there is not exactly one such node, a parent is no node, or a way up never
  /// ends.
  explicit ClassTree(std::vector<std::int32_t> parents);

  std::int32_t size() const { return static_cast<std::int32_t>(parents_.size()); }
  /// Edges; O(depth). Throws Error{"class tree", ...} if one of them is no node.
  std::int32_t distance(std::int32_t a, std::int32_t b) const;

 private:
  std::vector<std::int32_t> parents_, depths_;
};

/// Classes in groups under a root. Nodes in this order: class c at c, group g at classes + g, the root last.
/// A class whose group is not in 0 .. group_count - 1 hangs on the root.
ClassTree two_level_tree(std::span<const std::int32_t> group_of_class, std::int32_t group_count);

struct HierarchicalDistance {
  double mean = 0, balanced_mean = 0;  ///< in edges; 0 where all is right
};
/// truth, predictions: nodes, by row. Throws Error{"hierarchical distance", ...} if there is no row or the
/// lengths differ; and what ClassTree::distance throws.
HierarchicalDistance hierarchical_distance(const ClassTree& tree, std::span<const std::int32_t> truth,
                                           std::span<const std::int32_t> predictions);

}  // namespace tern
