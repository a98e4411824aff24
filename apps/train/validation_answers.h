// What a validation answered image by image, gathered from all ranks.
#pragma once

#include <cstdint>
#include <vector>

#include "apps/common/step_results.h"
#include "engine/distributed/communicator.h"
#include "engine/tensor/tensor.h"

namespace tern {

class ValidationAnswers {
 public:
  void add(const StepResult& step);

  /// Of all images in the order of the batches, whatever the number of ranks.
  struct Gathered {
    std::vector<std::int64_t> images;   ///< in the dataset
    std::vector<Tensor> answers;        ///< by head: [images] i32
    std::vector<Tensor> probabilities;  ///< by head: [images] f32
  };
  /// At the root; elsewhere empty. Called by all ranks.
  Gathered gather(Communicator& ranks) const;

 private:
  static constexpr std::size_t kHeads = 2;
  struct Row {
    std::int64_t step, image;
    std::int32_t heads;
    std::int32_t answers[kHeads];
    float probabilities[kHeads];
    std::int32_t unused;  ///< no byte is left unset
  };
  std::vector<Row> rows_;
};

}  // namespace tern
