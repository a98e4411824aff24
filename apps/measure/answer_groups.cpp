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
  const AnswerKind kind = kind_of(classes, superclass, subclass);
  if (kind == AnswerKind::known)
    return {kind, classes.subclass_to_super[static_cast<std::size_t>(subclass)], subclass, {}};
  return {kind, classes.has_one_level() ? 0 : superclass, classes.novel_subclass(), {}};
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

AnswerKind kind_of(const ClassTable& classes, std::int32_t superclass, std::int32_t subclass) {
  const bool one_level = classes.has_one_level();
  if (superclass == classes.novel_superclass())
    return one_level ? AnswerKind::novel_subclass : AnswerKind::novel_superclass;
  return subclass == classes.novel_subclass() ? AnswerKind::novel_subclass : AnswerKind::known;
}

std::vector<KindCount> count_kinds(const ClassTable& classes, const ByLevel<Answers>& answers) {
  using Kind = AnswerKind;
  std::vector<KindCount> counts{{Kind::known, "known", "of a known class", 0}};
  if (classes.has_one_level()) {
    counts.push_back({Kind::novel_subclass, "novel_class", "of a novel class", 0});
  } else {
    counts.push_back(
        {Kind::novel_subclass, "novel_subclass", "of a novel subclass of a known superclass", 0});
    counts.push_back({Kind::novel_superclass, "novel_superclass", "of a novel superclass", 0});
  }
  for (std::size_t i = 0; i < answers.super.classes.size(); ++i) {
    const Kind kind = kind_of(classes, answers.super.classes[i], answers.sub.classes[i]);
    for (KindCount& count : counts) count.images += count.kind == kind;
  }
  return counts;
}

std::int32_t only_class(const ClassTable& classes, std::int32_t superclass, std::int32_t subclass) {
  return superclass == classes.novel_superclass() ? classes.novel_subclass() : subclass;
}

bool is_right(const Dataset& images, const ByLevel<Answers>& answers, std::size_t image) {
  const std::int32_t super = answers.super.classes[image], sub = answers.sub.classes[image];
  if (images.classes.has_one_level()) {
    return only_class(images.classes, super, sub) ==
           only_class(images.classes, images.superclasses[image], images.subclasses[image]);
  }
  return images.superclasses[image] == super && images.subclasses[image] == sub;
}

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
