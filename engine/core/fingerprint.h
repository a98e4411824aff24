// Tells changed data from unchanged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tern {

/// FNV-1a, 64 bits, of all that is added, in its order. It is no protection against an adversary.
class Fingerprint {
 public:
  void add(std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) {
      hash_ = (hash_ ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3ull;
    }
  }
  /// With their number, so that what follows is not taken for one more.
  template <typename T>
  void add(const std::vector<T>& values) {
    const std::uint64_t count = values.size();
    add(std::as_bytes(std::span(&count, 1)));
    add(std::as_bytes(std::span(values)));
  }
  void add(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) add(std::vector<char>(text.begin(), text.end()));
  }

  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325ull;
};

}  // namespace tern
