// The thresholds that the runs of a row are measured at. None is measured on the images that chose its
// threshold: each has the mean of the taus that the others' images chose; the last run, whose images choose
// nothing, the mean of all.
#pragma once

#include <cstddef>
#include <vector>

#include "data/levels.h"

namespace tern {

using Taus = ByLevel<double>;

/// By run (apps/study/runs.h).
struct RowTaus {
  std::vector<Taus> folds, without;
  Taus last;
};

/// of_folds: what the images of each fold chose, for at least 2 folds. without_count: of runs with a
/// superclass left out.
RowTaus cross_fitted_taus(const std::vector<Taus>& of_folds, std::size_t without_count);

/// Superclasses left out choose tau of the superclass level, of_without for at least 2 of them, and held-out
/// subclasses that of the subclass level.
RowTaus cross_fitted_taus(const std::vector<Taus>& of_folds, const std::vector<Taus>& of_without);

}  // namespace tern
