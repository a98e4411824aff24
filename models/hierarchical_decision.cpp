#include "models/hierarchical_decision.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "engine/core/check.h"

namespace tern {
namespace {

constexpr const char* kDecision = "hierarchical decision";
constexpr std::int32_t kNoGroup = -1;

std::size_t to_index(std::int64_t index) {
  return static_cast<std::size_t>(index);
}

void check_size(const char* what, std::size_t wanted, std::size_t got) {
  if (wanted != got) throw Error(kDecision, std::to_string(wanted) + " " + what, std::to_string(got));
}

/// The group of each class, kNoGroup of those that are not known.
std::vector<std::int32_t> check_classes(const GroupedClasses& classes) {
  check_rows(kDecision, "class logits", classes.logits);
  check_known(kDecision, classes.logits, classes.known);
  check_size("groups of classes", to_index(classes.logits.columns), classes.group_of_class.size());
  std::vector<std::int32_t> groups(classes.group_of_class.size(), kNoGroup);
  for (std::size_t c = 0; c < groups.size(); ++c) {
    if (!is_known(classes.known, static_cast<std::int64_t>(c))) continue;
    groups[c] = classes.group_of_class[c];
    if (groups[c] >= 0 && groups[c] < classes.group_count) continue;
    throw Error(
        kDecision,
        "class " + std::to_string(c) + " in one of " + std::to_string(classes.group_count) + " groups",
        std::to_string(groups[c]));
  }
  return groups;
}

void check_probabilities(const char* what, std::span<const double> values) {
  for (const double value : values) {
    if (value >= 0 && value <= 1) continue;
    throw Error(kDecision, std::string("probabilities of a novel ") + what, std::to_string(value));
  }
}

/// Softmax of a row over the columns of one group at a time; 0 in columns of no group.
struct GroupedSoftmax {
  std::vector<double> within;    ///< by column
  std::vector<double> log_mass;  ///< by group: log sum exp of its columns, -infinity of a group without any

  GroupedSoftmax(std::span<const float> row, const std::vector<std::int32_t>& group_of_column,
                 std::int32_t group_count)
      : within(row.size(), 0.0), log_mass(to_index(group_count), -std::numeric_limits<double>::infinity()) {
    const auto for_columns = [&](const auto& visit) {
      for (std::size_t c = 0; c < row.size(); ++c) {
        if (group_of_column[c] != kNoGroup) visit(c, to_index(group_of_column[c]));
      }
    };
    std::vector<double> largest = log_mass, sum(log_mass.size(), 0.0);
    for_columns([&](std::size_t c, std::size_t g) { largest[g] = std::max(largest[g], double{row[c]}); });
    for_columns([&](std::size_t c, std::size_t g) { sum[g] += within[c] = std::exp(row[c] - largest[g]); });
    for_columns([&](std::size_t c, std::size_t g) { within[c] /= sum[g]; });
    for (std::size_t g = 0; g < sum.size(); ++g) {
      if (sum[g] > 0) log_mass[g] = largest[g] + std::log(sum[g]);
    }
  }
};

double log_sum_exp(const std::vector<double>& values) {
  const double largest = *std::max_element(values.begin(), values.end());
  double sum = 0;
  for (const double value : values) sum += std::exp(value - largest);
  return largest + std::log(sum);
}

/// 0 where both are 0.
double share_of(double part, double rest) {
  return part > 0 ? part / (part + rest) : 0;
}

/// By group, the entropy of its columns' softmax.
std::vector<double> entropies(const GroupedSoftmax& softmax,
                              const std::vector<std::int32_t>& group_of_column) {
  std::vector<double> sums(softmax.log_mass.size(), 0.0);
  for (std::size_t c = 0; c < softmax.within.size(); ++c) {
    const double p = softmax.within[c];
    if (p > 0) sums[to_index(group_of_column[c])] -= p * std::log(p);
  }
  return sums;
}

/// Fills in all of `result` but the probabilities. Returns, by group, 0 or kNoGroup for those that are not
/// known: the groups below the root.
std::vector<std::int32_t> check_inputs(const HierarchicalInputs& inputs, NodeDistribution& result) {
  const GroupedClasses& classes = inputs.classes;
  result.group_of_class = check_classes(classes);
  result.class_count = static_cast<std::int32_t>(classes.logits.columns);
  result.group_count = classes.group_count;
  check_rows(kDecision, "group logits", inputs.group_logits);
  check_known(kDecision, inputs.group_logits, inputs.known_groups);
  const std::size_t count = to_index(classes.logits.count()), groups = to_index(inputs.group_logits.columns);
  check_size("columns of group logits", to_index(classes.group_count), groups);
  check_size("rows of group logits", count, to_index(inputs.group_logits.count()));
  check_size("probabilities of a novel group", count, inputs.novel_group.size());
  if (inputs.novel_class.size() != count) {
    check_size("probabilities of a novel class", count * groups, inputs.novel_class.size());
  }
  check_probabilities("group", inputs.novel_group);
  check_probabilities("class", inputs.novel_class);
  for (std::size_t c = 0; c < result.group_of_class.size(); ++c) {
    const std::int32_t group = result.group_of_class[c];
    result.known_nodes.push_back(group != kNoGroup);
    if (group == kNoGroup || is_known(inputs.known_groups, group)) continue;
    throw Error(kDecision, "class " + std::to_string(c) + " in a known group", std::to_string(group));
  }
  std::vector<std::int32_t> known_groups;
  for (std::int64_t g = 0; g < result.group_count; ++g) {
    result.known_nodes.push_back(is_known(inputs.known_groups, g));
    known_groups.push_back(is_known(inputs.known_groups, g) ? 0 : kNoGroup);
  }
  result.known_nodes.push_back(1);
  return known_groups;
}

}  // namespace

NodeDistribution node_distribution(const HierarchicalInputs& inputs) {
  const GroupedClasses& classes = inputs.classes;
  NodeDistribution result;
  const std::vector<std::int32_t> known_groups = check_inputs(inputs, result);
  const std::size_t groups = known_groups.size();
  const std::int64_t count = classes.logits.count();
  const bool by_group = inputs.novel_class.size() != to_index(count);
  result.probabilities.reserve(to_index(count * result.nodes()));
  for (std::int64_t i = 0; i < count; ++i) {
    const GroupedSoftmax of_groups(inputs.group_logits.row(i), known_groups, 1);
    const GroupedSoftmax of_classes(classes.logits.row(i), result.group_of_class, result.group_count);
    const double novel_group = inputs.novel_group[to_index(i)];
    std::vector<double> passes(groups), stops(groups);
    for (std::size_t g = 0; g < groups; ++g) {
      const double mass = (1 - novel_group) * of_groups.within[g];
      const bool has_classes = std::isfinite(of_classes.log_mass[g]);
      const double novel_class =
          has_classes ? inputs.novel_class[by_group ? to_index(i) * groups + g : to_index(i)] : 1;
      stops[g] = mass * novel_class;
      passes[g] = mass * (1 - novel_class);
    }
    for (std::size_t c = 0; c < result.group_of_class.size(); ++c) {
      const std::int32_t group = result.group_of_class[c];
      result.probabilities.push_back(group == kNoGroup ? 0 : passes[to_index(group)] * of_classes.within[c]);
    }
    result.probabilities.insert(result.probabilities.end(), stops.begin(), stops.end());
    result.probabilities.push_back(novel_group);
  }
  return result;
}

HierarchicalAnswers decide(const NodeDistribution& distribution, NodeRule rule) {
  const std::size_t classes = to_index(distribution.class_count), groups = to_index(distribution.group_count);
  const std::size_t root = classes + groups;
  HierarchicalAnswers answers;
  for (std::int64_t i = 0; i < distribution.count(); ++i) {
    const std::span<const double> p = distribution.row(i);
    std::vector<double> below(p.begin() + static_cast<std::ptrdiff_t>(classes),
                              p.end());  // by group: at it or below
    double novel_class = p[root];
    for (std::size_t g = 0; g < groups; ++g) novel_class += p[classes + g];
    for (std::size_t c = 0; c < classes; ++c) {
      if (distribution.known_nodes[c]) below[to_index(distribution.group_of_class[c])] += p[c];
    }
    const auto group_of = [&](std::size_t node) {
      return node < classes ? to_index(distribution.group_of_class[node]) : node - classes;
    };
    const auto group_accuracy = [&](std::size_t node) {
      return node == root ? p[root] : below[group_of(node)];
    };
    const auto class_accuracy = [&](std::size_t node) { return node < classes ? p[node] : novel_class; };
    // Each edge down from the root is one nearer to what is below it, one farther from everything else.
    const auto nearness = [&](std::size_t node) {
      const double of_group = node == root ? 0 : 2 * below[group_of(node)] - 1;
      return of_group + (node < classes ? 2 * p[node] - 1 : 0);
    };
    std::size_t best = root;
    double best_value = -std::numeric_limits<double>::infinity();
    for (std::size_t node = 0; node <= root; ++node) {
      if (!distribution.known_nodes[node]) continue;
      const double value =
          rule == NodeRule::expected_accuracy ? group_accuracy(node) + class_accuracy(node) : nearness(node);
      if (value > best_value) best = node, best_value = value;
    }
    answers.nodes.push_back(static_cast<std::int32_t>(best));
    answers.groups.push_back(best == root ? HierarchicalAnswers::kNovel
                                          : static_cast<std::int32_t>(group_of(best)));
    answers.classes.push_back(best < classes ? static_cast<std::int32_t>(best) : HierarchicalAnswers::kNovel);
    answers.group_accuracy.push_back(group_accuracy(best));
    answers.class_accuracy.push_back(class_accuracy(best));
  }
  return answers;
}

std::vector<double> entropy_of_groups(const GroupedClasses& classes) {
  const std::vector<std::int32_t> groups = check_classes(classes);
  std::vector<double> values;
  for (std::int64_t i = 0; i < classes.logits.count(); ++i) {
    const GroupedSoftmax softmax(classes.logits.row(i), groups, classes.group_count);
    const std::vector<double> entropy = entropies(softmax, groups);
    const double log_all = log_sum_exp(softmax.log_mass);
    for (std::size_t g = 0; g < entropy.size(); ++g) {
      const bool is_empty = std::isinf(softmax.log_mass[g]);
      values.push_back(is_empty ? 1 : share_of(entropy[g], std::exp(softmax.log_mass[g] - log_all)));
    }
  }
  return values;
}

std::vector<double> entropy_of_root(const GroupedClasses& classes, double beta) {
  if (!(beta >= 0 && std::isfinite(beta))) throw Error(kDecision, "beta of at least 0", std::to_string(beta));
  std::vector<std::int32_t> one_group = check_classes(classes);
  for (std::int32_t& group : one_group) group = group == kNoGroup ? kNoGroup : 0;
  std::vector<double> values;
  for (std::int64_t i = 0; i < classes.logits.count(); ++i) {
    const GroupedSoftmax softmax(classes.logits.row(i), one_group, 1);
    values.push_back(share_of(beta * entropies(softmax, one_group)[0], 1));
  }
  return values;
}

}  // namespace tern
