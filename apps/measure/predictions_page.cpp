#include "apps/measure/predictions_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "apps/common/version.h"
#include "apps/measure/answer_groups.h"
#include "apps/measure/nearest_images.h"
#include "apps/page/html.h"
#include "apps/page/thumbnail.h"
#include "data/decode.h"

namespace tern {
namespace {

/// Of six digits: what a reader sees of it needs no more.
double rounded(double value) {
  return std::round(value * 1e6) / 1e6;
}

/// The folder's last name, and the one that it lies in.
std::string short_path(const std::filesystem::path& path) {
  const std::filesystem::path whole = std::filesystem::weakly_canonical(path);
  return (whole.parent_path().filename() / whole.filename()).string();
}

/// How answers were decided, in words.
std::string decision_text(const Predictor& predictor) {
  const Decision& decision = predictor.decision;
  const bool one_level = predictor.runs.front().classes().has_one_level();
  if (decision.joint) {
    return one_level ? "Answered by calibrated probabilities of the classes and of being of any."
                     : "Both levels were answered at once, by calibrated probabilities.";
  }
  const auto of = [one_level](Level level) {
    return one_level ? std::string(level == Level::super ? "being of any class" : "its class")
                     : fmt::format("its {}class", name_of(level));
  };
  std::string text = "Called novel is what has less confidence than tau:";
  for (const Level level : kLevels) {
    text += fmt::format(" {:.4g} for {}{}{}", decision.tau[level], of(level),
                        decision.class_taus[level].empty() ? "" : " (or the class's own)",
                        level == Level::super ? "," : ".");
  }
  const ByLevel<ScoreChoice> choices = predictor.choices();
  for (const Level level : kLevels) {
    const ScoreChoice& choice = choices[level];
    if (choice.terms.empty()) continue;
    text += fmt::format(" The confidence for {} is by {}.", of(level), text_of(choice, level));
  }
  return text;
}

/// What the page says of one image, but for its picture.
Json item_json(const PredictedImages& predicted, std::int64_t image) {
  const auto i = static_cast<std::size_t>(image);
  const auto& [answers, details] = predicted.predictions;
  Json item = {{"index", image},
               {"name", predicted.images.names[i]},
               {"novelty", rounded(predicted.predictions.novelty(image))},
               {"least_known", static_cast<int>(predicted.predictions.least_known(image))},
               {"answer", {answers.super.classes[i], answers.sub.classes[i]}},
               {"confidence", {rounded(details.super.confidences[i]), rounded(details.sub.confidences[i])}},
               {"second", {details.super.second_choices[i], details.sub.second_choices[i]}}};
  if (!details.super.p_values.empty() || !details.sub.p_values.empty()) {
    const auto p_value = [i](const PredictionDetails& of) {
      return of.p_values.empty() ? Json() : Json(rounded(of.p_values[i]));
    };
    item["p"] = {p_value(details.super), p_value(details.sub)};
  }
  if (!predicted.images.subclasses.empty()) {
    item["truth"] = {predicted.images.superclasses[i], predicted.images.subclasses[i]};
    item["right"] = is_right(predicted.images, answers, i);
  }
  return item;
}

Json group_json(const PredictedImages& predicted, const AnswerGroup& group) {
  Json json = {{"known", group.kind == AnswerKind::known},
               {"superclass", group.superclass},
               {"subclass", group.subclass},
               {"images", group.images.size()},
               {"items", Json::array()}};
  if (!predicted.images.subclasses.empty()) {
    json["right"] = std::count_if(group.images.begin(), group.images.end(), [&](std::int64_t image) {
      return is_right(predicted.images, predicted.predictions.answers, static_cast<std::size_t>(image));
    });
  }
  return json;
}

/// How many images are of each kind, as tern predict prints it.
Json kinds_json(const PredictedImages& predicted) {
  Json json = Json::array();
  for (const KindCount& count : count_kinds(predicted.images.classes, predicted.predictions.answers))
    json.push_back({{"words", count.words}, {"images", count.images}});
  return json;
}

/// What it says of the run and all images together.
Json head_json(const PredictedImages& predicted, std::size_t limit) {
  const ClassTable& classes = predicted.images.classes;
  std::string runs;
  for (const Run& run : predicted.predictor.runs)
    runs += (runs.empty() ? "" : ", ") + short_path(run.folder());
  const ByLevel<PredictionDetails>& details = predicted.predictions.details;
  return {{"tern_version", kVersion},
          {"runs", runs},
          {"source", predicted.source.path().filename().string()},
          {"images", predicted.images.count()},
          {"most_novel", limit / 2},
          {"decision", decision_text(predicted.predictor)},
          {"kinds", kinds_json(predicted)},
          {"one_level", classes.has_one_level()},
          {"labelled", !predicted.images.subclasses.empty()},
          {"calibrated", !details.super.p_values.empty() && !details.sub.p_values.empty()},
          {"superclass_names", classes.superclass_names},
          {"subclass_names", classes.subclass_names},
          {"subclass_to_super", classes.subclass_to_super},
          {"with_nearest", 0},
          {"notes", Json::array()},
          {"known", Json::array()},
          {"groups", Json::array()}};
}

/// Of the page's images, the most novel first.
std::vector<Json*> most_novel_items(Json& json, std::size_t count) {
  std::vector<Json*> items;
  for (Json& group : json.at("groups")) {
    for (Json& item : group.at("items")) items.push_back(&item);
  }
  std::stable_sort(items.begin(), items.end(), [](const Json* a, const Json* b) {
    return a->at("novelty").get<double>() > b->at("novelty").get<double>();
  });
  items.resize(std::min(items.size(), count));
  return items;
}

}  // namespace

Json predictions_json(const PredictedImages& predicted, std::size_t limit) {
  Json json = head_json(predicted, limit);
  const std::vector<AnswerGroup> groups = answer_groups(predicted.images.classes, predicted.predictions);
  const std::vector<std::int64_t> shown = choose_shown(groups, predicted.predictions, limit);
  std::vector<std::string> names;
  for (const std::int64_t image : shown)
    names.push_back(predicted.images.names[static_cast<std::size_t>(image)]);
  const std::vector<std::string> pictures =
      thumbnails(predicted.source, names, kPredictionPixels, "pictures");
  for (const AnswerGroup& group : groups) {
    Json& items = json["groups"].emplace_back(group_json(predicted, group))["items"];
    for (const std::int64_t image : group.images) {
      const auto found = std::lower_bound(shown.begin(), shown.end(), image);
      if (found == shown.end() || *found != image) continue;
      items.push_back(item_json(predicted, image));
      items.back()["image"] = pictures[static_cast<std::size_t>(found - shown.begin())];
    }
  }
  return json;
}

void add_nearest_images(Json& json, const PredictedImages& predicted, std::size_t count) {
  Predictor& predictor = predicted.predictor;
  NearestImages nearest(load_known_images(predictor, predictor.runs.front().summary_text("inputs", "data")));
  const std::vector<Json*> items = most_novel_items(json, count);
  Dataset images;
  images.image_size = static_cast<int>(predictor.runs.front().config.image_size);
  for (const Json* item : items)
    images.names.push_back(predicted.images.names[item->at("index").get<std::size_t>()]);
  images.is_extra.assign(images.names.size(), 0);
  images.pixels = decode_all(predicted.source, images.names, images.image_size);
  std::vector<std::int64_t> all(images.names.size());
  std::iota(all.begin(), all.end(), std::int64_t{0});
  StudyModels& models = predictor.models.member(0);
  const Scores scores = models.score(images, all, "most novel", /*with_features=*/true);
  const std::vector<Json> found = nearest.find({features_of(scores, models), scores.feature_count});
  Json known = nearest.known_json(kPredictionPixels);
  for (std::size_t i = 0; i < items.size(); ++i) (*items[i])["nearest"] = found[i];
  json["known"] = std::move(known);
  json["with_nearest"] = items.size();
}

std::string predictions_page(const Json& json) {
  const std::string data = script_json(json);
  return page_head() + fill_page("predictions.html", kPredictionsHtml,
                                 {{"/*tern:predictions.css*/", kPredictionsCss},
                                  {"\"tern:data\"", data},
                                  {"/*tern:elements.js*/", kElementsJs},
                                  {"/*tern:predictions.js*/", kPredictionsJs}});
}

std::size_t count_shown(const Json& json) {
  std::size_t count = 0;
  for (const Json& group : json.at("groups")) count += group.at("items").size();
  return count;
}

}  // namespace tern
