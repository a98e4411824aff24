// The tables of a study: what was run (Table 1 of the reference), what it would score beside what was
// published (Table 2), and what single factors change.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/study/plan.h"
#include "engine/io/json.h"

namespace tern {

/// What complete_row (apps/study/row.h) returned.
struct RowResult {
  const StudyRow* row = nullptr;
  std::int64_t seed = 0;
  Json result;
};

/// Everything, by row and seed.
Json study_json(const StudyPlan& plan, const std::vector<RowResult>& results);

/// The tables as Markdown; rows without results are left out.
std::string study_tables(const StudyPlan& plan, const std::vector<RowResult>& results);

}  // namespace tern
