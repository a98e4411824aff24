// The images that a model is surest of and wrong about, and those that it knows least.
#pragma once

#include "apps/report/groups.h"
#include "engine/io/json.h"

namespace tern {

/// By group, those whose answer is a known class and not the true one, the most confident first: a list of
/// {"group", "wrong": how many there are, "items": [{"index": the image's place in the data, "image": a data URL, "name",
/// "truth", "subclass", "answer", "confidence"}]}. Groups without one are left out.
Json pictures_json(const StudyData& data, const std::vector<ReportGroup>& groups, std::int32_t novel,
                   std::size_t max_per_group = 12);

/// The same of the least confident images, whatever their answer, the least confident first; in place of "wrong" stands
/// "images": how many the group has.
Json novel_pictures_json(const StudyData& data, const std::vector<ReportGroup>& groups,
                         std::size_t max_per_group = 12);

}  // namespace tern
