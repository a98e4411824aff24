#include "apps/report/pictures.h"

#include <algorithm>

#include "apps/page/thumbnail.h"

namespace tern {
namespace {

/// Of a JPEG with full chroma: a third of the PNG's size, and no artefact is seen.
constexpr int kQuality = 92;

std::string data_url(const Dataset& dataset, std::int64_t index) {
  const std::span<const std::uint8_t> pixels = dataset.image(index);
  const Image image{dataset.image_size, dataset.image_size, {pixels.begin(), pixels.end()}};
  return jpeg_url(image, kQuality);
}

/// Of the first rows of a group.
Json items_json(const StudyData& data, const ReportGroup& group, const std::vector<std::size_t>& rows,
                std::size_t max) {
  Json items = Json::array();
  for (std::size_t i = 0; i < std::min(rows.size(), max); ++i) {
    const std::size_t row = rows[i];
    const auto index = static_cast<std::size_t>(group.images[row]);
    items.push_back({{"index", index},
                     {"image", data_url(data.dataset, group.images[row])},
                     {"name", data.dataset.names[index]},
                     {"truth", group.truth[row]},
                     {"subclass", data.dataset.subclasses[index]},
                     {"answer", group.answers[row]},
                     {"confidence", group.confidences[row]}});
  }
  return items;
}

}  // namespace

Json pictures_json(const StudyData& data, const std::vector<ReportGroup>& groups, std::int32_t novel,
                   std::size_t max_per_group) {
  Json json = Json::array();
  for (const ReportGroup& group : groups) {
    const std::vector<std::size_t> rows = mistakes_of(group, novel);
    if (rows.empty()) continue;
    json.push_back({{"group", group.key},
                    {"wrong", rows.size()},
                    {"items", items_json(data, group, rows, max_per_group)}});
  }
  return json;
}

Json novel_pictures_json(const StudyData& data, const std::vector<ReportGroup>& groups,
                         std::size_t max_per_group) {
  Json json = Json::array();
  for (const ReportGroup& group : groups) {
    json.push_back({{"group", group.key},
                    {"images", group.images.size()},
                    {"items", items_json(data, group, most_novel_of(group), max_per_group)}});
  }
  return json;
}

}  // namespace tern
