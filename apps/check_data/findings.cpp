#include "apps/check_data/findings.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace tern {
namespace {

std::vector<ClassCount> count_classes(const CheckedImages& images) {
  std::vector<ClassCount> counts;
  for (std::int32_t subclass = 0; subclass < images.classes.subclass_count(); ++subclass)
    counts.push_back({images.classes.subclass_to_super[static_cast<std::size_t>(subclass)], subclass, 0});
  for (const std::int32_t subclass : images.subclasses) ++counts[static_cast<std::size_t>(subclass)].images;
  if (counts.back().images == 0) counts.pop_back();  // no images of the novel class: nothing odd
  const std::int32_t none = images.classes.novel_superclass();
  for (ClassCount& count : counts) {
    if (count.superclass < 0) count.superclass = none;  // of a class without images nobody knows
  }
  std::stable_sort(counts.begin(), counts.end(), [](const ClassCount& a, const ClassCount& b) {
    return std::tuple(a.superclass, -a.images) < std::tuple(b.superclass, -b.images);
  });
  return counts;
}

Alike describe(std::vector<std::int64_t> group, const CheckedImages& images) {
  const PerceptualHash& first = images.facts[static_cast<std::size_t>(group.front())].look.as_is;
  std::vector<bool> is_mirrored;
  std::set<std::uint64_t> pixels;
  std::set<std::int32_t> classes;
  for (const std::int64_t index : group) {
    const auto at = static_cast<std::size_t>(index);
    const PerceptualHashes& look = images.facts[at].look;
    is_mirrored.push_back(distance(look.mirrored, first) < distance(look.as_is, first));
    pixels.insert(images.facts[at].pixels);
    if (images.is_labelled(index)) classes.insert(images.subclasses[at]);
  }
  const bool in_both = images.is_labelled(group.front()) && !images.is_labelled(group.back());
  const bool mirrored = std::find(is_mirrored.begin(), is_mirrored.end(), true) != is_mirrored.end();
  return {std::move(group), std::move(is_mirrored), pixels.size() == 1, classes.size() > 1, in_both,
          mirrored};
}

std::vector<Alike> find_alike(const CheckedImages& images) {
  std::vector<std::int64_t> readable;
  std::vector<PerceptualHash> looks, mirrored;
  for (std::int64_t i = 0; i < images.count(); ++i) {
    const ImageFacts& facts = images.facts[static_cast<std::size_t>(i)];
    if (!facts.error.empty()) continue;
    readable.push_back(i);
    looks.push_back(facts.look.as_is);
    mirrored.push_back(facts.look.mirrored);
  }
  std::vector<Alike> alike;
  for (std::vector<std::int64_t>& group : near_duplicates(looks, mirrored)) {
    for (std::int64_t& index : group) index = readable[static_cast<std::size_t>(index)];
    alike.push_back(describe(std::move(group), images));
  }
  std::stable_sort(alike.begin(), alike.end(), [](const Alike& a, const Alike& b) {
    return std::tuple(!a.several_classes, !a.in_both) < std::tuple(!b.several_classes, !b.in_both);
  });
  return alike;
}

}  // namespace

std::int64_t Findings::count_alike(bool Alike::*kind) const {
  return std::count_if(alike.begin(), alike.end(), [kind](const Alike& group) { return group.*kind; });
}

std::int64_t Findings::count_alike_labelled(const CheckedImages& images, bool mirrored) const {
  std::int64_t count = 0;
  for (const Alike& group : alike) {
    std::int64_t labelled = 0, flipped = 0;
    for (std::size_t i = 0; i < group.images.size(); ++i) {
      if (!images.is_labelled(group.images[i])) continue;
      ++labelled;
      flipped += group.is_mirrored[i];
    }
    count += labelled > 1 && (!mirrored || flipped > 0);
  }
  return count;
}

std::int64_t Findings::count_leaks(const CheckedImages& images, bool mirrored) const {
  std::int64_t count = 0;
  for (const Alike& group : alike) {
    if (!group.in_both) continue;
    for (std::size_t i = 0; i < group.images.size(); ++i)
      count += !images.is_labelled(group.images[i]) && (!mirrored || group.is_mirrored[i]);
  }
  return count;
}

Findings findings_of(const CheckedImages& images) {
  Findings findings;
  findings.classes = count_classes(images);
  for (std::int64_t i = 0; i < images.count(); ++i) {
    const ImageFacts& facts = images.facts[static_cast<std::size_t>(i)];
    if (!facts.error.empty()) {
      findings.unreadable.push_back(i);
      continue;
    }
    findings.widths.push_back(facts.width);
    findings.heights.push_back(facts.height);
  }
  std::sort(findings.widths.begin(), findings.widths.end());
  std::sort(findings.heights.begin(), findings.heights.end());
  findings.alike = find_alike(images);
  return findings;
}

}  // namespace tern
