#include "apps/measure/answer_images.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <span>
#include <vector>

#include "apps/common/progress.h"
#include "apps/measure/whole_batches.h"
#include "data/decode.h"

namespace tern {
namespace {

/// Images without labels, in the sizes of the runs, by run; each size is there once.
using ImagePart = std::vector<std::shared_ptr<Dataset>>;

/// The images that this rank's models look at, by their places among `count`; all of them where runs part them differently.
std::vector<std::int64_t> own_images(const Predictor& predictor, std::int64_t count,
                                     const Communicator* ranks) {
  const std::int64_t batch_size = predictor.runs.front().config.batch_size;
  const bool alike = std::all_of(predictor.runs.begin(), predictor.runs.end(),
                                 [&](const Run& run) { return run.config.batch_size == batch_size; });
  const int size = ranks != nullptr && alike ? ranks->size() : 1;
  return WholeBatches(count, batch_size, size).of_rank(size > 1 ? ranks->rank() : 0);
}

/// [names, size, size, 3], of which those of `own` are there.
std::vector<std::uint8_t> decode_own(const ImageSource& source, std::span<const std::string> names, int size,
                                     const std::vector<std::int64_t>& own) {
  if (own.size() == names.size()) return decode_all(source, names, size);
  std::vector<std::string> own_names;
  for (const std::int64_t image : own) own_names.push_back(names[static_cast<std::size_t>(image)]);
  const std::vector<std::uint8_t> decoded = decode_all(source, own_names, size);
  const std::size_t bytes = static_cast<std::size_t>(size) * static_cast<std::size_t>(size) * 3;
  std::vector<std::uint8_t> pixels(names.size() * bytes);
  for (std::size_t i = 0; i < own.size(); ++i)
    std::copy_n(decoded.data() + i * bytes, bytes, pixels.data() + static_cast<std::size_t>(own[i]) * bytes);
  return pixels;
}

ImagePart decode_part(const Predictor& predictor, const ImageSource& source,
                      std::span<const std::string> names, const Communicator* ranks) {
  const std::vector<std::int64_t> own = own_images(predictor, static_cast<std::int64_t>(names.size()), ranks);
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
    images.pixels = decode_own(source, names, size, own);
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
                          bool with_details, std::int64_t part_bytes, Communicator* ranks) {
  const std::int64_t count = images.count();
  const std::int64_t step =
      predictor.models.has_memo() ? std::max<std::int64_t>(count, 1) : images_in_part(predictor, part_bytes);
  Progress progress("predict", count, "images");
  Predictions predictions;
  for (std::int64_t begin = 0; begin < count; begin += step) {
    const std::int64_t length = std::min(step, count - begin);
    const ImagePart part = decode_part(
        predictor, source,
        std::span(images.names).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(length)),
        ranks);
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
