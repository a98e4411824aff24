#include "engine/distributed/gradient_buckets.h"

#include <utility>

#include "engine/backend/elementwise.h"

namespace tern {

GradientBuckets::GradientBuckets(Communicator& ranks, const std::vector<Variable>& parameters,
                                 std::int64_t bytes)
    : ranks_(ranks) {
  std::vector<Variable> leaves;
  std::size_t size = 0;
  for (auto leaf = parameters.rbegin(); leaf != parameters.rend(); ++leaf) {
    const std::size_t more = leaf->data().bytes();
    if (!leaves.empty() && size + more > static_cast<std::size_t>(bytes)) {
      add_bucket(std::exchange(leaves, {}));
      size = 0;
    }
    leaves.push_back(*leaf);
    size += more;
  }
  if (!leaves.empty()) add_bucket(std::move(leaves));
}

GradientBuckets::~GradientBuckets() {
  for (Bucket& bucket : buckets_) {
    if (bucket.sum != nullptr) new Tensor(bucket.memory);  // a step that failed: its sum may still be written
  }
}

void GradientBuckets::add_bucket(std::vector<Variable> leaves) {
  Bucket bucket;
  std::int64_t size = 0;
  for (const Variable& leaf : leaves) size += leaf.data().numel();
  bucket.memory = Tensor::empty({size});
  std::int64_t begin = 0;
  for (const Variable& leaf : leaves) {
    const std::int64_t end = begin + leaf.data().numel();
    bucket.gradients.push_back(bucket.memory.rows(begin, end).reshape(leaf.shape()));
    places_[leaf.data().raw()] = {buckets_.size(), bucket.gradients.size() - 1};
    begin = end;
  }
  bucket.missing = leaves.size();
  bucket.leaves = std::move(leaves);
  buckets_.push_back(std::move(bucket));
}

void GradientBuckets::take(const Variable& leaf) {
  const auto found = places_.find(leaf.data().raw());
  if (found == places_.end()) return;
  Place& place = found->second;
  check(!place.taken, "gradient buckets", "each gradient once in a step", "one twice");
  place.taken = true;
  Bucket& bucket = buckets_[place.bucket];
  convert(leaf.grad(), bucket.gradients[place.leaf]);
  --bucket.missing;
  send_full_ones();
  // Sums move on while this rank is in MPI, and not while it computes; that of the last has them all move on.
  if (sent_ > 0) buckets_[sent_ - 1].sum->poll();
}

void GradientBuckets::send_full_ones() {
  for (; sent_ < buckets_.size() && buckets_[sent_].missing == 0; ++sent_) {
    Bucket& bucket = buckets_[sent_];
    bucket.sum = ranks_.begin_all_reduce(
        {bucket.memory.data<float>(), static_cast<std::size_t>(bucket.memory.numel())});
  }
}

void GradientBuckets::finish() {
  for (auto& [elements, place] : places_) {
    Bucket& bucket = buckets_[place.bucket];
    if (!std::exchange(place.taken, false)) fill(0, bucket.gradients[place.leaf]);
    bucket.missing = 0;
  }
  send_full_ones();
  for (Bucket& bucket : buckets_) {
    bucket.sum->wait();
    bucket.sum.reset();
    for (std::size_t i = 0; i < bucket.leaves.size(); ++i) bucket.leaves[i].set_grad(bucket.gradients[i]);
    bucket.missing = bucket.leaves.size();
  }
  sent_ = 0;
}

}  // namespace tern
