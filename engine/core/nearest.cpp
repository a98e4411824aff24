#include "engine/core/nearest.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace tern {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

const std::string& nearest_name(std::string_view typed, const std::vector<std::string>& names) {
  typed = typed.substr(0, 64);  // a name of a megabyte is no reason to compute for minutes
  return *std::min_element(names.begin(), names.end(), [typed](const auto& a, const auto& b) {
    return edit_distance(typed, a) < edit_distance(typed, b);
  });
}

std::string nearest_remark(std::string_view typed, const std::vector<std::string>& names) {
  if (names.empty() || typed.size() > 64) return "";
  const std::string& nearest = nearest_name(typed, names);
  return 3 * edit_distance(typed, nearest) <= typed.size() + 2 ? " (the nearest is " + nearest + ")" : "";
}

}  // namespace tern
