// The gradients of a training that several ranks do together, summed over all of them while the backward pass still runs.
//
// Parameters lie in buckets, the last layers' first, as the pass completes them. A bucket is sent when it is full and all before
// it have been sent: every rank sends the same buckets in the same order, whatever its own order of completion.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "engine/autograd/variable.h"
#include "engine/distributed/communicator.h"

namespace tern {

class GradientBuckets {
 public:
  /// `parameters`: leaves of f32 on the CPU that require gradients, in the order of the forward pass; the same on all ranks.
  /// A bucket holds as many as fit into `bytes`, and one at least.
  GradientBuckets(Communicator& ranks, const std::vector<Variable>& parameters, std::int64_t bytes);
  ~GradientBuckets();
  GradientBuckets(const GradientBuckets&) = delete;
  GradientBuckets& operator=(const GradientBuckets&) = delete;

  /// Takes a leaf's gradient, which is complete (LeafReady of tape.h). Leaves that are none of the parameters are passed over.
  void take(const Variable& leaf);
  /// After the backward pass: waits until every gradient is the sum of those of all ranks. Those of leaves that the pass did not
  /// reach count as 0. The gradients are then the buckets' memory, until the next backward pass gives others.
  void finish();

  std::size_t buckets() const { return buckets_.size(); }

 private:
  struct Bucket {
    std::vector<Variable> leaves;
    std::vector<Tensor> gradients;  ///< of each leaf: a part of `memory`
    Tensor memory;
    std::size_t missing = 0;  ///< leaves whose gradients have not come
    std::unique_ptr<PendingSum> sum;
  };
  struct Place {
    std::size_t bucket, leaf;
    bool taken = false;
  };

  void add_bucket(std::vector<Variable> leaves);
  void send_full_ones();

  Communicator& ranks_;
  std::vector<Bucket> buckets_;
  std::unordered_map<const void*, Place> places_;  ///< by the parameter's elements
  std::size_t sent_ = 0;
};

}  // namespace tern
