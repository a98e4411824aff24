#include "apps/export/onnx_answers.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "models/losses.h"

namespace tern {
namespace {

const OnnxAttribute kOfRows{"axis", std::int64_t{1}};
const OnnxAttribute kDropAxis{"keepdims", std::int64_t{0}};

Tensor flags(const Shape& shape, const std::vector<std::uint8_t>& values) {
  return Tensor::from_bytes(shape, DType::boolean, std::as_bytes(std::span(values)));
}

/// [superclasses, subclasses]: 1 where a subclass may be answered beside that superclass, as answer_sub_within() has it.
/// A superclass without such a subclass has the novel one.
std::vector<std::uint8_t> subclasses_within(const Run& run, const Decision& decision) {
  const ClassTable classes = run.classes();
  const std::vector<std::uint8_t> allowed = allowed_classes(run, decision.mask_untrained, Level::sub);
  const auto novel = static_cast<std::size_t>(classes.novel_subclass());
  std::vector<std::uint8_t> within;
  for (std::int32_t super = 0; super < classes.superclass_count(); ++super) {
    std::vector<std::uint8_t> row(allowed.size(), 0);
    for (std::size_t sub = 0; sub < allowed.size(); ++sub) {
      row[sub] = allowed[sub] != 0 && (sub == novel || classes.subclass_to_super[sub] == super);
    }
    if (std::find(row.begin(), row.end(), 1) == row.end()) row[novel] = 1;
    within.insert(within.end(), row.begin(), row.end());
  }
  return within;
}

/// The most probable subclass within the superclass that was answered, [batch].
std::string add_likely_within(OnnxGraph& graph, const Run& run, const Decision& decision,
                              const OnnxLevelInputs& inputs) {
  const ClassTable classes = run.classes();
  const std::string table = graph.constant(
      "subclasses_of_superclass",
      flags({classes.superclass_count(), classes.subclass_count()}, subclasses_within(run, decision)));
  const std::string reach =
      graph.node("Gather", "sub_within", {table, inputs.superclass_answer}, {{"axis", std::int64_t{0}}});
  // Below the novel subclass, which is masked itself where it may not be answered, but is all that there is beside some superclasses.
  const std::string masked = graph.constant("sub_within.masked", 2 * kMaskedLogit);
  const std::string logits = graph.node("Where", "sub_within.logits", {reach, inputs.logits, masked});
  return graph.node("ArgMax", "sub_likely", {logits}, {kOfRows, kDropAxis});
}

/// The probability of each row's `likely` class, [batch], as a value named `name`.
std::string add_probability_of(OnnxGraph& graph, const std::string& probabilities, const std::string& likely,
                               const std::string& name) {
  const std::string axis = graph.constant(name + ".axis", std::vector<std::int64_t>{1});
  const std::string column = graph.node("Unsqueeze", name + ".column", {likely, axis});
  const std::string picked =
      graph.node("GatherElements", name + ".picked", {probabilities, column}, {kOfRows});
  return graph.node("Squeeze", name, {picked, axis});
}

/// The threshold of each row, or one for all.
std::string add_threshold(OnnxGraph& graph, const Decision& decision, Level level,
                          const std::string& likely) {
  const std::string name = std::string(name_of(level)) + "_threshold";
  const std::vector<double>& by_class = decision.class_taus[level];
  if (by_class.empty()) return graph.constant(name, static_cast<float>(decision.tau[level]));
  const std::vector<float> taus(by_class.begin(), by_class.end());
  const std::string table =
      graph.constant(name + "s", Tensor::from(Shape{static_cast<std::int64_t>(taus.size())}, taus));
  return graph.node("Gather", name, {table, likely}, {{"axis", std::int64_t{0}}});
}

}  // namespace

std::string add_masked_logits(OnnxGraph& graph, const Run& run, const Decision& decision, Level level,
                              const std::string& logits) {
  const std::vector<std::uint8_t> allowed = allowed_classes(run, decision.mask_untrained, level);
  if (std::find(allowed.begin(), allowed.end(), 0) == allowed.end()) return logits;
  const std::string name = name_of(level);
  const std::string mask =
      graph.constant(name + "_allowed", flags({static_cast<std::int64_t>(allowed.size())}, allowed));
  const std::string masked = graph.constant(name + "_masked_logit", kMaskedLogit);
  return graph.node("Where", name + "_allowed_logits", {mask, logits, masked});
}

std::string add_answers(OnnxGraph& graph, const Run& run, const Decision& decision,
                        const OnnxLevelInputs& inputs) {
  const std::string name = name_of(inputs.level);
  const std::int32_t classes = run.classes().count(inputs.level);
  const std::string probabilities =
      graph.node("Softmax", name + "_probabilities", {inputs.logits}, {kOfRows});
  const bool within = !inputs.superclass_answer.empty();
  const std::string likely =
      within ? add_likely_within(graph, run, decision, inputs)
             : graph.node("ArgMax", name + "_likely", {inputs.logits}, {kOfRows, kDropAxis});
  const std::string novel =
      graph.constant(name + "_novel", Tensor::from(Shape{}, std::vector<std::int64_t>{classes - 1}));
  std::string likely_confidence = inputs.confidence;
  if (likely_confidence.empty()) {
    likely_confidence = name + "_likely_confidence";
    if (within)
      add_probability_of(graph, probabilities, likely, likely_confidence);
    else
      graph.node("ReduceMax", likely_confidence, {probabilities},
                 {{"axes", std::vector<std::int64_t>{1}}, kDropAxis});
  }
  const std::string confidence =
      graph.node("Where", name + "_confidence",
                 {graph.node("Equal", name + "_likely_novel", {likely, novel}),
                  graph.constant(name + "_no_confidence", 0.0f), likely_confidence});
  const std::string known = graph.node("GreaterOrEqual", name + "_is_known",
                                       {confidence, add_threshold(graph, decision, inputs.level, likely)});
  const std::string answer = graph.node("Where", name + "_class", {known, likely, novel});
  if (!inputs.is_output) return answer;
  graph.output(
      {probabilities, DType::f32, {kAnyBatch, classes}, "softmax over the classes that may be answered"});
  graph.output({confidence,
                DType::f32,
                {kAnyBatch},
                "what the threshold is held against; 0 where novel is most probable"});
  graph.output({answer, DType::i64, {kAnyBatch}, "index of the class answered; the last one is novel"});
  return answer;
}

}  // namespace tern
