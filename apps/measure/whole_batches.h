// How several ranks share the images that a model looks at: in whole batches, since what a batch is made of may change the last
// bits of what comes out.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tern {

class WholeBatches {
 public:
  WholeBatches(std::int64_t images, std::int64_t batch_size, int ranks)
      : images_(images), batch_size_(batch_size), ranks_(ranks) {}

  /// In a round every rank takes one batch, or none in the last one.
  std::int64_t rounds() const { return (images_ + batch_size_ * ranks_ - 1) / (batch_size_ * ranks_); }

  /// Of the batch that a rank takes in a round: its first image, and how many it has; 0 for none.
  std::int64_t begin(std::int64_t round, int rank) const { return (round * ranks_ + rank) * batch_size_; }
  std::int64_t size(std::int64_t round, int rank) const {
    return std::clamp<std::int64_t>(images_ - begin(round, rank), 0, batch_size_);
  }

  /// The images of all batches of a rank, in their order.
  std::vector<std::int64_t> of_rank(int rank) const {
    std::vector<std::int64_t> own;
    for (std::int64_t round = 0; round < rounds(); ++round) {
      for (std::int64_t i = 0; i < size(round, rank); ++i) own.push_back(begin(round, rank) + i);
    }
    return own;
  }

 private:
  std::int64_t images_, batch_size_;
  int ranks_;
};

}  // namespace tern
