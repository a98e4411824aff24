// What a study keeps of its runs as JSON: result.json of each row and seed, and study.json of all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "apps/study/estimate.h"
#include "apps/study/plan.h"
#include "apps/study/summary.h"
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

/// In the plan's order; rows without results are left out.
std::vector<RowSummary> summarise(const StudyPlan& plan, const std::vector<RowResult>& results);

/// A row's result.json, an object. Throws Error{file, ...} that says what to do about another.
Json read_result(const std::filesystem::path& file);

/// From RUN/evaluation.json. Throws Error{file, ...} if it is not what tern evaluate writes of both levels.
Measured read_measured(const std::filesystem::path& file);

Json to_json(const Measured& measured);
Json to_json(const Estimate& estimate);
/// The reverse of to_json; for files of an earlier call.
Estimate estimate_from(const Json& json);

}  // namespace tern
