// Writes down what one warp does: the threads' accesses, put together as steps of the warp. For the emulator alone.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "kernels/common/emulator/profile/profile.h"

namespace tern::emulator {

class TraceRecorder {
 public:
  explicit TraceRecorder(const TraceChoice& choice) : choice_(choice) {}

  void begin_launch(int launch, std::size_t warps);
  bool wants_block() const;         ///< that is running: a timeline of all its warps
  bool wants(unsigned warp) const;  ///< of the running block, its steps

  /// The running thread is about to do this.
  void note(unsigned lane, std::size_t instruction, const CodePlace& place, Space space, Access access,
            std::uintptr_t address, std::size_t bytes);
  /// The lanes have come to a barrier, shuffle or vote.
  void note_meeting(unsigned lanes, bool is_whole_warp, TraceStep::Kind kind, const char* operation,
                    const CodePlace& place);
  /// For the timeline: lanes of a warp did something, in memory of `space` if it is not null.
  void note_work(unsigned warp, unsigned lanes, const Space* space);
  void end_stretch(const char* barrier, const CodePlace& place);
  void end_block();
  void end_launch(LaunchProfile& launch);

 private:
  struct Write {
    std::size_t step = 0;
    unsigned lane = 0;
  };

  void finish_write();
  void order_steps();
  std::size_t next_in_order() const;
  bool has_room();

  TraceChoice choice_;
  bool is_launch_ = false, is_cut_ = false;
  std::vector<TraceStep> done_;
  // Since the lanes last met. A step is what several lanes do for the n-th time each.
  std::vector<TraceStep> open_;
  std::map<std::pair<std::size_t, std::uint32_t>, std::size_t> numbers_;
  std::map<std::size_t, std::array<std::uint32_t, 32>> times_;
  std::array<std::deque<std::size_t>, 32> of_lane_;  ///< numbers of steps, as the lane took them
  Write write_;                                      ///< that has been told of, but not been done
  bool writes_ = false;
  std::vector<BlockStretch> timeline_;
  std::vector<WarpStretch> stretch_;  ///< by warp, since the last barrier of the block
};

}  // namespace tern::emulator
