// Sums over all ranks, several of which may be under way. Each rank sums one part of the values, which the others send it, in the
// order of the ranks, and sends the result to all: 2 (n - 1) / n of the bytes leave and reach each of n ranks, the least there can
// be (Patarasuk and Yuan 2009, "Bandwidth optimal all-reduce algorithms for clusters of workstations"), and the bits hang neither on
// MPI nor on the network. MPI_Iallreduce would do as well, but where it sums in place Open MPI 4 and 5 send all values up and
// down a tree: twice the bytes on 2 ranks, one after the other, and more on many.
#pragma once

#include <mpi.h>

#include <deque>
#include <memory>
#include <span>

namespace tern {

class Sums {
 public:
  /// Called by all ranks of `ranks` together.
  explicit Sums(MPI_Comm ranks);
  ~Sums();  ///< while MPI is still at work
  Sums(const Sums&) = delete;
  Sums& operator=(const Sums&) = delete;

  class Sum;
  /// By all ranks in the same order. The values must live until the sum is done.
  std::shared_ptr<const Sum> begin(std::span<float> values);
  /// Moves all of them on as far as they come without waiting.
  void advance();
  static bool is_done(const Sum& sum);

 private:
  // A channel for each of a sum's two exchanges: all ranks begin the work of one channel in the same order, but at which moment a
  // sum comes to its second exchange differs among them.
  MPI_Comm parts_ = MPI_COMM_NULL, results_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1;
  /// MPI writes to them even when nobody waits for them any more.
  std::deque<std::shared_ptr<Sum>> under_way_;
};

}  // namespace tern
