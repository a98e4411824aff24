#include "apps/measure/answer_groups.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <tuple>

namespace tern {
namespace {

/// `less` for images: the more novel first, then by number.
auto more_novel(const Predictions& predictions) {
  return [&predictions](std::int64_t a, std::int64_t b) {
    const double of_a = predictions.novelty(a), of_b = predictions.novelty(b);
    return of_a != of_b ? of_a > of_b : a < b;
  };
}

AnswerGroup group_of(const ClassTable& classes, std::int32_t superclass, std::int32_t subclass) {
  if (superclass == classes.novel_superclass()) {
    return {AnswerGroup::Kind::novel_superclass, superclass, classes.novel_subclass(), {}};
  }
  if (subclass == classes.novel_subclass())
    return {AnswerGroup::Kind::novel_subclass, superclass, subclass, {}};
  return {
      AnswerGroup::Kind::known, classes.subclass_to_super[static_cast<std::size_t>(subclass)], subclass, {}};
}

/// How many each of `counts` gets of `total`: the same, and what one has not, the others get.
std::vector<std::size_t> even_shares(const std::vector<std::size_t>& counts, std::size_t total) {
  std::vector<std::size_t> order(counts.size()), shares(counts.size(), 0);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return counts[a] < counts[b]; });
  for (std::size_t i = 0; i < order.size(); ++i) {
    shares[order[i]] = std::min(counts[order[i]], total / (order.size() - i));
    total -= shares[order[i]];
  }
  return shares;
}

}  // namespace

std::vector<AnswerGroup> answer_groups(const ClassTable& classes, const Predictions& predictions) {
  const std::vector<std::int32_t>&supers = predictions.answers.super.classes,
        &subs = predictions.answers.sub.classes;
  std::vector<AnswerGroup> groups;
  const auto key = [](const AnswerGroup& group) {
    return std::tuple(group.kind, group.superclass, group.subclass);
  };
  for (std::size_t i = 0; i < supers.size(); ++i) {
    const AnswerGroup wanted = group_of(classes, supers[i], subs[i]);
    auto found =
        std::lower_bound(groups.begin(), groups.end(), wanted,
                         [&](const AnswerGroup& a, const AnswerGroup& b) { return key(a) < key(b); });
    if (found == groups.end() || key(*found) != key(wanted)) found = groups.insert(found, wanted);
    found->images.push_back(static_cast<std::int64_t>(i));
  }
  for (AnswerGroup& group : groups)
    std::sort(group.images.begin(), group.images.end(), more_novel(predictions));
  return groups;
}

std::vector<std::int64_t> choose_shown(const std::vector<AnswerGroup>& groups, const Predictions& predictions,
                                       std::size_t limit) {
  std::vector<std::int64_t> all;
  for (const AnswerGroup& group : groups) all.insert(all.end(), group.images.begin(), group.images.end());
  std::set<std::int64_t> shown(all.begin(), all.end());
  if (all.size() > limit) {
    const auto half = all.begin() + static_cast<std::ptrdiff_t>(limit / 2);
    std::partial_sort(all.begin(), half, all.end(), more_novel(predictions));
    shown = {all.begin(), half};
    std::vector<std::vector<std::int64_t>> rest;
    std::vector<std::size_t> counts;
    for (const AnswerGroup& group : groups) {
      rest.emplace_back();
      for (const std::int64_t image : group.images) {
        if (!shown.contains(image)) rest.back().push_back(image);
      }
      counts.push_back(rest.back().size());
    }
    const std::vector<std::size_t> shares = even_shares(counts, limit - limit / 2);
    for (std::size_t g = 0; g < rest.size(); ++g) {
      for (std::size_t k = 0; k < shares[g]; ++k) shown.insert(rest[g][k * counts[g] / shares[g]]);
    }
  }
  return {shown.begin(), shown.end()};
}

}  // namespace tern
