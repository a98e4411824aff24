// The training images of known classes as a run's network sees them: where the nearest known images of another one are
// looked for.
//
// Their features are taken from scores.safetensors where a calibration with KNN has them; else they are computed once and kept
// in RUN/known_features.safetensors, if the run can be written to. A damaged one is told and made anew.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "apps/measure/predictor.h"
#include "data/image_source.h"

namespace tern {

struct KnownImages {
  std::vector<std::string> names;  ///< in the order of the run's split.csv
  std::vector<std::int32_t> subclasses;
  std::unique_ptr<ImageSource> source;  ///< of their files
  std::vector<float> features;          ///< [names, feature_count], or their directions
  std::int64_t feature_count = 0;

  Rows feature_rows() const { return {features, feature_count}; }
};

/// Of the first of the predictor's runs, by the last of its models' levels. `data`: the folder of the run's images. Throws Error
/// where the images are not there any more, cannot be read, or the run's split.csv is no such table.
KnownImages load_known_images(Predictor& predictor, const std::filesystem::path& data);

/// Of the last of the models' levels, by image.
const std::vector<float>& features_of(const Scores& scores, const StudyModels& models);

}  // namespace tern
