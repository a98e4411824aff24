#include "apps/measure/evaluation_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "apps/common/level_words.h"
#include "engine/io/json.h"

namespace tern {
namespace {

struct RateRow {
  const char* set;
  const char* level;
  const char* metric;
  Percent value;
  std::string meaning;
};

/// Whether there is anything to tell at a level: with one level of classes nothing at that of superclasses, unless there are
/// novel images to tell from all classes.
bool tells(const Evaluation& evaluation, Level level) {
  if (!evaluation.one_level || level == Level::sub) return true;
  const std::optional<LevelRates>& rates = evaluation.rates.super;
  return rates && (rates->validation.novel > 0 || rates->pseudo_super);
}

void add_validation(std::vector<RateRow>& rows, const char* level, const NoveltyCounts& counts,
                    bool one_level) {
  const auto add = [&](const char* metric, Percent value, const char* meaning) {
    if (value) rows.push_back({"validation", level, metric, value, meaning});
  };
  if (counts.novel > 0) add("accuracy, all", counts.accuracy(), "right answers to the two kinds below");
  add("accuracy, seen", counts.seen_accuracy(), "known classes answered rightly");
  add("accuracy, novel (far)", counts.novel_accuracy(),
      one_level ? "images of none of the classes (CIFAR's, say) called novel"
                : "images of the novel superclass (CIFAR's, say) called novel");
  add("false-novel rate", counts.false_novel_rate(), "known classes called novel");
  add("misclassified rate", counts.misclassified_rate(), "known classes answered as another known class");
  add("1 - seen accuracy", counts.one_minus_accuracy(),
      "the sum of the two: the reference's \"false novel\"");
}

void add_pseudo(std::vector<RateRow>& rows, const Evaluation& evaluation) {
  const ByLevel<std::optional<LevelRates>>& rates = evaluation.rates;
  const std::string held_out = fmt::format("held-out {}", classes_word(Level::sub, evaluation.one_level));
  const auto add = [&](const char* level, const char* metric, Percent value, const std::string& meaning) {
    if (value) rows.push_back({"pseudo-novel", level, metric, value, meaning});
  };
  if (rates.super && rates.super->pseudo && !evaluation.one_level) {
    const NoveltyCounts& counts = *rates.super->pseudo;
    add("super", "accuracy, seen", counts.seen_accuracy(),
        "their superclass, which is known, answered rightly");
    add("super", "false-novel rate", counts.false_novel_rate(), "their superclass called novel");
  }
  if (rates.sub && rates.sub->pseudo) {
    const NoveltyCounts& counts = *rates.sub->pseudo;
    const char* level = level_word(Level::sub, evaluation.one_level);
    add(level, "called novel", counts.novel_accuracy(), held_out + " called novel (good)");
    add(level, "mapped to seen", percent(counts.novel - counts.novel_correct, counts.novel),
        held_out + " answered as a known one (bad)");
  }
}

void add_pseudo_super(std::vector<RateRow>& rows, const Evaluation& evaluation, Level level) {
  const std::optional<LevelRates>& rates = evaluation.rates[level];
  if (!rates || !rates->pseudo_super) return;
  rows.push_back({"far held out", level_word(level, evaluation.one_level), "called novel",
                  rates->pseudo_super->novel_accuracy(),
                  evaluation.one_level ? "images of no class, alike to none trained on, called novel (good)"
                                       : "images of a superclass never trained on called novel (good)"});
}

std::string distances_text(const TreeDistances& distances) {
  const auto text = [](std::optional<double> edges) { return edges ? fmt::format("{:.3f}", *edges) : "-"; };
  return fmt::format(
      "edges from the truth in the tree of classes, balanced over its nodes: known {}, novel subclass {}, "
      "novel superclass {}\n",
      text(distances.known), text(distances.novel_subclass), text(distances.novel_superclass));
}

std::string setting_text(const ConfigValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  return std::visit([](const auto& one) { return Json(one).dump(); }, value);
}

/// A name's first synonym, as wide as a column at most, and cut between characters.
std::string short_name(const std::string& name) {
  constexpr int kWidth = 30;
  const std::string first = name.substr(0, name.find(','));
  int width = 0;
  std::size_t cut = 0;
  for (std::size_t at = 0; at < first.size(); ++at) {
    const bool begins_character = (static_cast<unsigned char>(first[at]) & 0xc0) != 0x80;  // of UTF-8
    if (!begins_character) continue;
    if (++width == kWidth) cut = at;
  }
  return width > kWidth ? first.substr(0, cut) + "…" : first;
}

}  // namespace

std::string text_of(const Evaluation& evaluation) {
  std::string text = rates_text(evaluation);
  for (const ClassReport& report : evaluation.classes) {
    // With one level the other's table has one class, of which the rates told all.
    if (!evaluation.one_level || report.level == Level::sub)
      text += worst_classes_text(report, kWorstClasses, evaluation.one_level);
  }
  for (const LevelReport& report : evaluation.levels) {
    if (tells(evaluation, report.level)) text += level_text(report, evaluation.one_level);
  }
  return text;
}

std::string rates_text(const Evaluation& evaluation) {
  std::vector<RateRow> rows;
  for (const Level level : kLevels) {
    const std::optional<LevelRates>& rates = evaluation.rates[level];
    if (rates && tells(evaluation, level))
      add_validation(rows, level_word(level, evaluation.one_level), rates->validation, evaluation.one_level);
  }
  add_pseudo(rows, evaluation);
  for (const Level level : kLevels) add_pseudo_super(rows, evaluation, level);
  std::string text =
      fmt::format("{:<13} {:<9} {:<24} {:>9}  {}\n", "images", "level", "metric", "value", "meaning");
  for (const RateRow& row : rows) {
    text += fmt::format("{:<13} {:<9} {:<24} {:>7.2f} %  {}\n", row.set, row.level, row.metric, *row.value,
                        row.meaning);
  }
  if (evaluation.distances && !evaluation.one_level) text += distances_text(*evaluation.distances);
  text += "settings:";
  for (const auto& [key, value] : evaluation.settings)
    text += fmt::format(" {}={}", key, setting_text(value));
  return text + "\n";
}

std::string worst_classes_text(const ClassReport& report, std::size_t max_rows, bool one_level) {
  std::vector<std::size_t> rows;
  for (std::size_t index = 0; index < report.rows.size(); ++index) {
    if (report.rows[index].rates.images > 0) rows.push_back(index);
  }
  std::stable_sort(rows.begin(), rows.end(), [&report](std::size_t a, std::size_t b) {
    return *report.rows[a].recall() < *report.rows[b].recall();
  });
  const std::size_t all = rows.size();
  rows.resize(std::min(rows.size(), max_rows));
  const bool some = rows.size() < all;
  const std::string title = fmt::format("{}{}:", classes_word(report.level, one_level),
                                        some ? fmt::format(", the {} worst of {}", rows.size(), all) : "");
  std::string text = fmt::format("\n{:<47} {:>6} {:>9} {:>9}  {}\n", title, "images", "recall", "precision",
                                 "most taken for");
  for (const std::size_t index : rows) {
    const ClassRow& row = report.rows[index];
    const Percent precision = row.rates.precision();
    const std::int32_t other = row.rates.most_taken_for;
    text += fmt::format(
        "  {:>3} {:<41} {:>6} {:>7.1f} % {:>9}  {}\n", index,
        short_name(row.name) + (row.held_out ? " (held out)" : ""), row.rates.images, *row.recall(),
        precision && !row.held_out ? fmt::format("{:.1f} %", *precision) : "-",
        other < 0 ? "-"
                  : fmt::format("{} ({})", short_name(report.rows[static_cast<std::size_t>(other)].name),
                                row.rates.taken_for));
  }
  return text;
}

std::string level_text(const LevelReport& report, bool one_level) {
  const ClosedSet& c = report.closed_set;
  const bool at_end = c.temperature <= kLowestTemperature || c.temperature >= kHighestTemperature;
  std::string text = fmt::format(
      "\n{} level, {} seen images, no threshold: accuracy {:.2f} %, balanced {:.2f} %, NLL {:.3f}, ECE "
      "{:.2f} %\n"
      "with temperature {:.2f}{}, on the half it was not fitted to: NLL {:.3f} -> {:.3f}, ECE {:.2f} -> "
      "{:.2f} %\n",
      level_word(report.level, one_level), c.images, c.accuracy.value_or(0), c.balanced_accuracy.value_or(0),
      c.nll, 100 * c.ece, c.temperature, at_end ? " (the limit of its range)" : "", c.held_out_nll,
      c.scaled_nll, 100 * c.held_out_ece, 100 * c.scaled_ece);
  for (const NoveltySet& set : report.novelty) {
    text += fmt::format(
        "{:<33} {:>7} {:>13} {:>8} {:>8} {:>8} {:>8} {:>7} {:>7} {:>7}\n",
        fmt::format("{} {}, {} images", level_word(report.level, one_level), set.name, set.novel), "AUROC",
        "95 % interval", "AUPR nov", "AUPR see", "FPR nov", "FPR see", "OSCR", "AURC", "AUGRC");
    for (const ScoreMetrics& score : set.scores) {
      if (!score.unavailable.empty()) {
        text += fmt::format("  {:<31} none: {}\n", score.name, score.unavailable);
        continue;
      }
      const NoveltyMetrics& m = score.metrics;
      const std::string interval =
          fmt::format("{:.2f}-{:.2f}", 100 * score.auroc.low, 100 * score.auroc.high);
      text += fmt::format(
          "  {:<31} {:>7.2f} {:>13} {:>8.2f} {:>8.2f} {:>8.2f} {:>8.2f} {:>7.2f} {:>7.2f} {:>7.2f}\n",
          score.name, 100 * m.auroc, interval, 100 * m.aupr_novel_positive, 100 * m.aupr_seen_positive,
          100 * m.fpr_at_95_tpr_novel_positive, 100 * m.fpr_at_95_tpr_seen_positive, 100 * score.oscr,
          100 * score.aurc, 100 * score.augrc);
    }
  }
  if (!report.novelty.empty()) {
    text +=
        "all in %; AUPR and FPR at 95 % TPR with the novel (nov) or the seen (see) images as the positive "
        "ones; less is better of FPR, AURC and AUGRC\n";
  }
  return text;
}

}  // namespace tern
