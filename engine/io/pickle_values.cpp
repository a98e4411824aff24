#include "engine/io/pickle_values.h"

#include <bit>
#include <optional>

#include "engine/io/pickle_text.h"

namespace tern {
namespace {

class Values {
 public:
  Values(PickleBytes& bytes, PickleStack& stack) : bytes_(bytes), stack_(stack) {}

  // Each says whether the opcode was one of its own.
  bool scalar(std::uint8_t opcode) {
    switch (opcode) {
      case kNone:
        stack_.push_new(PickleKind::none);
        return true;
      case kNewTrue:
        push_integer(1, PickleKind::boolean);
        return true;
      case kNewFalse:
        push_integer(0, PickleKind::boolean);
        return true;
      case kBinInt:
        push_integer(static_cast<std::int32_t>(bytes_.little_endian(4)));
        return true;
      case kBinInt1:
        push_integer(static_cast<std::int64_t>(bytes_.little_endian(1)));
        return true;
      case kBinInt2:
        push_integer(static_cast<std::int64_t>(bytes_.little_endian(2)));
        return true;
      case kLong1:
        push_long(bytes_.little_endian(1));
        return true;
      case kLong4:
        push_long(bytes_.little_endian(4));
        return true;
      case kBinFloat: {
        std::uint64_t bits = 0;  // big-endian, unlike all else
        for (const std::byte one : bytes_.take(8)) bits = bits << 8 | std::to_integer<std::uint64_t>(one);
        stack_.push_new(PickleKind::real)->real = std::bit_cast<double>(bits);
        return true;
      }
      default:
        return false;
    }
  }

  // Two's complement of any length; the sign is the last byte's.
  void push_long(std::uint64_t count) {
    if (count > 8) {
      bytes_.take(count);
      stack_.push_new(PickleKind::big_integer);
    } else if (count == 0) {
      push_integer(0);
    } else {
      const int unused = 64 - 8 * static_cast<int>(count);
      push_integer(static_cast<std::int64_t>(bytes_.little_endian(count) << unused) >> unused);
    }
  }

  // What protocol 0 writes as lines.
  bool line(std::uint8_t opcode) {
    switch (opcode) {
      case kInt:
      case kLong:
        push_decimal(bytes_.line(), opcode);
        return true;
      case kFloat:
        stack_.push_new(PickleKind::real)->real = parsed(parse_real(bytes_.line()));
        return true;
      case kString:
        push_text(parsed(parse_quoted(bytes_.line())));
        return true;
      case kUnicode:
        push_text(parsed(parse_raw_unicode(bytes_.line())));
        return true;
      default:
        return false;
    }
  }

  template <typename T>
  T parsed(std::optional<T> value) const {
    if (!value) bytes_.fail("a line that is no number or text");
    return std::move(*value);
  }

  void push_decimal(std::string digits, std::uint8_t opcode) {
    if (opcode == kInt && (digits == "00" || digits == "01")) {
      return push_integer(digits == "01" ? 1 : 0, PickleKind::boolean);
    }
    if (opcode == kLong && digits.ends_with('L')) digits.pop_back();
    const DecimalInteger integer = parsed(parse_decimal_integer(digits));
    if (!integer.fits) {
      stack_.push_new(PickleKind::big_integer);
    } else {
      push_integer(integer.value);
    }
  }

  bool text(std::uint8_t opcode) {
    switch (opcode) {
      case kShortBinUnicode:
      case kShortBinString:
        push_text(bytes_.text(bytes_.little_endian(1)));
        return true;
      case kBinUnicode:
      case kBinString:
        push_text(bytes_.text(bytes_.little_endian(4)));
        return true;
      case kBinUnicode8:
        push_text(bytes_.text(bytes_.little_endian(8)));
        return true;
      case kShortBinBytes:
        push_bytes(bytes_.little_endian(1));
        return true;
      case kBinBytes:
        push_bytes(bytes_.little_endian(4));
        return true;
      case kBinBytes8:
      case kByteArray8:
        push_bytes(bytes_.little_endian(8));
        return true;
      case kNextBuffer:  // kept outside the pickle
        push_bytes(0);
        return true;
      default:
        return false;
    }
  }

  void push_bytes(std::uint64_t count) {
    bytes_.take(count);
    stack_.push_new(PickleKind::bytes);
  }

  void push_integer(std::int64_t value, PickleKind kind = PickleKind::integer) {
    stack_.push_new(kind)->integer = value;
  }
  void push_text(std::string contents) { stack_.push_new(PickleKind::text)->text = std::move(contents); }

  PickleBytes& bytes_;
  PickleStack& stack_;
};

}  // namespace

bool push_value(std::uint8_t opcode, PickleBytes& bytes, PickleStack& stack) {
  Values values(bytes, stack);
  return values.scalar(opcode) || values.line(opcode) || values.text(opcode);
}

}  // namespace tern
