// What TensorBoard shows of a training: event files (engine/io/event_log.h) in the run folder. Steps are
// epochs, and every tag begins with the model's name, `two_heads`, `super` or `sub`:
//
//   MODEL/<column of metrics.csv>              scalars
//   MODEL/weights/<parameter>                  histogram of a head's weights after the epoch
//   MODEL/change/<parameter>                   histogram of what the epoch added to them
//   MODEL/val_<level>_probability_<kind>       histogram of each validation image's largest softmax
//                                              probability; kind: seen, or novel for CIFAR images
//   MODEL/val_<level>_mistakes/<true class> taken for <answer>/<image>
//                                              of a new best model: the most confident mistakes, as pictures
//
// An epoch is logged before its training state is on the disk, and a resumed training first takes out what
// was logged of epochs that it will make again: each epoch is there once, whenever the process dies. A
// resumed training logs to a file of its own. Nothing of a training depends on these files.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/run/run_folder.h"
#include "apps/train/epoch_metrics.h"
#include "data/dataset.h"
#include "data/loader.h"
#include "engine/io/event_log.h"
#include "engine/optim/parameter.h"
#include "engine/tensor/tensor.h"

namespace tern {

class Tracker {
 public:
  /// Mistakes of a level that a new best model's events show.
  static constexpr std::size_t kMistakes = 6;

  /// `heads`: the parameters of the model's heads. `run` and `dataset` must outlive the tracker.
  Tracker(const Run& run, Part part, const Dataset& dataset, std::vector<ParameterEntry> heads);

  /// Takes out what was logged of this model's epochs after `epoch`. Throws what forget_events() throws.
  void keep_until(std::int64_t epoch);
  /// Remembers the heads' weights and forgets the last validation.
  void start_epoch();
  /// What a validation found for images of the dataset, head by head: the most probable class [n] i32 and its
  /// probability [n] f32.
  void add_validation(const std::vector<std::int64_t>& images, std::span<const Tensor> answers,
                      std::span<const Tensor> probabilities);
  /// Logs an epoch, on the disk when this returns; makes the file if it is the first one. Throws what EventLog throws.
  void write(const EpochMetrics& metrics, bool best);

 private:
  struct Answer {
    std::int64_t image = 0;  ///< in the dataset
    std::int32_t truth = 0, given = 0;
    float probability = 0;
  };
  struct LevelAnswers {
    Level level;
    std::vector<Answer> answers;
  };

  std::string tag(const std::string& name) const;
  void write_histogram(const std::string& name, std::int64_t step, std::vector<float> values);
  void write_heads(std::int64_t step);
  void write_probabilities(const LevelAnswers& answered, std::int64_t step);
  void write_mistakes(const LevelAnswers& answered, std::int64_t step);

  const Run& run_;
  const Part part_;
  const Dataset& dataset_;
  const std::vector<ParameterEntry> heads_;
  std::vector<std::vector<float>> heads_before_;
  std::vector<LevelAnswers> levels_;  ///< one per head
  std::optional<EventLog> log_;
};

}  // namespace tern
