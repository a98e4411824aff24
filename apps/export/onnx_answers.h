// What answers.h makes of logits, as nodes of an ONNX graph: probabilities, the confidence and the class at the threshold.
// Of each level, by its name ("super", "sub"):
//
//   <level>_probabilities  softmax of the logits of the classes that may be answered; 0 for the others
//   <level>_confidence     what the threshold is held against: the probability of the most probable class, of consistent
//                          subclass answers within the superclass answered, or what a novelty score says; 0 where the
//                          most probable class is the novel one
//   <level>_class          the most probable class; the last one, "novel", where the confidence is below the threshold
#pragma once

#include <string>

#include "apps/export/onnx_graph.h"
#include "apps/measure/answers.h"

namespace tern {

/// What one level's answers are made of.
struct OnnxLevelInputs {
  Level level = Level::super;
  std::string logits;             ///< [batch, classes], untrained classes masked (add_masked_logits())
  std::string confidence;         ///< [batch] of a novelty score; empty: the largest probability
  std::string superclass_answer;  ///< [batch] i64, of consistent subclass answers; empty otherwise
  bool is_output = true;          ///< or else only what other answers are made of
};

/// Adds <level>_allowed_logits, [batch, classes]: kMaskedLogit for classes that may not be answered. Where all may, it
/// returns `logits` and adds nothing.
std::string add_masked_logits(OnnxGraph& graph, const Run& run, const Decision& decision, Level level,
                              const std::string& logits);

/// Adds the three values of a level. Returns the name of its class, [batch] i64.
std::string add_answers(OnnxGraph& graph, const Run& run, const Decision& decision,
                        const OnnxLevelInputs& inputs);

}  // namespace tern
