// The nearest known images of others, as a page shows them.
#pragma once

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include "apps/measure/known_images.h"
#include "engine/io/json.h"

namespace tern {

class NearestImages {
 public:
  static constexpr std::size_t kCount = 3;  ///< of each image

  explicit NearestImages(KnownImages known) : known_(std::move(known)) {}

  /// For each row of features a list of [place in known_json(), cosine], the nearest first.
  std::vector<Json> find(const Rows& features);

  /// The known images that find() named, each once: {"name", "subclass", "image"}, the last a JPEG of at most `side` pixels a
  /// side in base64. Throws Error naming the image that cannot be read.
  Json known_json(int side) const;

 private:
  KnownImages known_;
  std::vector<std::size_t> named_;
  std::map<std::int64_t, std::size_t> place_of_;  ///< in named_, by image
};

}  // namespace tern
