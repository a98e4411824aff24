#include "apps/train/epoch_totals.h"

#include <algorithm>
#include <vector>

namespace tern {
namespace {

/// labels: of the whole dataset.
void count_answers(const Tensor& answers, const std::vector<std::int64_t>& images,
                   const std::vector<std::int32_t>& labels, std::int32_t novel, NoveltyCounts& counts) {
  const std::vector<std::int32_t> given = answers.to_vector<std::int32_t>();
  for (std::size_t row = 0; row < given.size(); ++row) {
    counts.add(labels[static_cast<std::size_t>(images[row])], given[row], novel);
  }
}

}  // namespace

void EpochTotals::add(Part part, const Dataset& dataset, const StepResult& step) {
  const auto size = static_cast<std::int64_t>(step.images.size());
  const auto batch_loss = static_cast<double>(step.outputs.loss.item());
  loss_by_image += batch_loss * static_cast<double>(size);
  loss_by_batch += batch_loss * static_cast<double>(step.share);
  images += size;
  ++batches;
  auto answers = step.outputs.answers.begin();
  for (const Level level : levels_of(part)) {
    count_answers(*answers++, step.images, dataset.labels(level), dataset.classes.novel(level),
                  counts[level]);
  }
}

void EpochTotals::add_over_ranks(Communicator& ranks) {
  std::vector<double> sums{loss_by_image, loss_by_batch};
  std::vector<std::int64_t*> whole{&images};
  for (const Level level : kLevels) {
    NoveltyCounts& of = counts[level];
    for (std::int64_t* count :
         {&of.seen, &of.seen_correct, &of.seen_called_novel, &of.novel, &of.novel_correct}) {
      whole.push_back(count);
    }
  }
  for (const std::int64_t* count : whole) sums.push_back(static_cast<double>(*count));  // exact below 2^53
  ranks.all_reduce(sums);
  loss_by_image = sums[0];
  loss_by_batch = sums[1];
  for (std::size_t i = 0; i < whole.size(); ++i) *whole[i] = static_cast<std::int64_t>(sums[2 + i]);
}

double EpochTotals::loss(LossAverage average) const {
  const double sum = average == LossAverage::image ? loss_by_image : loss_by_batch;
  const std::int64_t count = average == LossAverage::image ? images : batches;
  return sum / static_cast<double>(std::max<std::int64_t>(count, 1));
}

}  // namespace tern
