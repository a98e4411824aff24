#include "apps/study/table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "apps/study/estimate.h"

namespace tern {
namespace {

/// The results of one row, by seed.
struct Collected {
  const StudyRow* row = nullptr;
  std::vector<const RowResult*> results;
};

std::vector<Collected> by_row(const StudyPlan& plan, const std::vector<RowResult>& results) {
  std::vector<Collected> rows;
  for (const StudyRow& row : plan.rows) {
    Collected collected{&row, {}};
    for (const RowResult& result : results) {
      if (result.row->name == row.name) collected.results.push_back(&result);
    }
    if (!collected.results.empty()) rows.push_back(std::move(collected));
  }
  return rows;
}

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

std::string settings_table(const std::vector<Collected>& rows) {
  std::string text =
      head("Table 1: the rows", "Adam, two models unless a KL term is named; heads are superclass, subclass.",
           {"row", "backbone", "heads", "KL", "CIFAR", "fine-tuning, rate", "epochs", "blur cue", "split",
            "last training", "tau"});
  for (const Collected& collected : rows) {
    const StudyRow& row = *collected.row;
    const Config config = row.resolved();
    text += line({row.title, config.backbone,
                  fmt::format("{}, {}", value_of(config, "super_head"), value_of(config, "sub_head")),
                  kl_text(config), cifar_text(config), fine_tuning_text(config),
                  fmt::format("{}", config.epochs), config.remove_blur_cue ? "removed" : "left",
                  value_of(config, "split"), row.retrain ? "all classes" : "some held out",
                  row.threshold.empty() ? fmt::format("{:g}, {:g}", config.tau_super, config.tau_sub)
                                        : row.threshold});
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

/// The estimates of all folds of all seeds; of the pooled ones where there are no folds.
std::vector<Estimate> single_estimates(const Collected& row) {
  std::vector<Estimate> estimates;
  for (const RowResult* result : row.results) {
    const bool folds = result->result.contains("estimate_by_fold");
    if (!folds) estimates.push_back(estimate_from(result->result.at("estimate")));
    for (const Json& json : folds ? result->result.at("estimate_by_fold") : Json::array()) {
      estimates.push_back(estimate_from(json));
    }
  }
  return estimates;
}

template <typename Value>
MeanDeviation collect(const std::vector<Estimate>& estimates, Value&& value_of_estimate) {
  std::vector<double> values;
  for (const Estimate& one : estimates) {
    if (const Percent value = value_of_estimate(one)) values.push_back(*value);
  }
  return mean_deviation(values);
}

/// How single folds scatter; none where an accuracy does not hang on the fold and there is one seed.
template <typename Value>
Percent scatter(const Collected& row, const std::vector<Estimate>& pooled, Value&& value) {
  const MeanDeviation of_seeds = collect(pooled, value), of_folds = collect(single_estimates(row), value);
  const bool same_in_folds =
      std::all_of(row.results.begin(), row.results.end(), [&](const RowResult* result) {
        return collect(single_estimates({row.row, {result}}), value).deviation.value_or(0) <
               1e-9;  // equal but for rounding
      });
  return same_in_folds ? of_seeds.deviation : of_folds.deviation;
}

/// "overall / seen / unseen", each the mean of the pooled estimates ± the scatter.
std::string estimated_text(const Collected& row, LevelAccuracy Estimate::*level) {
  std::vector<Estimate> pooled;
  for (const RowResult* result : row.results) pooled.push_back(estimate_from(result->result.at("estimate")));
  std::vector<std::string> parts;
  for (const Accuracy accuracy : kAccuracies) {
    const auto value = [&](const Estimate& one) { return one.*level.*accuracy; };
    parts.push_back(number({collect(pooled, value).mean, scatter(row, pooled, value)}));
  }
  return fmt::format("{}", fmt::join(parts, " / "));
}

std::string accuracy_table(const StudyPlan& plan, const std::vector<Collected>& rows) {
  std::string text = head(
      "Table 2: accuracy, overall / seen / unseen, in percent",
      fmt::format(
          "Published: the reference's, on a leaderboard. tern: estimated from images of known classes, "
          "for a mix of {:.3g} % known, {:.3g} % of a novel subclass, {:.3g} % of a novel superclass; ± is "
          "the deviation of single folds, over all seeds. Novel superclasses are CIFAR groups held out, "
          "unless "
          "the row says otherwise. Minutes are those of the trainings that a row uses, shared ones too.",
          plan.mix.seen, plan.mix.novel_subclass, plan.mix.novel_superclass),
      {"row", "super, published", "super, tern", "sub, published", "sub, tern", "seeds × folds", "minutes"});
  for (const Collected& row : rows) {
    double seconds = 0;
    for (const RowResult* result : row.results) seconds += result->result.value("training_seconds", 0.0);
    text += line(
        {row.row->title, published_text(row.row->published_super), estimated_text(row, &Estimate::super),
         published_text(row.row->published_sub), estimated_text(row, &Estimate::sub),
         fmt::format("{} × {}", row.results.size(), row.row->folds), fmt::format("{:.1f}", seconds / 60)});
  }
  return text;
}

// ---- Table 3: one factor

/// Differences of two rows, fold by fold of the seeds that both have.
std::vector<Estimate> differences(const Collected& with, const Collected& without) {
  const auto minus = [](const LevelAccuracy& a, const LevelAccuracy& b) {
    LevelAccuracy difference;
    for (const Accuracy accuracy : kAccuracies) {
      if (a.*accuracy && b.*accuracy) difference.*accuracy = *(a.*accuracy) - *(b.*accuracy);
    }
    return difference;
  };
  std::vector<Estimate> all;
  for (const RowResult* a : with.results) {
    for (const RowResult* b : without.results) {
      if (a->seed != b->seed) continue;
      const std::vector<Estimate> first = single_estimates({with.row, {a}}),
                                  second = single_estimates({without.row, {b}});
      for (std::size_t i = 0; i < std::min(first.size(), second.size()); ++i) {
        all.push_back({minus(first[i].super, second[i].super), minus(first[i].sub, second[i].sub)});
      }
    }
  }
  return all;
}

std::string difference_table(const std::vector<Collected>& rows) {
  std::string text, body;
  for (const Collected& row : rows) {
    const auto other = std::find_if(rows.begin(), rows.end(), [&](const Collected& one) {
      return one.row->name == row.row->compare_with;
    });
    if (other == rows.end()) continue;
    const std::vector<Estimate> pairs = differences(row, *other);
    std::vector<std::string> cells{row.row->title, other->row->title};
    for (const auto level : {&Estimate::super, &Estimate::sub}) {
      for (const Accuracy accuracy : kAccuracies) {
        const MeanDeviation d = collect(pairs, [&](const Estimate& one) { return one.*level.*accuracy; });
        cells.push_back(d.mean ? fmt::format("{:+.1f}", *d.mean) +
                                     (d.deviation ? fmt::format(" ± {:.1f}", *d.deviation) : "")
                               : "-");
      }
    }
    cells.push_back(fmt::format("{}", pairs.size()));
    body += line(cells);
  }
  if (body.empty()) return "";
  return head("Table 3: what one factor changes",
              "The row minus the one beside it, in percentage points: mean ± deviation of the differences "
              "fold "
              "by fold.",
              {"row", "compared with", "super overall", "super seen", "super unseen", "sub overall",
               "sub seen", "sub unseen", "pairs"}) +
         body;
}

// ---- Table 4: kinds of novel superclasses

/// Over the parts of all seeds that have the number.
template <typename Parts>
MeanDeviation collect_json(const Collected& row, Parts&& parts, const char* level, const char* name) {
  std::vector<double> values;
  for (const RowResult* result : row.results) {
    for (const Json& part : parts(result->result)) {
      if (part.at(level).contains(name)) values.push_back(part.at(level).at(name).template get<double>());
    }
  }
  return mean_deviation(values);
}

std::string novel_table(const std::vector<Collected>& rows) {
  std::string text =
      head("Table 4: novel superclasses called novel, in percent",
           "CIFAR images of groups trained on, CIFAR images of groups held out, and a superclass "
           "of the study left out, each as mean ± deviation over folds and seeds.",
           {"row", "super, trained groups", "super, held-out groups", "super, superclass left out",
            "sub, held-out groups", "sub, superclass left out"});
  const auto folds = [](const Json& result) { return result.value("folds", Json::array()); };
  const auto without = [](const Json& result) { return result.value("without", Json::object()); };
  const char* const held_out = "far_held_out_found_percent";
  for (const Collected& row : rows) {
    text += line({row.row->title, number(collect_json(row, folds, "super", "far_trained_found_percent")),
                  number(collect_json(row, folds, "super", held_out)),
                  number(collect_json(row, without, "super", held_out)),
                  number(collect_json(row, folds, "sub", held_out)),
                  number(collect_json(row, without, "sub", held_out))});
  }
  return text;
}

// ---- Predictions

std::string prediction_table(const StudyPlan& plan, const std::vector<Collected>& rows) {
  std::string body;
  for (const Collected& row : rows) {
    std::vector<std::string> cells{row.row->title};
    for (const char* name : {"novel_superclass_percent", "novel_subclass_percent", "contradicting_percent"}) {
      std::vector<double> values;
      for (const RowResult* result : row.results) {
        const Json predictions = result->result.value("predictions", Json::object());
        if (predictions.contains(name)) values.push_back(predictions.at(name).get<double>());
      }
      cells.push_back(number(mean_deviation(values)));
    }
    if (cells[1] != "-") body += line(cells);
  }
  if (body.empty()) return "";
  return head("Table 5: what the images to be predicted are called, in percent",
              fmt::format(
                  "Nobody has their labels; by the mix {:.3g} % are of a novel superclass and {:.3g} % of "
                  "a novel subclass. The last column: a known subclass beside another superclass.",
                  plan.mix.novel_superclass, plan.mix.novel_subclass + plan.mix.novel_superclass),
              {"row", "novel superclass", "novel subclass", "contradicting"}) +
         body;
}

// ---- Tables 6 and 7: novelty scores

using ScoreValues = std::vector<std::pair<std::string, std::vector<double>>>;

std::vector<double>& values_of(ScoreValues& scores, const std::string& name) {
  for (auto& [known, values] : scores) {
    if (known == name) return values;
  }
  return scores.emplace_back(name, std::vector<double>()).second;
}

/// AUROC in percent of every fold, by score, in the order of the file.
ScoreValues auroc_by_score(const Collected& row, const char* level, const char* kind) {
  ScoreValues found;
  for (const RowResult* result : row.results) {
    for (const Json& fold : result->result.value("folds", Json::array())) {
      if (!fold.contains("novelty") || !fold["novelty"].at(level).contains(kind)) continue;
      for (const auto& [name, score] : fold["novelty"][level][kind].at("scores").items()) {
        std::vector<double>& values = values_of(found, name);
        if (score.contains("auroc_percent")) values.push_back(score["auroc_percent"].get<double>());
      }
    }
  }
  return found;
}

std::string score_table(const std::vector<Collected>& rows, const char* level, const char* kind,
                        const std::string& title) {
  std::vector<std::string> header{"row"};
  std::string body;
  for (const Collected& row : rows) {
    const auto scores = auroc_by_score(row, level, kind);
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

Json study_json(const StudyPlan& plan, const std::vector<RowResult>& results) {
  Json json = {{"title", plan.title}, {"rows", Json::array()}};
  for (const RowResult& result : results) {
    json["rows"].push_back({{"name", result.row->name}, {"title", result.row->title}, {"seed", result.seed}});
    json["rows"].back().update(result.result);
  }
  return json;
}

std::string study_tables(const StudyPlan& plan, const std::vector<RowResult>& results) {
  const std::vector<Collected> rows = by_row(plan, results);
  return "## " + plan.title + "\n" + settings_table(rows) + accuracy_table(plan, rows) +
         difference_table(rows) + novel_table(rows) + prediction_table(plan, rows) +
         score_table(rows, "sub", "near", "Table 6: held-out subclasses told from seen ones") +
         score_table(rows, "super", "far_held_out",
                     "Table 7: held-out CIFAR groups told from known superclasses");
}

}  // namespace tern
