#include "engine/distributed/mpi/notices.h"

#include <algorithm>
#include <thread>

namespace tern {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPause{1};

}  // namespace

// What MPI answers here is not looked at: these are words about a failure already, and the next work will tell of another.

Notices::Notices(MPI_Comm ranks) {
  MPI_Comm_dup(ranks, &channel_);
  MPI_Comm_set_errhandler(channel_, MPI_ERRORS_RETURN);
  MPI_Comm_rank(channel_, &rank_);
  MPI_Comm_size(channel_, &size_);
}

Notices::~Notices() {
  MPI_Comm_free(&channel_);
}

void Notices::send(int to, Kind kind, const std::string& text) {
  Sent& sent = sent_.emplace_back(Sent{to, text});
  MPI_Isend(sent.text.data(), static_cast<int>(sent.text.size()), MPI_CHAR, to, kind, channel_,
            &sent.request);
}

void Notices::send_to_others(Kind kind, const std::string& text) {
  for (int rank = 0; rank < size_; ++rank) {
    if (rank != rank_) send(rank, kind, text);
  }
}

void Notices::read() {
  for (int there = 1; there != 0;) {
    MPI_Status status;
    there = 0;
    if (MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, channel_, &there, &status) != MPI_SUCCESS || there == 0)
      break;
    int size = 0;
    MPI_Get_count(&status, MPI_CHAR, &size);
    std::string text(static_cast<std::size_t>(std::max(size, 0)), '\0');
    MPI_Recv(text.data(), size, MPI_CHAR, status.MPI_SOURCE, status.MPI_TAG, channel_, MPI_STATUS_IGNORE);
    take(status.MPI_SOURCE, static_cast<Kind>(status.MPI_TAG), text);
  }
  std::erase_if(sent_, [](Sent& sent) {
    int gone = 0;
    return MPI_Test(&sent.request, &gone, MPI_STATUS_IGNORE) == MPI_SUCCESS && gone != 0;
  });
}

void Notices::take(int from, Kind kind, const std::string& text) {
  present_.insert(from);
  switch (kind) {
    case failed:
      failures_[from] = text;
      if (!failure_) failure_ = {from, text};
      break;
    case roll_call:
      called_below_ = called_below_ || from < rank_;
      send(from, present);
      break;
    case present:
      break;
    case leaving:
      leaving_.insert(from);
      break;
  }
}

bool Notices::is_said_below(const std::string& message) const {
  return std::any_of(failures_.begin(), failures_.end(),
                     [&](const auto& one) { return one.first < rank_ && one.second == message; });
}

std::vector<int> Notices::call_roll(std::chrono::milliseconds limit) {
  present_.insert(rank_);
  send_to_others(roll_call);
  for (const auto end = Clock::now() + limit; Clock::now() < end && !failure_;) {
    read();
    if (static_cast<int>(present_.size()) == size_) break;
    std::this_thread::sleep_for(kPause);
  }
  if (failure_) return {};
  for (int rank = 0; rank < size_; ++rank) {
    if (present_.count(rank) == 0) absent_.insert(rank);
  }
  return {absent_.begin(), absent_.end()};
}

void Notices::announce_failure(const std::string& message) {
  send_to_others(failed, message);
}

void Notices::hear_those_below(std::chrono::milliseconds limit) {
  for (const auto end = Clock::now() + limit; Clock::now() < end;) {
    read();
    int heard = 0;
    for (int rank = 0; rank < rank_; ++rank)
      heard += failures_.count(rank) + leaving_.count(rank) > 0 ? 1 : 0;
    if (heard == rank_) return;
    std::this_thread::sleep_for(kPause);
  }
}

void Notices::take_leave(std::chrono::milliseconds limit) {
  send_to_others(leaving);
  for (const auto end = Clock::now() + limit; Clock::now() < end;) {
    read();
    const auto is_waited_for = [this](int rank) { return rank != rank_ && absent_.count(rank) == 0; };
    bool all_left =
        std::none_of(sent_.begin(), sent_.end(), [&](const Sent& sent) { return is_waited_for(sent.to); });
    for (int rank = 0; rank < size_; ++rank)
      all_left = all_left && (!is_waited_for(rank) || leaving_.count(rank) > 0);
    if (all_left) return;
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace tern
