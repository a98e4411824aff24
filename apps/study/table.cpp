#include "apps/study/table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "apps/common/level_words.h"
#include "apps/study/summary.h"

namespace tern {
namespace {

std::string line(const std::vector<std::string>& cells) {
  return fmt::format("| {} |\n", fmt::join(cells, " | "));
}

std::string head(const std::string& title, const std::string& text, const std::vector<std::string>& cells) {
  return fmt::format("\n### {}\n\n{}\n\n{}{}", title, text, line(cells),
                     line(std::vector<std::string>(cells.size(), "---")));
}

// ---- Table 1: settings

std::string value_of(const Config& config, const char* name) {
  for (const ConfigKey& key : config_keys()) {
    if (key.name != name) continue;
    const ConfigValue value = key.get(config);
    const auto* text = std::get_if<std::string>(&value);
    return text ? *text : value_text(value);
  }
  return "?";
}

std::string kl_text(const Config& config) {
  if (config.approach != Approach::two_heads) return "-";
  return fmt::format("{} × {}, novel {}", config.kl_alpha, value_of(config, "kl_direction"),
                     value_of(config, "kl_novel_subclass"));
}

std::string fine_tuning_text(const Config& config) {
  if (config.fine_tune == FineTune::full) return fmt::format("full, {:g}", config.learning_rate);
  return fmt::format("frozen ({} norm), {:g}", value_of(config, "frozen_batch_norm"),
                     config.head_learning_rate);
}

std::string cifar_text(const Config& config) {
  if (config.cifar == CifarMode::none) return "none";
  const std::string count =
      config.cifar_count > 0 ? fmt::format("{}", config.cifar_count) : value_of(config, "cifar");
  return count +
         (config.cifar_exclude_groups.empty() ? "" : " without " + value_of(config, "cifar_exclude_groups"));
}

/// What tau is held against, and where it lies.
std::string decision_text(const StudyRow& row, const Config& config) {
  const std::string tau = row.thresholds.empty() ? fmt::format("{:g}, {:g}", config.tau_super, config.tau_sub)
                                                 : fmt::format("{}", fmt::join(row.thresholds, ", "));
  return row.scores.empty() ? tau : fmt::format("{} of {}", tau, fmt::join(row.scores, ", "));
}

std::vector<std::string> training_cells(const StudyRow& row, const Config& config) {
  return {fmt::format("{}, {}", config.backbone, config.image_size),
          fmt::format("{}, {}", value_of(config, "super_head"), value_of(config, "sub_head")),
          kl_text(config),
          cifar_text(config),
          fine_tuning_text(config),
          fmt::format("{}", config.epochs),
          config.remove_blur_cue ? "removed" : "left",
          value_of(config, "split"),
          row.retrain ? "all classes" : "some held out"};
}

std::string settings_table(const std::vector<RowSummary>& rows, bool one_level) {
  const std::vector<std::string> header{"row",   "backbone, pixels",  "heads",  "KL",
                                        "CIFAR", "fine-tuning, rate", "epochs", "blur cue",
                                        "split", "last training",     "tau"};
  std::string text =
      head("Table 1: the rows",
           fmt::format("Adam, two models unless a KL term is named; heads are {}.",
                       one_level ? "of the any-class level, of the classes" : "superclass, subclass"),
           header);
  for (const RowSummary& summary : rows) {
    const StudyRow& row = *summary.row;
    const Config config = row.resolved();
    std::vector<std::string> cells{row.title};
    if (row.members.empty()) {
      for (const std::string& cell : training_cells(row, config)) cells.push_back(cell);
    } else {
      cells.push_back(fmt::format("rows {}", fmt::join(row.members, " + ")));
      cells.resize(header.size() - 1, "as theirs");
    }
    if (!row.views.empty()) cells[1] += ", and " + row.views;
    cells.push_back(decision_text(row, config));
    text += line(cells);
  }
  return text;
}

// ---- Table 2: accuracies

using Accuracy = Percent LevelAccuracy::*;
constexpr Accuracy kAccuracies[] = {&LevelAccuracy::overall, &LevelAccuracy::seen, &LevelAccuracy::unseen};

std::string number(Percent value) {
  return value ? fmt::format("{:.1f}", *value) : "-";
}

std::string number(const MeanDeviation& value) {
  return number(value.mean) + (value.deviation ? fmt::format(" ± {:.1f}", *value.deviation) : "");
}

std::string published_text(const LevelAccuracy& level) {
  std::vector<std::string> parts;
  for (const Accuracy accuracy : kAccuracies) {
    parts.push_back(level.*accuracy ? fmt::format("{:g}", *(level.*accuracy)) : "-");
  }
  return fmt::format("{}", fmt::join(parts, " / "));
}

/// "overall / seen / unseen", each the mean of the pooled estimates ± the scatter.
std::string estimated_text(const RowSummary& row, LevelAccuracy Estimate::*level) {
  std::vector<std::string> parts;
  for (const Accuracy accuracy : kAccuracies) {
    parts.push_back(number(mean_and_scatter(row, [&](const Estimate& one) { return one.*level.*accuracy; })));
  }
  return fmt::format("{}", fmt::join(parts, " / "));
}

/// Which images are expected, and which stand for those that are novel.
std::string mix_text(const TestMix& mix, bool one_level) {
  if (one_level) {
    return fmt::format(
        "{:.3g} % known, {:.3g} % of a novel class, {:.3g} % of none; ± is the deviation of single folds, "
        "over "
        "all seeds. Images of none are of CIFAR groups held out.",
        mix.seen, mix.novel_subclass, mix.novel_superclass);
  }
  return fmt::format(
      "{:.3g} % known, {:.3g} % of a novel subclass, {:.3g} % of a novel superclass; ± is the deviation of "
      "single folds, over all seeds. Novel superclasses are CIFAR groups held out, unless the row says "
      "otherwise.",
      mix.seen, mix.novel_subclass, mix.novel_superclass);
}

std::string accuracy_table(const StudyPlan& plan, const std::vector<RowSummary>& rows, bool one_level) {
  const char *super = level_word(Level::super, one_level), *sub = level_word(Level::sub, one_level);
  std::string text =
      head("Table 2: accuracy, overall / seen / unseen, in percent",
           fmt::format("Published: the reference's, on a leaderboard. tern: estimated from images of known "
                       "classes, for a mix of {} Minutes are those of the trainings that a row uses, shared "
                       "ones too.",
                       mix_text(plan.mix, one_level)),
           {"row", fmt::format("{}, published", super), fmt::format("{}, tern", super),
            fmt::format("{}, published", sub), fmt::format("{}, tern", sub), "seeds × folds", "minutes"});
  for (const RowSummary& row : rows) {
    double seconds = 0;
    for (const SeedSummary& seed : row.seeds) seconds += seed.training_seconds;
    text +=
        line({row.row->title, published_text(row.row->published_super), estimated_text(row, &Estimate::super),
              published_text(row.row->published_sub), estimated_text(row, &Estimate::sub),
              fmt::format("{} × {}", row.seeds.size(), row.row->folds), fmt::format("{:.1f}", seconds / 60)});
  }
  return text;
}

// ---- Table 3: one factor

std::string difference_table(const std::vector<RowSummary>& rows, bool one_level) {
  std::string text, body;
  for (const RowSummary& row : rows) {
    const auto other = std::find_if(rows.begin(), rows.end(), [&](const RowSummary& one) {
      return one.row->name == row.row->compare_with;
    });
    if (other == rows.end()) continue;
    const std::vector<Estimate> pairs = differences(row, *other);
    std::vector<std::string> cells{row.row->title, other->row->title};
    for (const auto level : {&Estimate::super, &Estimate::sub}) {
      for (const Accuracy accuracy : kAccuracies) {
        const MeanDeviation d =
            mean_deviation(pairs, [&](const Estimate& one) { return one.*level.*accuracy; });
        cells.push_back(d.mean ? fmt::format("{:+.1f}", *d.mean) +
                                     (d.deviation ? fmt::format(" ± {:.1f}", *d.deviation) : "")
                               : "-");
      }
    }
    cells.push_back(fmt::format("{}", pairs.size()));
    body += line(cells);
  }
  if (body.empty()) return "";
  std::vector<std::string> header{"row", "compared with"};
  for (const Level level : kLevels) {
    for (const char* accuracy : {"overall", "seen", "unseen"})
      header.push_back(fmt::format("{} {}", level_word(level, one_level), accuracy));
  }
  header.emplace_back("pairs");
  return head("Table 3: what one factor changes",
              "The row minus the one beside it, in percentage points: mean ± deviation of the differences "
              "fold by fold.",
              header) +
         body;
}

// ---- Table 4: kinds of images of no known superclass

/// With one level of classes there is no superclass to leave out.
std::string novel_table(const std::vector<RowSummary>& rows, bool one_level) {
  using Found = Percent LevelMeasured::*;
  struct Column {
    LevelMeasured Measured::*level;
    std::vector<Measured> SeedSummary::*runs;
    Found found;
    std::string title;
  };
  const std::string super = level_word(Level::super, one_level), sub = level_word(Level::sub, one_level);
  std::vector<Column> columns{
      {&Measured::super, &SeedSummary::folds, &LevelMeasured::far_trained, super + ", trained groups"},
      {&Measured::super, &SeedSummary::folds, &LevelMeasured::far, super + ", held-out groups"},
      {&Measured::super, &SeedSummary::without, &LevelMeasured::far, super + ", superclass left out"},
      {&Measured::sub, &SeedSummary::folds, &LevelMeasured::far, sub + ", held-out groups"},
      {&Measured::sub, &SeedSummary::without, &LevelMeasured::far, sub + ", superclass left out"}};
  if (one_level) std::erase_if(columns, [](const Column& one) { return one.runs == &SeedSummary::without; });
  std::vector<std::string> header{"row"};
  for (const Column& column : columns) header.push_back(column.title);
  std::string text = head(
      one_level ? "Table 4: images of none of the classes called novel, in percent"
                : "Table 4: novel superclasses called novel, in percent",
      one_level
          ? "CIFAR images of groups trained on, and of groups held out, each as mean ± deviation over folds "
            "and seeds."
          : "CIFAR images of groups trained on, CIFAR images of groups held out, and a superclass of the "
            "study left out, each as mean ± deviation over folds and seeds.",
      header);
  for (const RowSummary& row : rows) {
    std::vector<std::string> cells{row.row->title};
    for (const Column& column : columns) {
      cells.push_back(number(mean_deviation(
          row, column.runs, [&column](const Measured& run) { return run.*column.level.*column.found; })));
    }
    text += line(cells);
  }
  return text;
}

// ---- Predictions

std::string prediction_table(const StudyPlan& plan, const std::vector<RowSummary>& rows, bool one_level) {
  std::string body;
  for (const RowSummary& row : rows) {
    std::vector<std::string> cells{row.row->title};
    for (const auto share :
         {&SeedSummary::novel_superclass, &SeedSummary::novel_subclass, &SeedSummary::contradicting}) {
      cells.push_back(number(mean_deviation(row, share)));
    }
    if (cells[1] != "-") body += line(cells);
  }
  if (body.empty()) return "";
  const char* const of_none = one_level ? "of none" : "novel superclass";
  const char* const of_novel = one_level ? "of a novel class or none" : "novel subclass";
  const double none = plan.mix.novel_superclass, novel = plan.mix.novel_subclass + none;
  const std::string note = one_level
                               ? fmt::format(
                                     "Nobody has their labels; by the mix {:.3g} % are of none of the "
                                     "classes, and with those of a "
                                     "novel class {:.3g} %. The last column: a known class beside none.",
                                     none, novel)
                               : fmt::format(
                                     "Nobody has their labels; by the mix {:.3g} % are of a novel superclass "
                                     "and {:.3g} % of a novel "
                                     "subclass. The last column: a known subclass beside another superclass.",
                                     none, novel);
  return head("Table 5: what the images to be predicted are called, in percent", note,
              {"row", of_none, of_novel, "contradicting"}) +
         body;
}

// ---- Table 6: without a threshold, and at it

/// With one level every known image is of any class, so that of accuracies those among the classes alone say something.
std::string fold_table(const std::vector<RowSummary>& rows, bool one_level) {
  std::string body;
  for (const RowSummary& row : rows) {
    const std::string sub_accuracy = number(mean_deviation(row, &WithoutThreshold::sub_accuracy));
    if (sub_accuracy == "-") continue;
    std::vector<std::string> cells{row.row->title};
    if (!one_level) cells.push_back(number(mean_deviation(row, &WithoutThreshold::super_accuracy)));
    cells.push_back(sub_accuracy);
    for (const auto value :
         {&WithoutThreshold::near_auroc, &WithoutThreshold::near_aurc, &WithoutThreshold::near_augrc}) {
      cells.push_back(number(mean_deviation(row, value)));
    }
    for (const auto value : {&LevelMeasured::seen, &LevelMeasured::near}) {
      cells.push_back(number(
          mean_deviation(row, &SeedSummary::folds, [value](const Measured& run) { return run.sub.*value; })));
    }
    body += line(cells);
  }
  if (body.empty()) return "";
  const char* const classes = classes_word(Level::sub, one_level);
  std::vector<std::string> header{"row",
                                  "accuracy, superclasses",
                                  fmt::format("accuracy, {}", classes),
                                  "AUROC",
                                  "AURC",
                                  "AUGRC",
                                  "at tau: seen right",
                                  "at tau: held-out found"};
  if (one_level) header.erase(header.begin() + 1);
  return head("Table 6: the folds, without a threshold and at it, in percent",
              fmt::format(
                  "Accuracy among the known classes; how well what decides tells held-out {0} from seen "
                  "ones (less is better of AURC and AUGRC: wrong answers and novel images are the "
                  "risk); then seen {0} answered rightly and held-out ones called novel at the "
                  "threshold. Mean ± deviation over folds and seeds.",
                  classes),
              header) +
         body;
}

// ---- Tables 7 and 8: novelty scores

std::string score_table(const std::vector<RowSummary>& rows, Level level, const char* kind,
                        const std::string& title) {
  std::vector<std::string> header{"row"};
  std::string body;
  for (const RowSummary& row : rows) {
    const ScoreValues scores = auroc_by_score(row, level, kind);
    if (scores.empty()) continue;
    if (header.size() == 1) {
      for (const auto& [name, values] : scores) header.push_back(name);
    }
    std::vector<std::string> cells{row.row->title};
    for (const auto& [name, values] : scores) cells.push_back(number(mean_deviation(values)));
    body += line(cells);
  }
  if (body.empty()) return "";
  return head(title,
              "AUROC in percent of each score, mean ± deviation over folds and seeds; no threshold enters.",
              header) +
         body;
}

}  // namespace

std::string study_tables(const StudyPlan& plan, const std::vector<RowResult>& results) {
  const std::vector<RowSummary> rows = summarise(plan, results);
  const bool one_level =
      std::any_of(rows.begin(), rows.end(), [](const RowSummary& row) { return row.one_level; });
  return "## " + plan.title + "\n" + settings_table(rows, one_level) + accuracy_table(plan, rows, one_level) +
         difference_table(rows, one_level) + novel_table(rows, one_level) +
         prediction_table(plan, rows, one_level) + fold_table(rows, one_level) +
         score_table(
             rows, Level::sub, "near",
             fmt::format("Table 7: held-out {} told from seen ones", classes_word(Level::sub, one_level))) +
         score_table(rows, Level::super, "far_held_out",
                     fmt::format("Table 8: held-out CIFAR groups told from known {}",
                                 one_level ? "classes" : "superclasses"));
}

}  // namespace tern
