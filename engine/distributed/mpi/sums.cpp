#include "engine/distributed/mpi/sums.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "engine/distributed/communicator.h"
#include "engine/distributed/mpi/calls.h"

namespace tern {
namespace {

/// Where the elements for each rank, or from each, lie in one array. MPI reads it until the exchange is done.
struct Layout {
  void add(std::size_t size) {
    begins.push_back(count_of(all));
    sizes.push_back(count_of(size));
    all += size;
  }

  std::vector<int> sizes, begins;
  std::size_t all = 0;
};

}  // namespace

class Sums::Sum {
 public:
  Sum(std::span<float> values, int rank, int size);

  void send_parts(MPI_Comm channel);
  void send_result(MPI_Comm channel);
  bool is_exchanged();

  enum class Stage { parts, results, done };
  Stage stage = Stage::parts;

 private:
  std::span<float> part(int rank) const {
    const auto at = static_cast<std::size_t>(rank);
    return values_.subspan(static_cast<std::size_t>(results_.begins[at]),
                           static_cast<std::size_t>(results_.sizes[at]));
  }
  void sum_own_part();

  std::span<float> values_;
  int rank_, size_;
  Layout results_, sent_, received_;
  std::vector<float> others_;  ///< of this rank's part: what the others have, in their order
  MPI_Request request_ = MPI_REQUEST_NULL;
};

Sums::Sum::Sum(std::span<float> values, int rank, int size) : values_(values), rank_(rank), size_(size) {
  const auto share = [&](int of) {
    return static_cast<std::size_t>(share_of(static_cast<std::int64_t>(values.size()), of, size).size());
  };
  for (int other = 0; other < size; ++other) {
    results_.add(share(other));
    received_.add(other == rank ? 0 : share(rank));
  }
  sent_ = results_;
  sent_.sizes[static_cast<std::size_t>(rank)] = 0;
  others_.resize(received_.all);
}

void Sums::Sum::send_parts(MPI_Comm channel) {
  check_mpi(MPI_Ialltoallv(values_.data(), sent_.sizes.data(), sent_.begins.data(), MPI_FLOAT, others_.data(),
                           received_.sizes.data(), received_.begins.data(), MPI_FLOAT, channel, &request_),
            "MPI_Ialltoallv");
}

void Sums::Sum::send_result(MPI_Comm channel) {
  sum_own_part();
  check_mpi(MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, values_.data(), results_.sizes.data(),
                            results_.begins.data(), MPI_FLOAT, channel, &request_),
            "MPI_Iallgatherv");
  stage = Stage::results;
}

bool Sums::Sum::is_exchanged() {
  int done = 0;
  check_mpi(MPI_Test(&request_, &done, MPI_STATUS_IGNORE), "MPI_Test");
  return done != 0;
}

/// ((rank 0 + rank 1) + rank 2) + ..., whichever of them this is.
void Sums::Sum::sum_own_part() {
  const std::span<float> own = part(rank_);
  const auto add = [](std::span<const float> values, std::span<float> to) {
    std::transform(to.begin(), to.end(), values.begin(), to.begin(), std::plus<float>());
  };
  const auto of = [&](int rank) {
    return std::span(others_).subspan(
        static_cast<std::size_t>(received_.begins[static_cast<std::size_t>(rank)]), own.size());
  };
  if (rank_ > 0) {
    for (int rank = 1; rank < rank_; ++rank) add(of(rank), of(0));
    add(of(0), own);  // a + b is b + a, to the bit
  }
  for (int rank = rank_ + 1; rank < size_; ++rank) add(of(rank), own);
  others_ = {};
}

Sums::Sums(MPI_Comm ranks) {
  for (MPI_Comm* const channel : {&parts_, &results_}) {
    check_mpi(MPI_Comm_dup(ranks, channel), "MPI_Comm_dup");
    MPI_Comm_set_errhandler(*channel, MPI_ERRORS_RETURN);
  }
  MPI_Comm_rank(ranks, &rank_);
  MPI_Comm_size(ranks, &size_);
}

Sums::~Sums() {
  MPI_Comm_free(&parts_);
  MPI_Comm_free(&results_);
}

std::shared_ptr<const Sums::Sum> Sums::begin(std::span<float> values) {
  const std::shared_ptr<Sum>& sum = under_way_.emplace_back(std::make_shared<Sum>(values, rank_, size_));
  sum->send_parts(parts_);
  return sum;
}

void Sums::advance() {
  bool in_order = true;  // no sum sends its result before those that were begun before it
  for (const std::shared_ptr<Sum>& sum : under_way_) {
    if (sum->stage == Sum::Stage::parts && (in_order = in_order && sum->is_exchanged()))
      sum->send_result(results_);
    if (sum->stage == Sum::Stage::results && sum->is_exchanged()) sum->stage = Sum::Stage::done;
  }
  while (!under_way_.empty() && is_done(*under_way_.front())) under_way_.pop_front();
}

bool Sums::is_done(const Sum& sum) {
  return sum.stage == Sum::Stage::done;
}

}  // namespace tern
