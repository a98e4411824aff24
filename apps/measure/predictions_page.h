// What tern predict --page writes: the predicted images as pictures, by answer, in one HTML file that loads nothing.
//
// Each picture is a JPEG of at most 128 pixels a side, 2 to 8 KB; 2,000 of them make a file of some 10 MB.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "apps/measure/predictions.h"
#include "data/image_source.h"
#include "engine/io/json.h"

namespace tern {

/// What CMake embeds (cmake/embed.cmake): the files of apps/measure/page/, byte by byte.
extern const std::string_view kPredictionsHtml, kPredictionsCss, kPredictionsJs;

inline constexpr int kPredictionPixels = 128;

/// What a page is of. The images have labels or none; their pixels are not needed.
struct PredictedImages {
  const ImageSource& source;
  const Dataset& images;
  Predictor& predictor;
  const Predictions& predictions;
};

/// The page's data with the pictures of at most `limit` images (answer_groups.h).
Json predictions_json(const PredictedImages& predicted, std::size_t limit);

/// Adds the nearest known images of the `count` most novel images that the page shows, which are read and scored once more
/// for their features; "with_nearest" says of how many. Throws what load_known_images() throws, and leaves the page as it was.
void add_nearest_images(Json& json, const PredictedImages& predicted, std::size_t count);

/// The whole HTML text.
std::string predictions_page(const Json& json);

/// How many images are on the page.
std::size_t count_shown(const Json& json);

}  // namespace tern
