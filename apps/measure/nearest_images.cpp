#include "apps/measure/nearest_images.h"

#include <cmath>

#include "apps/page/thumbnail.h"
#include "models/cosine_neighbours.h"

namespace tern {

std::vector<Json> NearestImages::find(const Rows& features) {
  std::vector<Json> found;
  for (const auto& neighbours : cosine_neighbours(features, known_.feature_rows(), kCount)) {
    Json& list = found.emplace_back(Json::array());
    for (const CosineNeighbour& one : neighbours) {
      const auto [place, is_new] = place_of_.emplace(one.row, named_.size());
      if (is_new) named_.push_back(static_cast<std::size_t>(one.row));
      list.push_back(Json::array({place->second, std::round(1e4 * static_cast<double>(one.cosine)) / 1e4}));
    }
  }
  return found;
}

Json NearestImages::known_json(int side) const {
  std::vector<std::string> names;
  for (const std::size_t image : named_) names.push_back(known_.names[image]);
  const std::vector<std::string> pictures = thumbnails(*known_.source, names, side, "nearest images");
  Json json = Json::array();
  for (std::size_t i = 0; i < names.size(); ++i) {
    json.push_back({{"name", names[i]}, {"subclass", known_.subclasses[named_[i]]}, {"image", pictures[i]}});
  }
  return json;
}

}  // namespace tern
