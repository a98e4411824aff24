#include "apps/export/onnx_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <list>
#include <span>
#include <string>
#include <vector>

#include "apps/export/description.h"
#include "apps/export/onnx_answers.h"
#include "apps/export/onnx_network.h"
#include "apps/export/onnx_novelty.h"
#include "data/augment.h"

namespace tern {
namespace {

/// One value a channel, for [batch, 3, H, W].
std::string add_channels(OnnxGraph& graph, const std::string& name, const std::array<float, 3>& values) {
  return graph.constant(name, Tensor::from(Shape{1, 3, 1, 1}, std::span<const float>(values)));
}

/// (images - mean) / deviation.
std::string add_normalised(OnnxGraph& graph, const std::string& images) {
  const std::string mean = add_channels(graph, "mean", kImagenetMean);
  const std::string deviation = add_channels(graph, "deviation", kImagenetDeviation);
  return graph.node("Div", "normalised", {graph.node("Sub", "less_mean", {images, mean}), deviation});
}

/// The values of each level that is there.
struct LevelValues {
  ByLevel<std::string> features, logits;
  ByLevel<const OnnxHead*> heads{};
};

class RunNodes {
 public:
  RunNodes(OnnxGraph& graph, Predictor& predictor)
      : graph_(graph), predictor_(predictor), levels_(deciding_levels(predictor)) {}

  void add() {
    const Run& run = predictor_.runs.front();
    const std::int64_t side = run.config.image_size;
    graph_.input({"images", DType::f32, {kAnyBatch, 3, side, side}, "RGB in 0 .. 1"});
    const std::string images = add_normalised(graph_, "images");
    for (const StudyModels::Network& network : predictor_.models.member(0).networks()) {
      add_network(network, images);
    }
    ByLevel<std::string> masked;
    for (const Level level : levels_) {
      masked[level] = add_masked_logits(graph_, run, predictor_.decision, level, values_.logits[level]);
    }
    const ByLevel<std::string> confidences = add_confidences(masked);
    std::string super_answer;
    for (const Level level : levels_) {
      const bool within = level == Level::sub && predictor_.decision.consistent;
      const std::string answer = add_answers(graph_, run, predictor_.decision,
                                             {level, masked[level], confidences[level],
                                              within ? super_answer : std::string(), is_output(level)});
      if (level == Level::super) super_answer = answer;
    }
  }

 private:
  bool decides(Level level) const {
    return std::find(levels_.begin(), levels_.end(), level) != levels_.end();
  }
  bool is_output(Level level) const {
    const std::vector<Level> levels = output_levels(predictor_);
    return std::find(levels.begin(), levels.end(), level) != levels.end();
  }

  void add_network(const StudyModels::Network& network, const std::string& images) {
    const std::vector<Level> levels = levels_of(network.part);
    if (std::none_of(levels.begin(), levels.end(), [this](Level level) { return decides(level); })) return;
    const std::string level = name_of(levels.front());
    const bool alone = network.part == Part::two_heads;
    const std::string prefix = alone ? "" : level + ".", features = alone ? "features" : level + "_features";
    add_backbone(graph_, network.model.backbone(), images, prefix, features);
    if (alone || is_output(levels.front())) {
      graph_.output({features, DType::f32, {kAnyBatch, network.model.feature_count()}, "pooled features"});
    }
    for (std::size_t i = 0; i < levels.size(); ++i) {
      if (!decides(levels[i])) continue;
      const OnnxHead& head = heads_.emplace_back(graph_, network.model, i, prefix);
      const std::string logits = std::string(name_of(levels[i])) + "_logits";
      head.add_logits(graph_, features, logits);
      const std::int64_t classes = network.model.spec().heads[i].classes;
      if (is_output(levels[i])) graph_.output({logits, DType::f32, {kAnyBatch, classes}, "of every class"});
      values_.features[levels[i]] = features;
      values_.logits[levels[i]] = logits;
      values_.heads[levels[i]] = &head;
    }
  }

  ByLevel<std::string> add_confidences(const ByLevel<std::string>& masked) {
    ByLevel<std::string> confidences;
    if (!predictor_.confidence) return confidences;
    const ClassTable classes = predictor_.runs.front().classes();
    OnnxScores scores(
        graph_, *predictor_.confidence,
        {values_.features, masked, {classes.superclass_count(), classes.subclass_count()}, values_.heads});
    for (const Level level : levels_) confidences[level] = scores.add_confidence(level);
    return confidences;
  }

  OnnxGraph& graph_;
  Predictor& predictor_;
  std::vector<Level> levels_;
  std::list<OnnxHead> heads_;  ///< which stay where they are
  LevelValues values_;
};

/// "3 superclasses and 87 subclasses, the last of each being novel".
std::string classes_text(const ClassTable& classes) {
  if (classes.has_one_level())
    return fmt::format("{} classes, the last being novel", classes.subclass_count());
  return fmt::format("{} superclasses and {} subclasses, the last of each being novel",
                     classes.superclass_count(), classes.subclass_count());
}

}  // namespace

std::vector<Level> output_levels(const Predictor& predictor) {
  if (predictor.runs.front().classes().has_one_level() && predictor.models.has(Level::sub))
    return {Level::sub};
  return predictor.models.levels();
}

OnnxGraph onnx_model(Predictor& predictor) {
  check_scores_for_onnx(predictor.choices(), predictor.runs.front().classes().has_one_level());
  OnnxGraph graph("tern");
  RunNodes(graph, predictor).add();
  const Run& run = predictor.runs.front();
  graph.describe(
      fmt::format("{} with {}, for images of {} pixels a side. metadata_props hold class names, thresholds, "
                  "settings and what is to be done with pictures.",
                  run.config.backbone, classes_text(run.classes()), run.config.image_size),
      description_of(predictor, output_levels(predictor)));
  return graph;
}

}  // namespace tern
