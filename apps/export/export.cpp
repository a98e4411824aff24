#include "apps/export/export.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/common/console.h"
#include "apps/common/level_words.h"
#include "apps/export/description.h"
#include "apps/export/onnx_model.h"
#include "apps/export/onnx_novelty.h"
#include "apps/export/torch_weights.h"
#include "apps/measure/predictor.h"
#include "engine/core/check.h"
#include "engine/io/file.h"

namespace tern {
namespace fs = std::filesystem;
namespace {

/// Faults of the name that should be known before anything is read.
void check_out(const fs::path& out, bool replace) {
  if (out.extension() != ".onnx" && out.extension() != ".safetensors") {
    throw Error("--out " + out.string(), "a name that ends in .onnx or .safetensors",
                fs::is_directory(out) ? "a folder" : "another");
  }
  check_writable("--out", out);
  check_replaces("--out", out, replace);
}

/// Those that no graph computes, before tern calibrate is asked for in vain.
void check_asked_scores(const std::vector<std::string>& texts, bool one_level) {
  const ByLevel<std::optional<ScoreChoice>> asked = parse_scores(texts, one_level);
  check_scores_for_onnx({asked.super.value_or(ScoreChoice{}), asked.sub.value_or(ScoreChoice{})}, one_level);
}

/// What predict asks of its models where both levels are to agree.
void check_levels(const Predictor& predictor) {
  if (!predictor.decision.consistent || predictor.models.levels().size() == 2) return;
  throw Error(predictor.runs.front().folder().string() + " --consistent", "models of both levels",
              std::string("only the ") + name_of(predictor.models.levels().front()) + "class model");
}

/// What may surprise whoever uses the model.
void print_notes(const Run& run) {
  warn("{}", run.unfinished_text());
  const std::size_t held_out = run.held_out_subclasses().size();
  if (held_out > 0) {
    const char* prefix = run.classes().has_one_level() ? "" : "sub";
    warn("note: {} held {} out of training: {} ever answered\n", run.folder().string(),
         held_out == 1 ? fmt::format("a {}class", prefix) : fmt::format("{} {}classes", held_out, prefix),
         held_out == 1 ? "it is not" : "none of them is");
  }
  if (!run.config.hold_out_superclass.empty()) {
    warn("note: {} held superclass {} out of training: it is never answered\n", run.folder().string(),
         run.config.hold_out_superclass);
  }
}

/// "superclasses: novel where max_softmax gives a confidence below 0.99".
void print_decision(const Predictor& predictor) {
  const ByLevel<ScoreChoice> choices = predictor.choices();
  const bool one_level = predictor.runs.front().classes().has_one_level();
  for (const Level level : deciding_levels(predictor)) {
    const std::string taus = predictor.decision.class_taus[level].empty()
                                 ? fmt::format("{:.6g}", predictor.decision.tau[level])
                                 : std::string("its class's threshold");
    remark("{}: novel where the confidence by {} is below {}\n", classes_word(level, one_level),
           text_of(choices[level], level), taus);
  }
}

}  // namespace

int export_run(const ExportOptions& options) {
  std::vector<Run> runs = open_ensemble({options.run});
  check_out(options.out, options.replace);
  runs.front().check_not_own("--out", options.out);
  const bool as_graph = options.out.extension() == ".onnx";
  if (as_graph) check_asked_scores(options.decision.scores, runs.front().classes().has_one_level());
  print_notes(runs.front());
  Predictor predictor(std::move(runs), options.decision, /*views=*/"", Device::cpu());
  predictor.answer_one_level();
  check_levels(predictor);
  std::string what;
  if (as_graph) {
    onnx_model(predictor).write(options.out);
    what = fmt::format("ONNX, opset {}", kOnnxOpset);
    print_decision(predictor);
  } else {
    Metadata metadata = description_of(predictor, predictor.models.levels());
    const StateDict tensors = torch_weights(predictor.models.member(0), metadata);
    save_weights(options.out, tensors, metadata);
    what = fmt::format("{} tensors by torchvision's names", tensors.size());
  }
  remark("{}: {}, {:.1f} MiB, written to {}\n", predictor.runs.front().config.backbone, what,
         static_cast<double>(fs::file_size(options.out)) / (1 << 20), options.out.string());
  return 0;
}

}  // namespace tern
