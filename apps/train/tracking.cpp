#include "apps/train/tracking.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <string>
#include <utility>

#include "data/image_io.h"

namespace tern {

Tracker::Tracker(const Run& run, Part part, const Dataset& dataset, std::vector<ParameterEntry> heads)
    : run_(run), part_(part), dataset_(dataset), heads_(std::move(heads)) {
  for (const Level level : levels_of(part)) levels_.push_back({level, {}});
}

void Tracker::start_epoch() {
  heads_before_.clear();
  for (const ParameterEntry& head : heads_) heads_before_.push_back(head.value.data().to_vector<float>());
  for (LevelAnswers& level : levels_) level.answers.clear();
}

void Tracker::add_validation(const std::vector<std::int64_t>& images, std::span<const Tensor> answers,
                             std::span<const Tensor> probabilities) {
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    const std::vector<std::int32_t>& truth = dataset_.labels(levels_[i].level);
    const std::vector<std::int32_t> given = answers[i].to_vector<std::int32_t>();
    const std::vector<float> probability = probabilities[i].to_vector<float>();
    for (std::size_t row = 0; row < given.size(); ++row) {
      const std::int64_t image = images[row];
      levels_[i].answers.push_back(
          {image, truth[static_cast<std::size_t>(image)], given[row], probability[row]});
    }
  }
}

std::string Tracker::tag(const std::string& name) const {
  return std::string(name_of(part_)) + "/" + name;
}

void Tracker::keep_until(std::int64_t epoch) {
  forget_events(run_.folder(), tag(""), epoch);
}

void Tracker::write(const EpochMetrics& metrics, bool best) {
  if (!log_) log_.emplace(run_.folder());
  for (const auto& [name, value] : metric_values(metrics)) {
    if (value) log_->scalar(tag(name), metrics.epoch, *value);
  }
  write_heads(metrics.epoch);
  for (const LevelAnswers& level : levels_) {
    write_probabilities(level, metrics.epoch);
    if (best) write_mistakes(level, metrics.epoch);
  }
  log_->sync();
}

/// Of the values that are finite: a training that diverges is told so elsewhere.
void Tracker::write_histogram(const std::string& name, std::int64_t step, std::vector<float> values) {
  std::erase_if(values, [](float value) { return !std::isfinite(value); });
  if (!values.empty()) log_->histogram(tag(name), step, values);
}

void Tracker::write_heads(std::int64_t step) {
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    std::vector<float> values = heads_[i].value.data().to_vector<float>();
    write_histogram("weights/" + heads_[i].name, step, values);
    const std::vector<float>& before = heads_before_.at(i);
    std::transform(values.begin(), values.end(), before.begin(), values.begin(), std::minus<>());
    write_histogram("change/" + heads_[i].name, step, std::move(values));
  }
}

void Tracker::write_probabilities(const LevelAnswers& answered, std::int64_t step) {
  const std::int32_t novel = dataset_.classes.novel(answered.level);
  std::vector<float> of_seen, of_novel;
  for (const Answer& answer : answered.answers) {
    (answer.truth == novel ? of_novel : of_seen).push_back(answer.probability);
  }
  const std::string name = std::string("val_") + name_of(answered.level) + "_probability_";
  write_histogram(name + "seen", step, std::move(of_seen));
  write_histogram(name + "novel", step, std::move(of_novel));
}

void Tracker::write_mistakes(const LevelAnswers& answered, std::int64_t step) {
  std::vector<Answer> mistakes;
  std::copy_if(answered.answers.begin(), answered.answers.end(), std::back_inserter(mistakes),
               [](const Answer& answer) { return answer.given != answer.truth; });
  std::stable_sort(mistakes.begin(), mistakes.end(),
                   [](const Answer& a, const Answer& b) { return a.probability > b.probability; });
  if (mistakes.size() > kMistakes) mistakes.resize(kMistakes);
  const auto class_name = [&](std::int32_t index) {
    return dataset_.classes.names(answered.level).at(static_cast<std::size_t>(index));
  };
  const int size = dataset_.image_size;
  for (const Answer& mistake : mistakes) {
    const std::string name = std::string("val_") + name_of(answered.level) + "_mistakes/" +
                             class_name(mistake.truth) + " taken for " + class_name(mistake.given) + "/" +
                             dataset_.names.at(static_cast<std::size_t>(mistake.image));
    const auto bytes = dataset_.image(mistake.image);
    log_->image(tag(name), step, size, size, encode_png({size, size, {bytes.begin(), bytes.end()}}));
  }
}

}  // namespace tern
