#include "apps/study/estimate.h"

#include <cmath>
#include <numeric>

#include "engine/core/check.h"

namespace tern {
namespace {

Percent rate(const Json& evaluation, const char* part, const char* level, const char* name) {
  if (!evaluation.contains(part) || !evaluation.at(part).contains(level)) return std::nullopt;
  const Json& rates = evaluation.at(part).at(level);
  return rates.contains(name) ? Percent(rates.at(name).get<double>()) : std::nullopt;
}

LevelMeasured read_level(const Json& evaluation, const char* level, bool super) {
  LevelMeasured measured;
  measured.tau = evaluation.at("validation").at(level).at("tau").get<double>();
  measured.seen = rate(evaluation, "validation", level, "accuracy_seen_percent");
  // The superclass of a held-out subclass is known.
  measured.near =
      rate(evaluation, "pseudo_novel", level, super ? "accuracy_seen_percent" : "accuracy_novel_percent");
  measured.far = rate(evaluation, "pseudo_novel_super", level, "accuracy_novel_percent");
  measured.far_trained = rate(evaluation, "validation", level, "accuracy_novel_percent");
  return measured;
}

std::int64_t images_of(const Json& evaluation, const char* part) {
  return evaluation.contains(part) ? evaluation.at(part).at("sub").at("novel_images").get<std::int64_t>() : 0;
}

/// A rate over the images of all folds.
template <typename Rate>
Percent pooled(const std::vector<Measured>& folds, std::int64_t Measured::*images, Rate&& rate_of) {
  double sum = 0, count = 0;
  for (const Measured& fold : folds) {
    const Percent value = rate_of(fold);
    if (!value) continue;
    sum += *value * static_cast<double>(fold.*images);
    count += static_cast<double>(fold.*images);
  }
  return count > 0 ? Percent(sum / count) : std::nullopt;
}

/// The mean of values by shares; none if one with a share is missing.
Percent weighted(const std::vector<std::pair<double, Percent>>& parts) {
  double sum = 0, shares = 0;
  for (const auto& [share, value] : parts) {
    if (share == 0) continue;
    if (!value) return std::nullopt;
    sum += share * *value;
    shares += share;
  }
  return shares > 0 ? Percent(sum / shares) : std::nullopt;
}

Json level_json(const LevelMeasured& level) {
  Json json = {{"tau", level.tau}};
  if (level.seen) json["seen_right_percent"] = *level.seen;
  if (level.near) json["near_right_percent"] = *level.near;
  if (level.far) json["far_held_out_found_percent"] = *level.far;
  if (level.far_trained) json["far_trained_found_percent"] = *level.far_trained;
  return json;
}

Json level_json(const LevelAccuracy& level) {
  Json json = Json::object();
  if (level.overall) json["overall_percent"] = *level.overall;
  if (level.seen) json["seen_percent"] = *level.seen;
  if (level.unseen) json["unseen_percent"] = *level.unseen;
  return json;
}

LevelAccuracy level_from(const Json& json) {
  const auto of = [&json](const char* name) {
    return json.contains(name) ? Percent(json.at(name).get<double>()) : std::nullopt;
  };
  return {of("overall_percent"), of("seen_percent"), of("unseen_percent")};
}

}  // namespace

Measured read_measured(const std::filesystem::path& file) {
  const Json evaluation = read_json(file);
  try {
    Measured measured;
    measured.super = read_level(evaluation, "super", true);
    measured.sub = read_level(evaluation, "sub", false);
    measured.near_images = images_of(evaluation, "pseudo_novel");
    measured.far_images = images_of(evaluation, "pseudo_novel_super");
    const auto held_out = evaluation.at("settings").at("held_out_subclasses").get<double>();
    const auto classes = static_cast<double>(evaluation.at("classes").at("sub").size() - 1);  // without novel
    measured.trained_share = classes > 0 ? 1 - held_out / classes : 1;
    return measured;
  } catch (const Json::exception&) {
    throw Error(file.string(), "what tern evaluate writes of a run with both levels", "other JSON");
  }
}

Estimate estimate(const Measured& last, const std::vector<Measured>& folds, const std::vector<Measured>& far,
                  const TestMix& mix) {
  const double trained = last.trained_share;
  const Percent super_seen = weighted({{trained, last.super.seen}, {1 - trained, last.super.near}});
  const Percent sub_seen = weighted({{trained, last.sub.seen}, {1 - trained, 0.0}});
  const Percent super_near =
      pooled(folds, &Measured::near_images, [](const Measured& fold) { return fold.super.near; });
  const Percent sub_near =
      pooled(folds, &Measured::near_images, [](const Measured& fold) { return fold.sub.near; });
  const Percent super_far =
      pooled(far, &Measured::far_images, [](const Measured& fold) { return fold.super.far; });
  const Percent sub_far =
      pooled(far, &Measured::far_images, [](const Measured& fold) { return fold.sub.far; });
  const double s = mix.seen, n = mix.novel_subclass, f = mix.novel_superclass;
  return {{weighted({{s, super_seen}, {n, super_near}, {f, super_far}}),
           weighted({{s, super_seen}, {n, super_near}}), super_far},
          {weighted({{s, sub_seen}, {n, sub_near}, {f, sub_far}}), sub_seen,
           weighted({{n, sub_near}, {f, sub_far}})}};
}

Json to_json(const Measured& measured) {
  return {{"super", level_json(measured.super)},
          {"sub", level_json(measured.sub)},
          {"near_images", measured.near_images},
          {"far_held_out_images", measured.far_images},
          {"trained_share_of_subclasses", measured.trained_share}};
}

Json to_json(const Estimate& estimate) {
  return {{"super", level_json(estimate.super)}, {"sub", level_json(estimate.sub)}};
}

Estimate estimate_from(const Json& json) {
  return {level_from(json.at("super")), level_from(json.at("sub"))};
}

MeanDeviation mean_deviation(const std::vector<double>& values) {
  if (values.empty()) return {};
  const auto count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  if (values.size() < 2) return {mean, std::nullopt};
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, std::sqrt(squares / (count - 1))};
}

}  // namespace tern
