#include "apps/measure/answer_images.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <span>
#include <vector>

#include "apps/common/progress.h"
#include "data/decode.h"

namespace tern {
namespace {

/// Images without labels, in the sizes of the runs, by run; each size is there once.
using ImagePart = std::vector<std::shared_ptr<Dataset>>;

ImagePart decode_part(const Predictor& predictor, const ImageSource& source,
                      std::span<const std::string> names) {
  ImagePart part;
  for (const Run& run : predictor.runs) {
    const auto size = static_cast<int>(run.config.image_size);
    const auto same =
        std::find_if(part.begin(), part.end(), [size](const auto& one) { return one->image_size == size; });
    if (same != part.end()) {
      part.push_back(*same);
      continue;
    }
    Dataset& images = *part.emplace_back(std::make_shared<Dataset>());
    images.image_size = size;
    images.names.assign(names.begin(), names.end());
    images.is_extra.assign(names.size(), 0);
    images.pixels = decode_all(source, names, size);
  }
  return part;
}

/// Of one image: its pixels in each size, and what each model says in each view.
std::int64_t bytes_of_image(Predictor& predictor) {
  std::vector<std::int64_t> sizes;
  for (const Run& run : predictor.runs) {
    const std::int64_t size = run.config.image_size;
    if (std::find(sizes.begin(), sizes.end(), size) == sizes.end()) sizes.push_back(size);
  }
  std::int64_t bytes = 0;
  for (const std::int64_t size : sizes) bytes += size * size * 3;
  std::int64_t numbers = 0;
  const ClassTable classes = predictor.runs.front().classes();
  for (const Level level : predictor.models.levels()) numbers += classes.count(level);
  if (predictor.needs_features()) {
    for (const StudyModels::Network& network : predictor.models.member(0).networks())
      numbers += network.model.feature_count();
  }
  return bytes + numbers * static_cast<std::int64_t>(sizeof(float) * predictor.models.looks());
}

std::int64_t images_in_part(Predictor& predictor, std::int64_t part_bytes) {
  std::int64_t batch = 1;
  for (const Run& run : predictor.runs) batch = std::max(batch, run.config.batch_size);
  return std::max<std::int64_t>(1, part_bytes / bytes_of_image(predictor) / batch) * batch;
}

template <typename T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

void append(Predictions& to, const Predictions& part) {
  for (const Level level : kLevels) {
    Answers& answers = to.answers[level];
    append(answers.most_probable.classes, part.answers[level].most_probable.classes);
    append(answers.most_probable.probabilities, part.answers[level].most_probable.probabilities);
    append(answers.confidences, part.answers[level].confidences);
    append(answers.classes, part.answers[level].classes);
    PredictionDetails& details = to.details[level];
    append(details.confidences, part.details[level].confidences);
    append(details.alone, part.details[level].alone);
    append(details.p_values, part.details[level].p_values);
    append(details.second_choices, part.details[level].second_choices);
  }
}

}  // namespace

Predictions answer_images(Predictor& predictor, const ImageSource& source, const Dataset& images,
                          bool with_details, std::int64_t part_bytes) {
  const std::int64_t count = images.count();
  const std::int64_t step =
      predictor.models.has_memo() ? std::max<std::int64_t>(count, 1) : images_in_part(predictor, part_bytes);
  Progress progress("predict", count, "images");
  Predictions predictions;
  for (std::int64_t begin = 0; begin < count; begin += step) {
    const std::int64_t length = std::min(step, count - begin);
    const ImagePart part = decode_part(
        predictor, source,
        std::span(images.names).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(length)));
    std::vector<const Dataset*> datasets;
    for (const auto& of_run : part) datasets.push_back(of_run.get());
    std::vector<std::int64_t> all(static_cast<std::size_t>(length));
    std::iota(all.begin(), all.end(), std::int64_t{0});
    Scores scores = predictor.models.score(datasets, all, "predict", predictor.needs_features(),
                                           [&](std::int64_t done) { progress.update(begin + done); });
    if (predictor.confidence) predictor.confidence->add_to(predictor.runs, scores);
    append(predictions, make_predictions(predictor, scores, with_details));
  }
  return predictions;
}

}  // namespace tern
