// A run folder: everything that a training leaves behind, and what evaluate and predict read.
//
//   config.toml     the resolved settings; a comment tells where --resume asked for more epochs than before
//   summary.json    data, split, classes, best and last metrics, timings; threads, device and versions of
//                   each session (session.h)
//   split.csv       which image is in which part
//   metrics.csv     a row for each epoch of each model
//   events.out.tfevents.*     the same and more for TensorBoard; a new file with each resuming
//   calibration.json, evaluation.json     what tern calibrate and tern evaluate found
//   known_features.safetensors     features of the training images, for the pages that show an image's nearest ones
//   checkpoints/    last.safetensors, best.safetensors     two heads on one backbone; with ema_decay the average
//                   last_super, best_super, last_sub, best_sub .safetensors     two models
//                   state*.safetensors     what resuming needs: model, optimiser and progress in one file
//   lock            while a training runs (engine/io/folder_lock.h). One that a killed training left means
//                   nothing. Only trainings heed it: the others read what is whole at any time.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "apps/run/config.h"
#include "data/dataset.h"
#include "engine/io/json.h"
#include "models/heads.h"

namespace tern {

/// One network that is trained as a whole.
enum class Part { two_heads, super, sub };

const char* name_of(Part part);  ///< "two_heads", "super", "sub"
/// Of the classes that it tells apart, in the order of its heads.
std::vector<Level> levels_of(Part part);
bool has_level(Part part, Level level);
/// In the order in which they are trained.
std::vector<Part> parts_of(const Config& config);

class Run {
 public:
  Config config;
  Json summary;

  /// Makes the folder with config.toml and checkpoints/. Throws Error unless it is absent or empty (but for
  /// its lock).
  static Run create(const std::filesystem::path& folder, const Config& config);
  /// Throws Error{folder, ...} if it is not a run, Error{file, ...} for a config.toml or summary.json that is
  /// damaged. A run that has not begun has a null summary.
  static Run open(const std::filesystem::path& folder);
  /// The run of `folder` on a rank that is not the root, whose host need not have the folder: it is neither read nor written.
  static Run of_root(const std::filesystem::path& folder, const Config& config);
  /// Throws Error naming `folder` if create() would.
  static void check_free(const std::filesystem::path& folder);

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path metrics_file() const { return folder_ / "metrics.csv"; }
  std::filesystem::path split_file() const { return folder_ / "split.csv"; }
  std::filesystem::path last_model(Part part) const { return checkpoint("last", part); }
  std::filesystem::path best_model(Part part) const { return checkpoint("best", part); }
  std::filesystem::path training_state(Part part) const { return checkpoint("state", part); }

  void save_config() const;
  void save_summary() const;
  /// Throws Error{option, ...} if writing `path` would replace a file of the run, or of another run that it lies in, or lie
  /// among their checkpoints.
  void check_not_own(const std::string& option, const std::filesystem::path& path) const;
  /// What is to be said before the best models of a run are used that was not trained to the end: a line;
  /// empty for any other run.
  std::string unfinished_text() const;
  /// For errors about images that are not those of before: another decoder gives a JPEG other pixels. Empty
  /// if the run was made with this one.
  std::string decoder_text() const;
  bool has_checkpoints() const;
  /// What was wanted where there is no summary, with what to do.
  std::string summary_wanted() const;
  /// Removes what interrupted writes left behind.
  void remove_temporary_files() const;

  // What the summary says, checked; each throws Error{summary.json key, ...} if it is missing or no such
  // thing.
  std::string summary_text(const char* group, const char* key) const;
  /// What it was started with; an empty source for random weights.
  WeightSource weights() const;
  ClassTable classes() const;
  std::vector<std::int32_t> held_out_subclasses() const;
  /// 1 for each class that was trained on.
  std::vector<std::uint8_t> trained(Level level) const;

 private:
  explicit Run(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path checkpoint(const char* which, Part part) const;
  std::string summary_subject(const std::string& key) const;
  template <typename T>
  T summary_value(const char* group, const char* key, const char* wanted) const;

  std::filesystem::path folder_;
};

/// The same of the run that `path` lies in, if it lies in one.
void check_not_of_a_run(const std::string& option, const std::filesystem::path& path);

}  // namespace tern
