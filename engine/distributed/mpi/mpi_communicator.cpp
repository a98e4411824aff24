// The ranks as processes of MPI. Every function begins its work and then waits in one loop, wait_until(), which also hears of
// failures, grows impatient, and lets other processes have the core meanwhile.
#include <mpi.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "engine/distributed/mpi/calls.h"
#include "engine/distributed/mpi/notices.h"
#include "engine/distributed/mpi/sums.h"
#include "engine/distributed/world.h"

namespace tern {
namespace {

using Clock = std::chrono::steady_clock;

/// How long the others get to give a sign of life, to a rank that has lost its patience.
constexpr std::chrono::milliseconds kRollCall{2000};
/// A rank that was told to end waits no longer than that for the others' part in what it does, and again for their last words.
/// (Open MPI 4 kills it after a second, 5 after half of one.)
constexpr std::chrono::milliseconds kLastWait{150};
/// A rank that has failed lets those below it speak first, which may be about to say the same.
constexpr std::chrono::milliseconds kHearOthers{3000};
/// In which all ranks are to hear of a failure: those that compute hear of it between two ops.
constexpr std::chrono::milliseconds kLeave{10000};

/// Of a broadcast at once.
constexpr std::size_t kMostStaged = std::size_t{16} << 20;

std::string list_of(const std::vector<int>& ranks) {
  std::string text = ranks.size() == 1 ? "rank " : "ranks ";
  for (std::size_t i = 0; i < ranks.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(ranks[i]);
  return text;
}

class MpiCommunicator final : public Communicator {
 public:
  explicit MpiCommunicator(const Launch& launch);
  ~MpiCommunicator() override;

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void all_reduce(std::span<double> values) override;
  std::unique_ptr<PendingSum> begin_all_reduce(std::span<float> values) override;
  void broadcast_from(int from, std::span<std::byte> bytes) override;
  std::vector<std::string> gather(const std::string& text) override;
  void barrier() override;
  void set_patience(std::chrono::seconds patience) override { patience_ = patience; }
  void give_up_when(std::function<bool()> asked) override { asked_to_give_up_ = std::move(asked); }
  bool announce_failure(const std::string& message) noexcept override;
  void leave() noexcept override;

  /// Moves the sums on; true once `sum` is done. Throws RankFailed if another rank has failed.
  bool test(const Sums::Sum& sum);
  void complete(const Sums::Sum& sum) {
    wait_until([&] { return test(sum); });
  }

 private:
  bool test(MPI_Request& request);
  void complete(MPI_Request& request) {
    wait_until([&] { return test(request); });
  }
  void wait_until(const std::function<bool()>& is_done);
  void hear_of_failures();
  /// A copy of `bytes` that is there until the next call. Where another rank fails, complete() throws with its request still at
  /// work, and leave() moves it on: what MPI writes to must not be its caller's, which is gone by then.
  std::span<std::byte> staged(std::span<const std::byte> bytes);
  /// Throws what there is to say of a wait that began at `start`, if it is too long.
  void check_wait(Clock::time_point start);
  [[noreturn]] void throw_absent();

  MPI_Comm ranks_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1;
  std::unique_ptr<Notices> notices_;
  std::unique_ptr<Sums> sums_;
  std::vector<std::byte> staging_;
  struct {
    std::string text, all;
    int size;
    std::vector<int> sizes, begins;
  } gather_;  ///< what MPI reads and writes in gather(): not its own, for the same reason
  std::chrono::seconds patience_{60};
  std::function<bool()> asked_to_give_up_;
  bool failed_ = false, has_given_up_ = false;
};

class MpiSum final : public PendingSum {
 public:
  MpiSum(MpiCommunicator& ranks, std::shared_ptr<const Sums::Sum> sum)
      : ranks_(ranks), sum_(std::move(sum)) {}
  void poll() override { ranks_.test(*sum_); }
  void wait() override { ranks_.complete(*sum_); }

 private:
  MpiCommunicator& ranks_;
  std::shared_ptr<const Sums::Sum> sum_;
};

MpiCommunicator::MpiCommunicator(const Launch& launch) {
  int threads = 0;
  check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &threads), "MPI_Init_thread");
  check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &ranks_), "MPI_Comm_dup");
  MPI_Comm_set_errhandler(ranks_, MPI_ERRORS_RETURN);
  MPI_Comm_rank(ranks_, &rank_);
  MPI_Comm_size(ranks_, &size_);
  notices_ = std::make_unique<Notices>(ranks_);
  sums_ = std::make_unique<Sums>(ranks_);
  if (size_ == launch.size) return;
  const std::string found = std::to_string(size_);
  notices_.reset();
  sums_.reset();
  MPI_Finalize();
  throw Error(launch.variable + "=" + std::to_string(launch.size),
              "as many ranks of MPI (is mpirun of the MPI that tern was built with, " + mpi_version() + "?)",
              found);
}

MpiCommunicator::~MpiCommunicator() {
  if (failed_) {
    // MPI_Finalize would wait for ranks that are gone, and MPI may write to sums that are under way.
    static_cast<void>(sums_.release());
    return;
  }
  notices_.reset();
  sums_.reset();
  MPI_Comm_free(&ranks_);
  MPI_Finalize();
}

void MpiCommunicator::all_reduce(std::span<double> values) {
  const std::span<std::byte> sent = staged(std::as_bytes(values));
  MPI_Request request;
  check_mpi(MPI_Iallreduce(MPI_IN_PLACE, sent.data(), count_of(values.size()), MPI_DOUBLE, MPI_SUM, ranks_,
                           &request),
            "MPI_Iallreduce");
  complete(request);
  std::copy(sent.begin(), sent.end(), std::as_writable_bytes(values).begin());
}

std::span<std::byte> MpiCommunicator::staged(std::span<const std::byte> bytes) {
  staging_.assign(bytes.begin(), bytes.end());
  return staging_;
}

std::unique_ptr<PendingSum> MpiCommunicator::begin_all_reduce(std::span<float> values) {
  return std::make_unique<MpiSum>(*this, sums_->begin(values));
}

void MpiCommunicator::broadcast_from(int from, std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const std::span<std::byte> part = bytes.first(std::min(bytes.size(), kMostStaged));
    const std::span<std::byte> sent = staged(part);
    MPI_Request request;
    check_mpi(MPI_Ibcast(sent.data(), count_of(sent.size()), MPI_BYTE, from, ranks_, &request), "MPI_Ibcast");
    complete(request);
    std::copy(sent.begin(), sent.end(), part.begin());
    bytes = bytes.subspan(part.size());
  }
}

std::vector<std::string> MpiCommunicator::gather(const std::string& text) {
  const int root = is_root() ? size_ : 0;
  gather_.text = text;
  gather_.size = count_of(text.size());
  gather_.sizes.assign(static_cast<std::size_t>(root), 0);
  MPI_Request request;
  check_mpi(MPI_Igather(&gather_.size, 1, MPI_INT, gather_.sizes.data(), 1, MPI_INT, 0, ranks_, &request),
            "MPI_Igather");
  complete(request);
  gather_.begins.clear();
  std::size_t total = 0;
  for (const int size : gather_.sizes) {
    gather_.begins.push_back(count_of(total));
    total += static_cast<std::size_t>(size);
  }
  count_of(total);
  gather_.all.assign(total, '\0');
  check_mpi(MPI_Igatherv(gather_.text.data(), gather_.size, MPI_CHAR, gather_.all.data(),
                         gather_.sizes.data(), gather_.begins.data(), MPI_CHAR, 0, ranks_, &request),
            "MPI_Igatherv");
  complete(request);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < gather_.sizes.size(); ++i) {
    texts.push_back(gather_.all.substr(static_cast<std::size_t>(gather_.begins[i]),
                                       static_cast<std::size_t>(gather_.sizes[i])));
  }
  return texts;
}

void MpiCommunicator::barrier() {
  MPI_Request request;
  check_mpi(MPI_Ibarrier(ranks_, &request), "MPI_Ibarrier");
  complete(request);
}

bool MpiCommunicator::test(MPI_Request& request) {
  int done = 0;
  check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
  if (done == 0) hear_of_failures();
  return done != 0;
}

bool MpiCommunicator::test(const Sums::Sum& sum) {
  if (!Sums::is_done(sum)) sums_->advance();
  if (!Sums::is_done(sum)) hear_of_failures();
  return Sums::is_done(sum);
}

void MpiCommunicator::hear_of_failures() {
  notices_->read();
  if (notices_->failure()) throw RankFailed(notices_->failure()->rank, notices_->failure()->message);
}

void MpiCommunicator::wait_until(const std::function<bool()>& is_done) {
  const Clock::time_point start = Clock::now();
  for (int turn = 0; !is_done(); ++turn) {
    if (turn % 64 != 63) continue;
    std::this_thread::yield();
    check_wait(start);
  }
}

void MpiCommunicator::check_wait(Clock::time_point start) {
  const auto waited = Clock::now() - start;
  if (waited > kLastWait && asked_to_give_up_ && asked_to_give_up_()) {
    has_given_up_ = true;
    throw RanksLost("stopped while it waited for the others",
                    "by a signal, as launchers send where a rank has ended");
  }
  if (waited > patience_) throw_absent();
}

void MpiCommunicator::throw_absent() {
  const std::vector<int> absent = notices_->call_roll(kRollCall);
  if (notices_->failure()) throw RankFailed(notices_->failure()->rank, notices_->failure()->message);
  if (notices_->is_called_below()) throw RankFailed(0, "another rank tells who is missing");
  const std::string seconds = std::to_string(patience_.count()) + " s";
  if (absent.empty())
    throw RanksLost("ranks", "all ranks to meet within " + seconds, "all there, each waiting for the others");
  throw RanksLost(list_of(absent), "an answer within " + seconds,
                  "none (stopped, cut off, or busy for longer)");
}

bool MpiCommunicator::announce_failure(const std::string& message) noexcept {
  failed_ = true;
  try {
    notices_->announce_failure(message);
    notices_->hear_those_below(has_given_up_ ? kLastWait : kHearOthers);
    return !notices_->is_said_below(message);
  } catch (const std::exception&) {  // no memory for a list
    return true;
  }
}

void MpiCommunicator::leave() noexcept {
  failed_ = true;
  try {
    notices_->take_leave(kLeave);
  } catch (const std::exception&) {
  }
}

}  // namespace

std::unique_ptr<Communicator> make_mpi_communicator(const Launch& launch) {
  return std::make_unique<MpiCommunicator>(launch);
}

std::string mpi_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
  int length = 0;
  MPI_Get_library_version(text, &length);
  const std::string all(text, static_cast<std::size_t>(length));
  return all.substr(0, all.find_first_of(",\n"));  // "Open MPI v4.1.4, package: ..."
}

}  // namespace tern
