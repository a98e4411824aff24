// Row-major numbers that someone else owns, as every novelty score takes them; and the checks they share.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>

#include "engine/core/check.h"

namespace tern {

/// [count, columns].
struct Rows {
  std::span<const float> values;
  std::int64_t columns = 0;

  std::int64_t count() const { return columns < 1 ? 0 : static_cast<std::int64_t>(values.size()) / columns; }
  std::span<const float> row(std::int64_t i) const {
    return values.subspan(static_cast<std::size_t>(i * columns), static_cast<std::size_t>(columns));
  }
};

/// Flags by column: 1 for the columns of known classes, which alone speak for "seen". Empty: all are known.
using KnownColumns = std::span<const std::uint8_t>;

/// Throws Error{subject, ...} unless `rows` are whole rows of finite numbers; `what`: "features", "logits".
inline void check_rows(const char* subject, const char* what, const Rows& rows) {
  if (rows.columns < 1 || static_cast<std::int64_t>(rows.values.size()) % rows.columns != 0) {
    throw Error(subject, "whole rows of " + std::to_string(rows.columns) + " " + what,
                std::to_string(rows.values.size()));
  }
  const auto bad =
      std::find_if(rows.values.begin(), rows.values.end(), [](float value) { return !std::isfinite(value); });
  if (bad != rows.values.end()) {
    throw Error(
        subject, std::string("finite ") + what,
        std::to_string(*bad) + " at row " + std::to_string((bad - rows.values.begin()) / rows.columns));
  }
}

/// The same, and that there are rows to fit to.
inline void check_training_rows(const char* subject, const char* what, const Rows& rows) {
  check_rows(subject, what, rows);
  if (rows.count() == 0) throw Error(subject, std::string("at least one row of training ") + what, "none");
}

inline void check_columns(const char* subject, const Rows& rows, std::int64_t columns) {
  if (rows.columns == columns) return;
  throw Error(subject, std::to_string(columns) + " columns as in training", std::to_string(rows.columns));
}

inline void check_known(const char* subject, const Rows& logits, KnownColumns known) {
  if (known.empty()) return;
  if (static_cast<std::int64_t>(known.size()) != logits.columns) {
    throw Error(subject, "a flag for each of " + std::to_string(logits.columns) + " classes",
                std::to_string(known.size()));
  }
  if (std::all_of(known.begin(), known.end(), [](std::uint8_t flag) { return flag == 0; })) {
    throw Error(subject, "at least one known class", "none");
  }
}

inline bool is_known(KnownColumns known, std::int64_t column) {
  return known.empty() || known[static_cast<std::size_t>(column)] != 0;
}

}  // namespace tern
