// Several runs that answer together, each image seen in one or several views: log-probabilities are averaged, and so
// are novelty scores (novelty_confidence.h). One run and one view is the ordinary case, whose logits stay as they are.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "apps/measure/study_models.h"
#include "apps/measure/views.h"

namespace tern {

/// Opens them. Throws Error naming the run that is not of the classes, levels and held-out classes of the first, or that
/// is named twice.
std::vector<Run> open_ensemble(const std::vector<std::filesystem::path>& folders);

/// The images of the runs, by run: those of equal settings share theirs. All have the same images in the same parts.
using EnsembleData = std::vector<std::shared_ptr<const StudyData>>;

/// Throws Error naming the run whose images or split are not the first one's.
EnsembleData load_ensemble_data(const std::vector<Run>& runs, const DataFolders& folders);

/// What runs said, for commands that follow each other in one process and ask the same of the same images: by folder of
/// the run, label of the images, and view. Held in memory: 4 bytes for each feature and logit of each image.
struct ScoreMemo {
  bool with_features = false;  ///< keep features, even where the first to ask wants none
  std::map<std::tuple<std::filesystem::path, std::string, View>, Scores> scores;
};

class EnsembleModels {
 public:
  /// `memo` or null: the models are asked only for what it does not have, and it is given that.
  EnsembleModels(const std::vector<Run>& runs, const std::vector<View>& views, Device device,
                 ScoreMemo* memo = nullptr);

  /// As StudyModels::share_among(). Throws Error naming a rank that has other models.
  void share_among(Communicator* ranks);

  std::size_t size() const { return members_.size(); }
  StudyModels& member(std::size_t i) { return *members_[i]; }
  bool has(Level level) const { return members_.front()->has(level); }
  std::vector<Level> levels() const { return members_.front()->levels(); }

  /// How often each image is looked at: by every run, in every view.
  std::size_t looks() const { return members_.size() * views_.size(); }
  /// Whether what is said is kept for who asks again.
  bool has_memo() const { return memo_ != nullptr; }

  /// `datasets`: of each run, with the same images in the same order. With more than one run or view, the members of
  /// the scores are what each says. Shows progress as `label`, which stands for the images in the memo.
  Scores score(const std::vector<const Dataset*>& datasets, const std::vector<std::int64_t>& indices,
               const char* label, bool with_features = false) {
    return score(datasets, indices, label, with_features, views_);
  }
  /// The same, in other views.
  Scores score(const std::vector<const Dataset*>& datasets, const std::vector<std::int64_t>& indices,
               const char* label, bool with_features, const std::vector<View>& views);
  /// In the ensemble's own views, told to `scored` and not shown: how many of the images have been looked at, of those
  /// looked at in part a part.
  Scores score(const std::vector<const Dataset*>& datasets, const std::vector<std::int64_t>& indices,
               const char* label, bool with_features, const StudyModels::Scored& scored) {
    return score_in(views_, datasets, indices, label, with_features, scored);
  }

 private:
  Scores score_in(const std::vector<View>& views, const std::vector<const Dataset*>& datasets,
                  const std::vector<std::int64_t>& indices, const char* label, bool with_features,
                  const StudyModels::Scored& scored);
  /// Of one member in one view.
  Scores score_member(std::size_t member, const Dataset& dataset, const std::vector<std::int64_t>& indices,
                      const char* label, bool with_features, const View& view,
                      const StudyModels::Scored& scored);

  std::vector<View> views_;
  std::vector<std::unique_ptr<StudyModels>> members_;
  std::vector<std::filesystem::path> folders_;  ///< of the members
  ScoreMemo* memo_;
};

/// By part of the split; a part that was not asked for, or has no images, is empty.
struct ScoredParts {
  Scores train, validation, pseudo_novel, pseudo_novel_super;
  Scores made = {};  ///< images that score_outliers() made
};

/// What one run says in one view; the training part in its first view.
ScoredParts parts_of_member(const ScoredParts& scored, std::size_t run, std::size_t view);
std::size_t count_views(const ScoredParts& scored);

enum class WithTraining { no, yes };

/// Of `count` images of no class, made of validation images (data/outliers.h).
Scores score_outliers(EnsembleModels& models, const EnsembleData& data, std::int64_t count,
                      std::uint64_t seed, bool features);

/// `features`: keep them, for novelty scores. The training part, which scores are fitted to, if asked for: as its images
/// are, whatever the views.
ScoredParts score_parts(EnsembleModels& models, const EnsembleData& data, bool features,
                        WithTraining training);

}  // namespace tern
