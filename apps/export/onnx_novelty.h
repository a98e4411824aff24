// The confidence that calibrated novelty scores give (apps/measure/novelty_confidence.h), as nodes of an ONNX graph in f32:
// what models/novelty_*.h compute in double precision, from the same fitted numbers.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "apps/export/onnx_graph.h"
#include "apps/export/onnx_network.h"
#include "apps/measure/novelty_confidence.h"

namespace tern {

/// Throws Error{"--score", ...} for a score whose formula loses its digits in f32 or does not fit a graph: gen, openmax.
void check_scores_for_onnx(const ByLevel<ScoreChoice>& choices, bool one_level);

class OnnxScores {
 public:
  /// Of each level that has a model.
  struct Inputs {
    ByLevel<std::string> features;  ///< [batch, D]
    ByLevel<std::string> logits;    ///< [batch, classes], untrained classes masked
    ByLevel<std::int32_t> classes;
    ByLevel<const OnnxHead*> heads;
  };

  /// All of it is used as long as this object.
  OnnxScores(OnnxGraph& graph, const NoveltyConfidence& confidence, Inputs inputs)
      : graph_(graph), confidence_(confidence), inputs_(std::move(inputs)) {}

  /// The confidence in a level's answer, [batch], 0 .. 1; empty for a level of the largest probability.
  std::string add_confidence(Level level);

 private:
  /// The score of a term as it is, [batch, 1]; added once.
  std::string term(const ScoreTerm& term);

  OnnxGraph& graph_;
  const NoveltyConfidence& confidence_;
  Inputs inputs_;
  std::map<std::pair<Level, std::string>, std::string> terms_;  ///< values that are there already
};

}  // namespace tern
