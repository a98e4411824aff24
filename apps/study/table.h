// The tables of a study: what was run (Table 1 of the reference), what it would score beside what was
// published (Table 2), and what single factors change.
#pragma once

#include <string>
#include <vector>

#include "apps/study/plan.h"
#include "apps/study/result_json.h"

namespace tern {

/// The tables as Markdown; rows without results are left out.
std::string study_tables(const StudyPlan& plan, const std::vector<RowResult>& results);

}  // namespace tern
