// Which images train, which validate, and which are held out to stand in for novel ones: subclasses of known
// superclasses, and images of a superclass that nothing in training resembles.
//
// faithful_split is the reference's, to the order of the rows; stratified_split is the corrected default. In
// both, images of the novel superclass (CIFAR-100) lie in training and validation, unless they are set aside.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "data/dataset.h"

namespace tern {

/// Image indices; the parts are disjoint and together all images.
struct Split {
  std::vector<std::int64_t> train, validation;
  std::vector<std::int64_t> pseudo_novel;        ///< of held-out subclasses
  std::vector<std::int64_t> pseudo_novel_super;  ///< as SplitOptions::set_aside says
  std::vector<std::int32_t> held_out;            ///< subclasses of pseudo_novel, ascending
};

struct SplitOptions {
  bool hold_out = true;             ///< hold subclasses out of training as pseudo-novel
  double hold_out_fraction = 0.15;  ///< of the subclasses that have images, rounded down, at least one
  std::int64_t hold_out_folds = 0;  ///< 2 or more: deal the subclasses into so many folds instead, each
  std::int64_t hold_out_fold = 1;   ///< with its share of every superclass, and hold this one out, from 1
  double validation_fraction = 0.1;
  std::vector<std::int64_t> set_aside;  ///< images of a superclass to be taken for novel: in no other part
  std::optional<std::uint64_t> seed;  ///< default: 123 with held-out classes, 42 without, as in the reference

  std::uint64_t resolved_seed() const { return seed.value_or(hold_out ? 123 : 42); }
};

/// The notebook's split: default_rng(seed).choice for the classes and, from a fresh generator of the same
/// seed, for the validation rows of the known and then of the novel superclass; pandas' sample(frac=1) with
/// seed and seed + 1 for the order. Asks that images of the data set lie in the order study rows, then
/// CIFAR-100.
Split faithful_split(const Dataset& dataset, const SplitOptions& options = {});

/// Held-out classes spread over the superclasses in proportion; validation images drawn from each subclass in
/// proportion (largest remainders, so that the total is right; at least one from a class of two or more
/// images, and never all of them). Images with is_extra count as one more class. Index lists are ascending.
Split stratified_split(const Dataset& dataset, const SplitOptions& options = {});

// Both throw Error for an unlabelled or empty data set, fractions outside (0, 1), a fold that is not there, a
// hold-out that leaves no known class, and a validation or training part that would be empty.

}  // namespace tern
