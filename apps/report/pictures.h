// The images that a model is surest of and wrong about.
#pragma once

#include "apps/report/groups.h"
#include "engine/io/json.h"

namespace tern {

/// By group, those whose answer is a known class and not the true one, the most confident first: a list of
/// {"group", "wrong": how many there are, "items": [{"image": a data URL, "name", "truth", "subclass",
/// "answer", "confidence"}]}. Groups without one are left out.
Json pictures_json(const StudyData& data, const std::vector<ReportGroup>& groups, std::int32_t novel,
                   std::size_t max_per_group = 12);

}  // namespace tern
