#include "apps/study/runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "engine/core/check.h"

namespace tern {
namespace {

/// The groups that fold `fold` of `folds` holds out, dealt in turn; those that are excluded stay out.
std::vector<std::string> groups_of_fold(const std::vector<std::string>& groups,
                                        const std::vector<std::string>& excluded, std::int64_t fold,
                                        std::int64_t folds) {
  std::vector<std::string> held_out;
  std::int64_t next = 0;
  for (const std::string& group : groups) {
    if (std::find(excluded.begin(), excluded.end(), group) != excluded.end()) continue;
    if (next++ % folds == fold - 1) held_out.push_back(group);
  }
  return held_out;
}

std::string set_text(const char* key, const ConfigValue& value) {
  return fmt::format("{}={}", key, value_text(value));
}

/// Makes the runs of rows, and knows which settings were asked for before.
class RunMaker {
 public:
  RunMaker(const StudyPlan& plan, const StudyInputs& inputs) : plan_(plan), inputs_(inputs) {}

  RowRuns make(const StudyRow& row, std::int64_t seed) {
    RowRuns runs;
    runs.row = &row;
    runs.seed = seed;
    runs.folder = inputs_.out / row.name / fmt::format("seed-{}", seed);
    if (row.members.empty()) {
      add_own(runs);
    } else {
      for (const std::string& member : row.members) add_members(runs, make(row_named(member), seed));
    }
    return runs;
  }

 private:
  using Names = std::vector<std::string>;

  void add_own(RowRuns& runs) {
    const StudyRow& row = *runs.row;
    const std::int64_t seed = runs.seed;
    const Config config = row.resolved();

    for (std::int64_t fold = 1; fold <= row.folds; ++fold) {
      runs.folds.push_back(run(runs, fmt::format("fold-{}", fold),
                               fmt::format("fold {} of {}", fold, row.folds),
                               fold_sets(row, config, seed, fold)));
    }
    for (const std::string& name : row.leave_superclasses_out ? inputs_.superclasses : Names{}) {
      runs.without.push_back({name, run(runs, "without-" + folder_name(name), "without " + name,
                                        {set_text("split_seed", seed), "hold_out=false",
                                         set_text("hold_out_superclass", name)})});
    }
    runs.last = row.retrain ? run(runs, "last", "all classes", {"hold_out=false"})
                            : run(runs, "last", "the settings' own classes", {});
  }

  /// Appends the trainings of a member to the runs, each to its like.
  static void add_members(RowRuns& runs, const RowRuns& member) {
    const auto append = [](StudyRun& run, const StudyRun& more) {
      run.title = more.title;
      run.members.insert(run.members.end(), more.members.begin(), more.members.end());
    };
    runs.folds.resize(member.folds.size());
    runs.without.resize(member.without.size());
    for (std::size_t i = 0; i < member.folds.size(); ++i) append(runs.folds[i], member.folds[i]);
    for (std::size_t i = 0; i < member.without.size(); ++i) {
      runs.without[i].first = member.without[i].first;
      append(runs.without[i].second, member.without[i].second);
    }
    append(runs.last, member.last);
  }

  const StudyRow& row_named(const std::string& name) const {
    return *std::find_if(plan_.rows.begin(), plan_.rows.end(),
                         [&name](const StudyRow& row) { return row.name == name; });
  }

  Names fold_sets(const StudyRow& row, const Config& config, std::int64_t seed, std::int64_t fold) const {
    Names sets{"hold_out=true", set_text("hold_out_folds", row.folds), set_text("hold_out_fold", fold),
               set_text("split_seed", seed)};
    const Names groups = groups_of_fold(inputs_.cifar_groups, config.cifar_exclude_groups, fold, row.folds);
    if (!groups.empty()) sets.push_back(set_text("cifar_hold_out_groups", groups));
    return sets;
  }

  /// A superclass name as a part of a path.
  static std::string folder_name(std::string name) {
    std::replace_if(
        name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
    return name;
  }

  StudyRun run(const RowRuns& runs, const std::string& name, std::string title, const Names& more) {
    Training made{runs.folder / name, runs.row->config, runs.row->sets, weights_of(*runs.row)};
    made.sets.push_back(set_text("seed", runs.seed));
    made.sets.insert(made.sets.end(), more.begin(), more.end());
    const std::string settings = config_text(read_config(made.config, made.sets)) +
                                 made.weights.file.string() + "\n" + made.weights.key;
    made.folder = folders_.emplace(settings, made.folder).first->second;
    return {std::move(title), {std::move(made)}};
  }

  WeightSource weights_of(const StudyRow& row) const {
    const auto found = inputs_.weights.find(row.weights);
    if (found != inputs_.weights.end()) return found->second;
    if (row.weights.empty()) return {};
    throw Error(fmt::format("{} row {} weights", plan_.file.string(), row.name),
                fmt::format("--weights {}=FILE", row.weights), "none");
  }

  const StudyPlan& plan_;
  const StudyInputs& inputs_;
  std::map<std::string, std::filesystem::path> folders_;  ///< by settings and weights
};

}  // namespace

std::vector<std::filesystem::path> StudyRun::folders() const {
  std::vector<std::filesystem::path> folders;
  for (const Training& member : members) folders.push_back(member.folder);
  return folders;
}

std::string RowRuns::title() const {
  return fmt::format("{}, seed {}", row->name, seed);
}

std::vector<const StudyRun*> RowRuns::all() const {
  std::vector<const StudyRun*> runs;
  for (const StudyRun& run : folds) runs.push_back(&run);
  runs.push_back(&last);
  for (const auto& [name, run] : without) runs.push_back(&run);
  return runs;
}

std::vector<RowRuns> plan_runs(const StudyPlan& plan, const StudyInputs& inputs) {
  RunMaker maker(plan, inputs);
  std::vector<RowRuns> runs;
  std::size_t max_seeds = 0;
  for (const StudyRow& row : plan.rows) max_seeds = std::max(max_seeds, row.seeds.size());
  for (std::size_t i = 0; i < max_seeds; ++i) {
    for (const StudyRow& row : plan.rows) {
      if (i < row.seeds.size()) runs.push_back(maker.make(row, row.seeds[i]));
    }
  }
  return runs;
}

}  // namespace tern
