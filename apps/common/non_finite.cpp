#include "apps/common/non_finite.h"

#include <algorithm>
#include <cmath>

namespace tern {

std::optional<NonFinite> find_non_finite(const Tensor& rows) {
  const float* const begin = rows.data<float>();
  const float* const end = begin + rows.numel();
  const float* const found = std::find_if(begin, end, [](float value) { return !std::isfinite(value); });
  if (found == end) return std::nullopt;
  return NonFinite{(found - begin) / rows.size(-1), std::isnan(*found) ? "NaN" : "infinity"};
}

}  // namespace tern
