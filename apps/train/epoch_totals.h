// What the steps of an epoch add up to.
#pragma once

#include <cstdint>

#include "apps/common/step_results.h"
#include "apps/run/config.h"
#include "apps/run/run_folder.h"
#include "data/dataset.h"
#include "engine/distributed/communicator.h"
#include "engine/metrics/accuracy.h"

namespace tern {

struct EpochTotals {
  double loss_by_image = 0, loss_by_batch = 0;
  std::int64_t images = 0, batches = 0;
  ByLevel<NoveltyCounts> counts;

  /// A step of this rank's. Its loss is the mean over the rank's images.
  void add(Part part, const Dataset& dataset, const StepResult& step);
  /// Those of all ranks, which have done the same batches.
  void add_over_ranks(Communicator& ranks);
  double loss(LossAverage average) const;
};

}  // namespace tern
