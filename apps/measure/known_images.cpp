#include "apps/measure/known_images.h"

#include <fmt/format.h>

#include <numeric>
#include <span>
#include <utility>

#include "apps/common/console.h"
#include "data/decode.h"
#include "data/study.h"
#include "engine/core/check.h"
#include "engine/io/csv.h"
#include "engine/io/event_log.h"
#include "engine/io/safetensors.h"

namespace tern {
namespace {

constexpr const char* kFeaturesFormat = "tern known features 1";

/// Sets names and subclasses to the training images that are of a known class.
void read_names(const Run& run, KnownImages& known) {
  const CsvTable split = read_csv(run.split_file());
  const std::size_t image = split.column("image"), part = split.column("part"),
                    subclass = split.column("subclass_index");
  const std::int32_t novel = run.classes().novel_subclass();
  for (std::size_t row = 0; row < split.rows.size(); ++row) {
    if (split.rows[row][part] != "train" || split.integer(row, subclass) == novel) continue;
    known.names.push_back(split.rows[row][image]);
    known.subclasses.push_back(static_cast<std::int32_t>(split.integer(row, subclass)));
  }
}

void check_names(const KnownImages& known) {
  for (const std::string& name : known.names) {
    if (known.source->contains(name)) continue;
    throw Error(known.source->path().string(), "the images that the run was trained on",
                "none named " + name);
  }
}

std::string fingerprint_of(const StudyModels& models) {
  return fmt::format("{:08x}", models.fingerprint());
}

std::string checksum_of(const std::vector<float>& features) {
  return fmt::format("{:08x}", crc32c(std::as_bytes(std::span(features))));
}

/// False if there are none of these models and images, or damaged ones, of which a line tells.
bool read_features(const std::filesystem::path& file, const StudyModels& models, KnownImages& known) try {
  if (!std::filesystem::exists(file)) return false;
  SafetensorsFile contents = read_safetensors(file);
  if (contents.metadata["format"] != kFeaturesFormat ||
      contents.metadata["models"] != fingerprint_of(models) || contents.tensors.size() != 1) {
    return false;
  }
  const Tensor& features = contents.tensors.front().tensor;
  if (features.rank() != 2 || features.size(0) != static_cast<std::int64_t>(known.names.size())) return false;
  std::vector<float> values = features.to_vector<float>();
  if (contents.metadata["checksum"] != checksum_of(values))
    throw Error(file.string(), "the numbers of its checksum", "others");
  known.features = std::move(values);
  known.feature_count = features.size(1);
  return true;
} catch (const Error& error) {
  warn("{}: it is made anew\n", error.what());
  return false;
}

void compute_features(const Run& run, StudyModels& models, KnownImages& known) {
  Dataset dataset;
  dataset.image_size = static_cast<int>(run.config.image_size);
  dataset.names = known.names;
  dataset.is_extra.assign(known.names.size(), 0);
  dataset.classes = run.classes();
  dataset.pixels = decode_all(*known.source, dataset.names, dataset.image_size);
  std::vector<std::int64_t> all(known.names.size());
  std::iota(all.begin(), all.end(), std::int64_t{0});
  Scores scores = models.score(dataset, all, "known images", /*with_features=*/true);
  known.feature_count = scores.feature_count;
  known.features = std::move(scores.features[models.levels().back()]);
}

/// Of the training images, where a calibration with KNN has kept them.
Rows calibrated_directions(Predictor& predictor) {
  if (!predictor.confidence) return {};
  const auto& scorer = predictor.confidence->scorers().front()[predictor.models.member(0).levels().back()];
  return scorer ? scorer->training_directions() : Rows{};
}

/// For the next time. A run that cannot be written to does without.
void keep_features(const std::filesystem::path& file, const StudyModels& models, const KnownImages& known) {
  try {
    const Shape shape{static_cast<std::int64_t>(known.names.size()), known.feature_count};
    write_safetensors(file, {{"features", Tensor::from(shape, known.features)}},
                      {{"format", kFeaturesFormat},
                       {"models", fingerprint_of(models)},
                       {"checksum", checksum_of(known.features)}});
  } catch (const Error&) {
  }
}

}  // namespace

KnownImages load_known_images(Predictor& predictor, const std::filesystem::path& data) {
  const Run& run = predictor.runs.front();
  StudyModels& models = predictor.models.member(0);
  KnownImages known;
  read_names(run, known);
  known.source = open_study(data).source;
  check_names(known);
  const Rows directions = calibrated_directions(predictor);
  if (directions.count() > 0 && directions.count() == static_cast<std::int64_t>(known.names.size())) {
    known.features.assign(directions.values.begin(), directions.values.end());
    known.feature_count = directions.columns;
    return known;
  }
  const std::filesystem::path file = run.folder() / "known_features.safetensors";
  if (read_features(file, models, known)) return known;
  compute_features(run, models, known);
  keep_features(file, models, known);
  return known;
}

const std::vector<float>& features_of(const Scores& scores, const StudyModels& models) {
  return scores.features[models.levels().back()];
}

}  // namespace tern
