// The trainings that a row of a study asks for, with one seed:
//
//   fold-1 .. fold-K    a K-th of the subclasses and of the CIFAR groups held out: what is unseen, and tau
//   without-NAME        one superclass left out, if the plan asks for it
//   last                on all classes, or as the row's settings say: what predicts
//
// Rows whose settings agree share a training: it lies in the folder of the first. A row with members trains nothing of
// its own; its runs are those of its members, which answer together.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "apps/study/plan.h"
#include "models/heads.h"

namespace tern {

struct Training {
  std::filesystem::path folder;
  std::filesystem::path config;
  std::vector<std::string> sets;
  WeightSource weights;
};

/// What is measured: one training, or several of the same classes and split that answer together.
struct StudyRun {
  std::string title;  ///< "fold 2 of 3", "without bird", "all classes"
  std::vector<Training> members;

  const std::filesystem::path& folder() const { return members.front().folder; }  ///< of what is measured
  std::vector<std::filesystem::path> folders() const;
};

struct RowRuns {
  const StudyRow* row = nullptr;
  std::int64_t seed = 0;
  std::filesystem::path folder;
  std::vector<StudyRun> folds;
  std::vector<std::pair<std::string, StudyRun>> without;  ///< by the superclass left out
  StudyRun last;

  std::string title() const;                 ///< "b, seed 42"
  std::vector<const StudyRun*> all() const;  ///< in the order in which they are trained
};

/// What runs are made from.
struct StudyInputs {
  std::filesystem::path out;
  std::vector<std::string> superclasses;  ///< without "novel"
  std::vector<std::string> cifar_groups;  ///< those that may be held out; empty: no CIFAR images at hand
  std::map<std::string, WeightSource> weights;  ///< by name; "" is the file without one
};

/// Seed by seed, in each the rows that have so many, in the plan's order. The plan must outlive what is
/// returned. Throws Error for weights that a row names and nobody gave.
std::vector<RowRuns> plan_runs(const StudyPlan& plan, const StudyInputs& inputs);

}  // namespace tern
