// Beside the pictures of a run: where a network saw what speaks for its answer, and the known images that are most alike to it.
#pragma once

#include <filesystem>

#include "apps/measure/predictor.h"
#include "engine/io/json.h"

namespace tern {

/// Adds to the items of "pictures" and "novel_pictures" of each level of run_json()
///
///   "heat"     a data URL: Grad-CAM of the answer (models/grad_cam.h) drawn over the image
///   "nearest"  [[place in "known", cosine], ...]: the nearest training images (apps/measure/nearest_images.h)
///
/// and to the run "known" and "notes": lines about what is left out. `folder`: of the run's images. The predictor is of this
/// run alone, `data` are its images. Without `with_nearest` there are none, and no word of it.
void add_explanations(Json& run, Predictor& predictor, const StudyData& data,
                      const std::filesystem::path& folder, bool with_nearest);

}  // namespace tern
