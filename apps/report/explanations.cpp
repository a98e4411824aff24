#include "apps/report/explanations.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "apps/common/console.h"
#include "apps/measure/nearest_images.h"
#include "apps/page/heat_picture.h"
#include "apps/page/thumbnail.h"
#include "engine/core/check.h"

namespace tern {
namespace {

constexpr int kHeatQuality = 85, kKnownPixels = 96;

std::vector<Json*> items_of(Json& level) {
  std::vector<Json*> items;
  for (const char* list : {"pictures", "novel_pictures"}) {
    for (Json& set : level.at(list)) {
      for (Json& item : set.at("items")) items.push_back(&item);
    }
  }
  return items;
}

std::vector<std::int64_t> indices_of(const std::vector<Json*>& items) {
  std::vector<std::int64_t> indices;
  for (const Json* item : items) indices.push_back(item->at("index").get<std::int64_t>());
  return indices;
}

/// Returns which layer's maps they are, and how many places they have.
Json add_heat(Json& level_json, Level level, StudyModels& models, const Dataset& dataset) {
  const std::vector<Json*> items = items_of(level_json);
  const std::vector<std::int64_t> indices = indices_of(items);
  std::vector<std::int32_t> answers;
  for (const Json* item : items) answers.push_back(item->at("answer").get<std::int32_t>());
  const HeatMaps maps = models.heat_maps(dataset, indices, answers, level, "heat maps");
  const auto places = static_cast<std::size_t>(maps.rows * maps.columns);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::span<const std::uint8_t> pixels = dataset.image(indices[i]);
    const Image image{dataset.image_size, dataset.image_size, {pixels.begin(), pixels.end()}};
    const std::span<const float> heat = std::span(maps.values).subspan(i * places, places);
    (*items[i])["heat"] = jpeg_url(heat_picture(image, heat, maps.rows, maps.columns), kHeatQuality);
  }
  return {{"layer", fmt::format("layer{}", maps.stage)}, {"rows", maps.rows}, {"columns", maps.columns}};
}

void add_nearest(Json& run_json, Predictor& predictor, const StudyData& data,
                 const std::filesystem::path& folder) {
  StudyModels& models = predictor.models.member(0);
  NearestImages nearest(load_known_images(predictor, folder));
  std::vector<Json*> items;
  for (Json& one : run_json.at("levels")) {
    for (Json* item : items_of(one)) items.push_back(item);
  }
  const Scores scores = models.score(data.dataset, indices_of(items), "pictures", /*with_features=*/true);
  const std::vector<Json> found = nearest.find({features_of(scores, models), scores.feature_count});
  run_json["known"] = nearest.known_json(kKnownPixels);
  for (std::size_t i = 0; i < items.size(); ++i) (*items[i])["nearest"] = found[i];
}

}  // namespace

void add_explanations(Json& run, Predictor& predictor, const StudyData& data,
                      const std::filesystem::path& folder, bool with_nearest) {
  run["known"] = Json::array();
  run["notes"] = Json::array();
  for (Json& level_json : run.at("levels")) {
    const Level level = level_json.at("level") == name_of(Level::super) ? Level::super : Level::sub;
    run["heat"] = add_heat(level_json, level, predictor.models.member(0), data.dataset);
  }
  if (!with_nearest) return;
  try {
    add_nearest(run, predictor, data, folder);
  } catch (const Error& error) {
    run["notes"].push_back(
        "The nearest known images are left out: the training images cannot be read any more.");
    warn("the nearest known images are left out: {}\n", error.what());
  }
}

}  // namespace tern
