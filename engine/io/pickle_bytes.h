// The bytes of a pickle: its opcodes, and a reader of their arguments that never leaves the stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "engine/core/check.h"

namespace tern {

// All of protocols 0 to 5. The names of pickletools, where there are no better ones.
enum PickleOpcode : std::uint8_t {
  kMark = '(',
  kStop = '.',
  kPop = '0',
  kPopMark = '1',
  kDup = '2',
  kFloat = 'F',
  kBinFloat = 'G',
  kInt = 'I',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kLong = 'L',
  kBinInt2 = 'M',
  kNone = 'N',
  kPersId = 'P',
  kBinPersId = 'Q',
  kReduce = 'R',
  kString = 'S',
  kBinString = 'T',
  kShortBinString = 'U',
  kUnicode = 'V',
  kBinUnicode = 'X',
  kAppend = 'a',
  kBuild = 'b',
  kBinBytes = 'B',
  kShortBinBytes = 'C',
  kGlobal = 'c',
  kDict = 'd',
  kAppends = 'e',
  kGet = 'g',
  kBinGet = 'h',
  kInst = 'i',
  kLongBinGet = 'j',
  kList = 'l',
  kObj = 'o',
  kPut = 'p',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kSetItems = 'u',
  kEmptyList = ']',
  kEmptyDict = '}',
  kEmptyTuple = ')',
  kProto = 0x80,
  kNewObj = 0x81,
  kExt1 = 0x82,
  kExt2 = 0x83,
  kExt4 = 0x84,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
  kLong4 = 0x8b,
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kBinBytes8 = 0x8e,
  kEmptySet = 0x8f,
  kAddItems = 0x90,
  kFrozenSet = 0x91,
  kNewObjEx = 0x92,
  kStackGlobal = 0x93,
  kMemoize = 0x94,
  kFrame = 0x95,
  kByteArray8 = 0x96,
  kNextBuffer = 0x97,
  kReadOnlyBuffer = 0x98,
};

/// Every member throws Error{subject, ...} where the stream ends early.
class PickleBytes {
 public:
  /// Both must outlive it.
  PickleBytes(const std::string& subject, std::span<const std::byte> bytes)
      : subject_(subject), bytes_(bytes) {}

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(subject_, "corrupted pickle, at byte " + std::to_string(position_) + ": " + what);
  }

  std::size_t size() const { return bytes_.size(); }
  std::span<const std::byte> take(std::uint64_t count) {
    if (count > bytes_.size() - position_) fail("it ends early");
    const auto taken = bytes_.subspan(position_, count);
    position_ += count;
    return taken;
  }
  std::uint8_t byte() { return std::to_integer<std::uint8_t>(take(1)[0]); }
  /// An unsigned integer of up to 8 bytes.
  std::uint64_t little_endian(std::size_t count) {
    std::uint64_t value = 0;
    const auto taken = take(count);
    for (std::size_t i = 0; i < count; ++i) value |= std::to_integer<std::uint64_t>(taken[i]) << (8 * i);
    return value;
  }
  std::string text(std::uint64_t count) {
    const auto taken = take(count);
    return std::string(reinterpret_cast<const char*>(taken.data()), taken.size());
  }
  /// Up to the next line end, which is taken and left out.
  std::string line() {
    std::string result;
    for (auto letter = static_cast<char>(byte()); letter != '\n'; letter = static_cast<char>(byte())) {
      result += letter;
    }
    return result;
  }

 private:
  const std::string& subject_;
  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;
};

}  // namespace tern
