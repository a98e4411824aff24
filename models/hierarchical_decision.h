// One decision over groups of classes and the classes within them, where an image may belong to a novel class
// of a known group, or to a novel group; instead of a cut at each level and a repair where the two disagree.
//
// What classifiers of both levels and novelty scores say of an image becomes a distribution over all nodes of
// the tree, after ProHOC (Wallin, Kahl and Hammarstrand, "ProHOC: Probabilistic Hierarchical
// Out-of-Distribution Classification via Multi-Depth Networks", 2025, arXiv 2503.21397): a node that has
// classes below it holds the mass of what comes to it and stops there.
//
//   P(group g)      = (1 - P(novel group)) softmax(group logits)_g
//   P(novel in g)   = P(group g) P(novel class | g)
//   P(class c of g) = P(group g) (1 - P(novel class | g)) softmax(class logits of g)_c
//
// Columns that are no known group or class have no part in a softmax; a group without known classes has
// P(novel class | g) = 1. Nodes come in the order of two_level_tree() of
// engine/metrics/hierarchical_distance.h: classes, groups (which stand for a novel class in them), novel
// group.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/novelty_rows.h"

namespace tern {

/// [n, C]: what a classifier says of classes, and which group each is in.
struct GroupedClasses {
  Rows logits;         ///< [n, C], or log-probabilities: what is added to a whole row does not matter
  KnownColumns known;  ///< [C]
  std::span<const std::int32_t> group_of_class;  ///< [C]; of a known class 0 .. group_count - 1
  std::int32_t group_count = 0;
};

struct HierarchicalInputs {
  Rows group_logits;                    ///< [n, G]
  KnownColumns known_groups;            ///< [G]
  GroupedClasses classes;               ///< of G groups
  std::span<const double> novel_group;  ///< [n], P(novel group)
  std::span<const double> novel_class;  ///< [n], P(novel class | known group); or [n, G], by group
};

struct NodeDistribution {
  std::int32_t class_count = 0, group_count = 0;
  std::vector<std::uint8_t> known_nodes;  ///< [C + G + 1]: 0 for what is never an answer
  std::vector<std::int32_t> group_of_class;
  std::vector<double> probabilities;  ///< [n, C + G + 1], each row of sum 1

  std::int32_t nodes() const { return class_count + group_count + 1; }
  std::int64_t count() const { return static_cast<std::int64_t>(probabilities.size()) / nodes(); }
  std::span<const double> row(std::int64_t i) const {
    return std::span(probabilities)
        .subspan(static_cast<std::size_t>(i * nodes()), static_cast<std::size_t>(nodes()));
  }
};

/// Throws Error{"hierarchical decision", ...} if sizes disagree, a logit is not finite, a probability is not
/// in 0 .. 1, no group or class is known, or a known class is in no known group.
NodeDistribution node_distribution(const HierarchicalInputs& inputs);

enum class NodeRule {
  /// The largest sum of P(group is right) and P(class is right), "novel" being the right class of both kinds
  /// of novel images and the right group of one: P(g) + P(c) for a class, P(g) + P(novel class) for a novel
  /// class in g, P(novel group) + P(novel class) for a novel group, where P(novel class) is what no class
  /// holds.
  expected_accuracy,
  /// The least expected distance in edges, as ProHOC answers: the lowest node that has over half of all mass
  /// at or below it.
  expected_distance,
};

struct HierarchicalAnswers {
  static constexpr std::int32_t kNovel = -1;

  std::vector<std::int32_t> nodes;            ///< by image
  std::vector<std::int32_t> groups, classes;  ///< the same as an answer at each level, or kNovel
  /// Of each level's answer, by image: the probability that it is right.
  std::vector<double> group_accuracy, class_accuracy;
};

/// By image; of equals the first node.
HierarchicalAnswers decide(const NodeDistribution& distribution, NodeRule rule = NodeRule::expected_accuracy);

// ProHOC's own stand-ins for calibrated novelty, which need no novel image to fit. Entropies are in nats.
// Both throw as node_distribution does.

/// [n, G]: P(novel class | g) = H_g / (S_g + H_g), where S_g is the softmax of the class logits summed over
/// g, and H_g the entropy of the softmax within g ("EntCompProb"). 1 for a group without known classes.
std::vector<double> entropy_of_groups(const GroupedClasses& classes);

/// [n]: P(novel group) = beta H / (1 + beta H), where H is the entropy of the softmax of the class logits.
/// (The authors' code takes H after it has overwritten that softmax with the probabilities given the group,
/// which do not sum to 1.)
std::vector<double> entropy_of_root(const GroupedClasses& classes, double beta = 1);

}  // namespace tern
