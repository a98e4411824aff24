// Who touched a piece of memory last, and what of that is a race. For the emulator alone.
//
// A launch has a clock, which goes on by one whenever something may be ordered by it: at a barrier, a __syncwarp, a fence, a
// block's begin.
#pragma once

#include <cstdint>

namespace tern::emulator {

/// How memory is touched.
enum class Access { read, write, atomic };

/// Accesses that are not plain do not race with each other: atomics, and those of volatile memory. An atomicCAS is known apart,
/// since it checks what was read before it.
enum class Strength : std::uint8_t { plain, strong, compare_and_swap };

struct Touch {
  static constexpr std::int16_t kNobody = -1, kSeveral = -2;
  std::uint32_t block = 0;  ///< its number in the grid, x fastest
  std::uint32_t time = 0;
  std::uint32_t place = 0;  ///< in the code: a number of its holder's choice
  std::int16_t thread = kNobody;
  std::int8_t warp = kNobody;
  Strength strength = Strength::plain;

  bool is_strong() const { return strength != Strength::plain; }
};

/// Of a piece of memory: the last write, and the last reads.
struct History {
  Touch write, read;
};

enum class Race { none, read_after_write, write_after_write, write_after_read };

/// What an access is with those before it. `ordered(before)`: whether something lies between that touch and this one.
template <typename Ordered>
Race race_of(const History& history, const Touch& touch, Access access, Ordered ordered) {
  if (!(touch.is_strong() && history.write.is_strong()) && !ordered(history.write))
    return access == Access::read ? Race::read_after_write : Race::write_after_write;
  if (access != Access::read && !(touch.is_strong() && history.read.is_strong()) && !ordered(history.read))
    return Race::write_after_read;
  return Race::none;
}

/// Keeps the access. Reads since the block's last barrier, at time `barrier`, are kept as one, unless something lies between
/// them (`ordered`): whatever comes after this one then comes after those.
template <typename Ordered>
void keep(History& history, const Touch& touch, Access access, std::uint32_t barrier, Ordered ordered) {
  if (access != Access::read) {
    history.write = touch;
    return;
  }
  Touch& read = history.read;
  const bool joins = read.thread != Touch::kNobody && read.thread != touch.thread &&
                     read.block == touch.block && read.time >= barrier && !ordered(read);
  const bool one_warp = read.warp == touch.warp;
  const Strength strength = read.is_strong() ? touch.strength : Strength::plain;
  read = touch;
  if (!joins) return;
  read.strength = strength;
  read.thread = Touch::kSeveral;
  if (!one_warp) read.warp = Touch::kSeveral;
}

}  // namespace tern::emulator
