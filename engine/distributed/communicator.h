// Processes that do one job together, the ranks 0 .. size - 1, and what they tell each other. Rank 0 is the root: it reads and
// writes the job's files and speaks to the user.
//
// All ranks call the same functions in the same order, from one thread each. A call returns when the others have made theirs, so
// none may be left out on a condition that differs among ranks. Where another rank has failed, a call throws RankFailed; where
// one gives no answer for as long as the patience lasts, RanksLost that names it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/core/check.h"

namespace tern {

/// Another rank has failed, and has said so itself: this one ends too and says nothing.
class RankFailed : public Error {
 public:
  RankFailed(int rank, const std::string& message) : Error("rank " + std::to_string(rank), message) {}
};

/// Other ranks are gone or give no answer. Nothing is wrong with what this one does.
class RanksLost : public Error {
 public:
  using Error::Error;
};

/// A sum that is under way. Its values must live, and be left alone, until wait() has returned; where it throws, for as long as
/// the process.
class PendingSum {
 public:
  virtual ~PendingSum() = default;
  /// Gives this sum, and all others that are under way, a moment to move on. Between calls they may stand still.
  virtual void poll() = 0;
  virtual void wait() = 0;
};

class Communicator {
 public:
  virtual ~Communicator() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  bool is_root() const { return rank() == 0; }

  /// Each value becomes its sum over the ranks: the same bits on all of them, and in every run of as many.
  virtual void all_reduce(std::span<double> values) = 0;
  virtual std::unique_ptr<PendingSum> begin_all_reduce(std::span<float> values) = 0;
  /// The bytes of rank `from` come to all.
  virtual void broadcast_from(int from, std::span<std::byte> bytes) = 0;
  /// The texts of all ranks, in their order, at the root; nothing elsewhere. They may hold any bytes.
  virtual std::vector<std::string> gather(const std::string& text) = 0;
  virtual void barrier() = 0;

  void broadcast(std::span<std::byte> bytes) { broadcast_from(0, bytes); }  ///< the root's
  std::string broadcast(const std::string& text);                           ///< the root's
  std::vector<std::string> all_gather(const std::string& text);
  bool any(bool value);  ///< whether it is true on a rank at least

  /// How long a call waits for the others; a minute at first.
  virtual void set_patience(std::chrono::seconds patience) = 0;
  /// A call that waits while `asked` is true throws RanksLost: whoever ends one rank by a signal ends the others in a moment.
  virtual void give_up_when(std::function<bool()> asked) = 0;

  // The end of a job that failed; called outside of all other functions, by each rank for itself.

  /// Tells the others that this rank has failed. True if the message is this rank's to print: not where a lower one has said
  /// the same, as they all do about a file that is not there.
  virtual bool announce_failure(const std::string& message) noexcept = 0;
  /// Waits a moment until all know, so that no launcher ends a rank that is still writing. What is left is to exit.
  virtual void leave() noexcept = 0;
};

/// One process: nothing is sent.
std::unique_ptr<Communicator> make_local_communicator();

/// Of `count` things in a row, those of one rank: contiguous, and all within one of the same number, the first ranks having more.
struct Share {
  std::int64_t begin = 0, end = 0;
  std::int64_t size() const { return end - begin; }
};
Share share_of(std::int64_t count, int rank, int size);

}  // namespace tern
