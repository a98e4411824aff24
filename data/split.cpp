#include "data/split.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <numeric>
#include <set>
#include <string>

#include "data/numpy_random.h"
#include "data/random_purpose.h"
#include "engine/core/check.h"
#include "engine/core/random.h"

namespace tern {
namespace {

void check_fraction(const char* key, double fraction) {
  if (!(fraction > 0 && fraction < 1)) throw Error(key, "over 0 and under 1", std::to_string(fraction));
}

void check_request(const Dataset& dataset, const SplitOptions& options) {
  const auto count = static_cast<std::size_t>(dataset.count());
  if (count == 0) throw Error("split", "at least one image", "an empty data set");
  if (dataset.superclasses.size() != count || dataset.subclasses.size() != count ||
      dataset.is_extra.size() != count) {
    throw Error("split", "labels for all " + std::to_string(count) + " images",
                std::to_string(dataset.subclasses.size()));
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t superclass = dataset.superclasses[i], subclass = dataset.subclasses[i];
    if (superclass < 0 || superclass >= dataset.classes.superclass_count() || subclass < 0 ||
        subclass >= dataset.classes.subclass_count()) {
      throw Error("split", "labels within the class table",
                  "superclass " + std::to_string(superclass) + ", subclass " + std::to_string(subclass) +
                      " of " + dataset.names[i]);
    }
  }
  check_fraction("validation_fraction", options.validation_fraction);
  if (options.hold_out) check_fraction("hold_out_fraction", options.hold_out_fraction);
  const std::int64_t folds = options.hold_out_folds, fold = options.hold_out_fold;
  if (folds != 0 && (folds < 2 || fold < 1 || fold > folds)) {
    throw Error("hold_out_fold", "one of 1 to hold_out_folds, which is 2 or more",
                std::to_string(fold) + " of " + std::to_string(folds));
  }
}

// All images but those set aside, ascending.
std::vector<std::int64_t> usable_rows(const Dataset& dataset, const SplitOptions& options) {
  const std::set<std::int64_t> aside(options.set_aside.begin(), options.set_aside.end());
  std::vector<std::int64_t> rows;
  for (std::int64_t row = 0; row < dataset.count(); ++row) {
    if (!aside.contains(row)) rows.push_back(row);
  }
  return rows;
}

// Subclasses that have images and may be held out, ascending, each with its superclass.
std::map<std::int32_t, std::int32_t> known_subclasses(const Dataset& dataset,
                                                      const std::vector<std::int64_t>& rows) {
  std::map<std::int32_t, std::int32_t> found;
  for (const std::int64_t row : rows) {
    const auto i = static_cast<std::size_t>(row);
    if (dataset.subclasses[i] != dataset.classes.novel_subclass() && !dataset.is_extra[i]) {
      found.emplace(dataset.subclasses[i], dataset.superclasses[i]);
    }
  }
  return found;
}

std::int64_t hold_out_count(std::int64_t classes, double fraction) {
  if (classes < 2) {
    throw Error("hold_out", "at least 2 subclasses, so that one is left", std::to_string(classes));
  }
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(classes) * fraction));
}

// The images of held-out subclasses go from `rows` to split.pseudo_novel; returns the others.
std::vector<std::int64_t> hold_out(const Dataset& dataset, const std::vector<std::int64_t>& rows,
                                   Split& split) {
  const std::set<std::int32_t> held_out(split.held_out.begin(), split.held_out.end());
  std::vector<std::int64_t> rest;
  for (const std::int64_t row : rows) {
    const bool is_held_out = held_out.contains(dataset.subclasses[static_cast<std::size_t>(row)]);
    (is_held_out ? split.pseudo_novel : rest).push_back(row);
  }
  return rest;
}

void check_parts(const Split& split) {
  if (!split.validation.empty() && !split.train.empty()) return;
  const std::string count = std::to_string(split.train.size() + split.validation.size());
  throw Error("validation_fraction", "images to train and images to validate",
              std::string(split.train.empty() ? "none to train" : "none to validate") + ": too few images (" +
                  count + ")");
}

std::vector<std::int64_t> picked(const std::vector<std::int64_t>& values,
                                 const std::vector<std::int64_t>& positions) {
  std::vector<std::int64_t> result;
  result.reserve(positions.size());
  for (const std::int64_t position : positions) result.push_back(values[static_cast<std::size_t>(position)]);
  return result;
}

// Draws `size` of `rows` into validation, in the order drawn; the others go to train, in their order.
void draw_validation(NumpyGenerator& generator, const std::vector<std::int64_t>& rows, std::int64_t size,
                     Split& split) {
  const std::vector<std::int64_t> drawn =
      picked(rows, generator.choice(static_cast<std::int64_t>(rows.size()), size));
  split.validation.insert(split.validation.end(), drawn.begin(), drawn.end());
  const std::set<std::int64_t> taken(drawn.begin(), drawn.end());
  for (const std::int64_t row : rows) {
    if (!taken.contains(row)) split.train.push_back(row);
  }
}

// pandas: values.sample(frac=1, random_state=seed)
void sample_all(std::vector<std::int64_t>& values, std::uint64_t seed) {
  NumpyRandomState generator(static_cast<std::uint32_t>(seed));
  values = picked(values, generator.permutation(static_cast<std::int64_t>(values.size())));
}

// Shares `total` among groups in proportion to their sizes: whole parts first, then largest remainders, ties
// in the order of `order`; each share within [least, most]. A total outside the sum of the limits is moved to
// it.
std::vector<std::int64_t> shares(std::int64_t total, const std::vector<std::int64_t>& sizes,
                                 const std::vector<std::int64_t>& least,
                                 const std::vector<std::int64_t>& most,
                                 const std::vector<std::int64_t>& order) {
  const auto all = static_cast<double>(std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}));
  std::vector<double> wanted(sizes.size());
  std::vector<std::int64_t> share(sizes.size());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    wanted[i] = static_cast<double>(total) * static_cast<double>(sizes[i]) / all;
    share[i] = std::clamp(static_cast<std::int64_t>(wanted[i]), least[i], most[i]);
  }
  std::int64_t missing = total - std::accumulate(share.begin(), share.end(), std::int64_t{0});
  const std::int64_t step = missing > 0 ? 1 : -1;
  for (; missing != 0; missing -= step) {
    std::int64_t best = -1;
    double best_gap = 0;
    for (const std::int64_t candidate : order) {
      const auto i = static_cast<std::size_t>(candidate);
      if (step > 0 ? share[i] >= most[i] : share[i] <= least[i]) continue;
      const double gap = static_cast<double>(step) * (wanted[i] - static_cast<double>(share[i]));
      if (best < 0 || gap > best_gap) best = candidate, best_gap = gap;
    }
    if (best < 0) break;
    share[static_cast<std::size_t>(best)] += step;
  }
  return share;
}

// Keys of the streams that one split draws from.
enum Draw : std::uint32_t { kHoldOut, kHoldOutTies, kValidation, kValidationTies, kFolds };

RandomStream stream_of(std::uint64_t seed, Draw draw, std::size_t group = 0) {
  return {seed, random_purpose::split, draw, static_cast<std::uint32_t>(group)};
}

// An order of [0, count) by lot: who wins among equal remainders.
std::vector<std::int64_t> by_lot(std::size_t count, RandomStream stream) {
  std::vector<std::int64_t> order(count);
  std::iota(order.begin(), order.end(), std::int64_t{0});
  stream.shuffle(order);
  return order;
}

// From each group its share, ascending over all.
std::vector<std::int64_t> draw_shares(const std::vector<std::vector<std::int64_t>>& groups,
                                      const std::vector<std::int64_t>& share, std::uint64_t seed, Draw draw) {
  std::vector<std::int64_t> drawn;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    std::vector<std::int64_t> members = groups[i];
    stream_of(seed, draw, i).shuffle(members);
    drawn.insert(drawn.end(), members.begin(), members.begin() + share[i]);
  }
  std::sort(drawn.begin(), drawn.end());
  return drawn;
}

using Subclasses = std::map<std::int32_t, std::int32_t>;  // each with its superclass

std::vector<std::vector<std::int64_t>> by_superclass(const Dataset& dataset, const Subclasses& subclasses) {
  std::vector<std::vector<std::int64_t>> groups(dataset.classes.superclass_names.size());
  for (const auto& [subclass, superclass] : subclasses)
    groups[static_cast<std::size_t>(superclass)].push_back(subclass);
  return groups;
}

// Deals the shuffled subclasses of each superclass in turn, going on with the next fold where the superclass
// before left off: folds differ by one subclass at most, and by one in each superclass.
std::vector<std::int32_t> one_fold(const Dataset& dataset, const Subclasses& subclasses,
                                   const SplitOptions& options) {
  if (static_cast<std::int64_t>(subclasses.size()) < options.hold_out_folds) {
    throw Error("hold_out_folds", "as many subclasses at least (" + std::to_string(subclasses.size()) + ")",
                std::to_string(options.hold_out_folds));
  }
  std::vector<std::vector<std::int64_t>> groups = by_superclass(dataset, subclasses);
  std::vector<std::int32_t> drawn;
  std::int64_t next = 0;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    stream_of(options.resolved_seed(), kFolds, i).shuffle(groups[i]);
    for (const std::int64_t subclass : groups[i]) {
      if (next++ % options.hold_out_folds == options.hold_out_fold - 1)
        drawn.push_back(static_cast<std::int32_t>(subclass));
    }
  }
  std::sort(drawn.begin(), drawn.end());
  return drawn;
}

std::vector<std::int32_t> stratified_hold_out(const Dataset& dataset, const Subclasses& subclasses,
                                              const SplitOptions& options) {
  const std::int64_t total =
      hold_out_count(static_cast<std::int64_t>(subclasses.size()), options.hold_out_fraction);
  const std::vector<std::vector<std::int64_t>> groups = by_superclass(dataset, subclasses);
  std::vector<std::int64_t> sizes, least(groups.size(), 0), most;
  for (const auto& group : groups) {
    sizes.push_back(static_cast<std::int64_t>(group.size()));
    most.push_back(std::max<std::int64_t>(sizes.back() - 1, 0));  // no superclass loses its last subclass
  }
  if (std::accumulate(most.begin(), most.end(), std::int64_t{0}) == 0) {
    throw Error("hold_out", "a superclass with at least 2 subclasses, so that one is left", "none");
  }
  const std::uint64_t seed = options.resolved_seed();
  const auto share = shares(total, sizes, least, most, by_lot(groups.size(), stream_of(seed, kHoldOutTies)));
  const std::vector<std::int64_t> drawn = draw_shares(groups, share, seed, kHoldOut);
  return {drawn.begin(), drawn.end()};
}

std::vector<std::int32_t> faithful_hold_out(const Subclasses& subclasses, const SplitOptions& options) {
  std::vector<std::int32_t> ids, drawn;
  for (const auto& [subclass, superclass] : subclasses) ids.push_back(subclass);
  const auto population = static_cast<std::int64_t>(ids.size());
  const std::int64_t size = hold_out_count(population, options.hold_out_fraction);
  for (const std::int64_t position : NumpyGenerator(options.resolved_seed()).choice(population, size)) {
    drawn.push_back(ids[static_cast<std::size_t>(position)]);
  }
  std::sort(drawn.begin(), drawn.end());
  return drawn;
}

// What both splits begin with: images set aside, subclasses held out. Returns the images that are left.
std::vector<std::int64_t> begin_split(const Dataset& dataset, const SplitOptions& options, bool faithful,
                                      Split& split) {
  check_request(dataset, options);
  split.pseudo_novel_super = options.set_aside;
  const std::vector<std::int64_t> rows = usable_rows(dataset, options);
  if (!options.hold_out) return rows;
  const Subclasses subclasses = known_subclasses(dataset, rows);
  split.held_out = options.hold_out_folds > 0 ? one_fold(dataset, subclasses, options)
                   : faithful                 ? faithful_hold_out(subclasses, options)
                                              : stratified_hold_out(dataset, subclasses, options);
  return hold_out(dataset, rows, split);
}

}  // namespace

Split faithful_split(const Dataset& dataset, const SplitOptions& options) {
  const std::uint64_t seed = options.resolved_seed();
  if (seed >= 0xffffffffu)
    throw Error("split_seed", "under 2^32 - 1 for the faithful split", std::to_string(seed));
  Split split;
  std::vector<std::int64_t> known, novel;
  for (const std::int64_t row : begin_split(dataset, options, /*faithful=*/true, split)) {
    const bool is_novel =
        dataset.superclasses[static_cast<std::size_t>(row)] == dataset.classes.novel_superclass();
    (is_novel ? novel : known).push_back(row);
  }
  const auto part = [&](const std::vector<std::int64_t>& rows) {
    return static_cast<std::int64_t>(static_cast<double>(rows.size()) * options.validation_fraction);
  };
  NumpyGenerator generator(seed);
  if (!known.empty()) draw_validation(generator, known, part(known), split);
  if (!novel.empty()) draw_validation(generator, novel, std::max<std::int64_t>(1, part(novel)), split);
  check_parts(split);
  sample_all(split.train, seed);
  sample_all(split.validation, seed + 1);
  return split;
}

Split stratified_split(const Dataset& dataset, const SplitOptions& options) {
  Split split;
  const std::vector<std::int64_t> rows = begin_split(dataset, options, /*faithful=*/false, split);
  std::vector<std::vector<std::int64_t>> groups(dataset.classes.subclass_names.size() +
                                                1);  // the last: extra images
  for (const std::int64_t row : rows) {
    const auto i = static_cast<std::size_t>(row);
    const auto subclass = static_cast<std::size_t>(dataset.subclasses[i]);
    groups[dataset.is_extra[i] ? groups.size() - 1 : subclass].push_back(row);
  }
  std::vector<std::int64_t> sizes, least, most;
  for (const auto& group : groups) {
    sizes.push_back(static_cast<std::int64_t>(group.size()));
    most.push_back(std::max<std::int64_t>(sizes.back() - 1, 0));
    least.push_back(std::min<std::int64_t>(most.back(), 1));
  }
  const std::uint64_t seed = options.resolved_seed();
  const std::int64_t total = std::llround(static_cast<double>(rows.size()) * options.validation_fraction);
  const auto share =
      shares(total, sizes, least, most, by_lot(groups.size(), stream_of(seed, kValidationTies)));
  split.validation = draw_shares(groups, share, seed, kValidation);
  std::set_difference(rows.begin(), rows.end(), split.validation.begin(), split.validation.end(),
                      std::back_inserter(split.train));
  check_parts(split);
  return split;
}

}  // namespace tern
