// Weights may be finite and what comes of them not: then a command says for which image, and stops.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/tensor/tensor.h"

namespace tern {

struct NonFinite {
  std::int64_t row = 0;
  const char* what = "";  ///< "NaN" or "infinity"
};

/// The first value of `rows` [rows, columns], f32 on the host, that is no finite number.
std::optional<NonFinite> find_non_finite(const Tensor& rows);

}  // namespace tern
