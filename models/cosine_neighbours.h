// Which rows point most nearly the same way: the neighbours that KNN's novelty score measures its distance to
// (novelty_distance.h), as |x/|x| - n| grows where the cosine falls.
#pragma once

#include <cstdint>
#include <vector>

#include "models/novelty_rows.h"

namespace tern {

struct CosineNeighbour {
  std::int64_t row = 0;
  float cosine = 0;  ///< -1 .. 1; a row of zeros has no direction and 0 to everything
};

/// For each row of `queries` the `count` rows of `known` of the largest cosine, the largest first and the first of equal
/// ones; all where there are fewer. Computed in single precision. Throws Error{"cosine neighbours", ...} for different
/// columns, and numbers that are not finite.
std::vector<std::vector<CosineNeighbour>> cosine_neighbours(const Rows& queries, const Rows& known,
                                                            std::size_t count);

}  // namespace tern
