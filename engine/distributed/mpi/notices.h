// What ranks tell each other beside their work: that one of them has failed, and whether one is still there. On a communicator
// of its own, so that nothing is taken for a part of a sum.
#pragma once

#include <mpi.h>

#include <chrono>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tern {

class Notices {
 public:
  /// Called by all ranks of `ranks` together.
  explicit Notices(MPI_Comm ranks);
  ~Notices();  ///< while MPI is still at work
  Notices(const Notices&) = delete;
  Notices& operator=(const Notices&) = delete;

  /// Reads what has come, and answers roll calls. To be called again and again by whoever waits.
  void read();

  struct Failure {
    int rank;
    std::string message;
  };
  /// The first that was read of; none if no rank has failed.
  const std::optional<Failure>& failure() const { return failure_; }
  /// Whether a rank below this one has failed with this message.
  bool is_said_below(const std::string& message) const;

  /// Asks all ranks for a sign of life and returns those that give none within `limit`; none at all where one has failed meanwhile.
  /// A rank gives a sign while it waits for others, not while it computes.
  std::vector<int> call_roll(std::chrono::milliseconds limit);
  /// Whether a rank below this one has called the roll, and will tell what it finds.
  bool is_called_below() const { return called_below_; }

  void announce_failure(const std::string& message);
  /// Waits until every rank below this one has failed, too, or is about to end; `limit` at most.
  void hear_those_below(std::chrono::milliseconds limit);
  /// Says that this rank is about to end, and waits until all others have said so, too, `limit` at most; not for those that were
  /// absent at the roll call.
  void take_leave(std::chrono::milliseconds limit);

 private:
  enum Kind : int { failed = 1, roll_call, present, leaving };
  struct Sent {
    int to;
    std::string text;
    MPI_Request request = MPI_REQUEST_NULL;
  };

  void send(int to, Kind kind, const std::string& text = {});
  void send_to_others(Kind kind, const std::string& text = {});
  void take(int from, Kind kind, const std::string& text);

  MPI_Comm channel_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1;
  std::list<Sent> sent_;  ///< their texts must live until they are gone
  std::optional<Failure> failure_;
  std::map<int, std::string> failures_;
  std::set<int> present_;  ///< have said anything; nobody does before something goes wrong
  std::set<int> absent_, leaving_;
  bool called_below_ = false;
};

}  // namespace tern
