// Event files, which TensorBoard shows while a training runs: scalars, histograms and images by step.
//
// FOLDER/events.out.tfevents.<seconds>.tern.<process>.<number> is a sequence of records
//   <length: u64> <masked CRC of the length: u32> <bytes> <masked CRC of the bytes: u32> (little-endian)
// each an Event (event.proto). Records are appended and flushed one by one: the file is whole after each, and
// a reader passes over a last one that a crash cut short.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace tern::events {
class Event;
}

namespace tern {

/// CRC-32C (Castagnoli), and its rotated form that the records hold.
std::uint32_t crc32c(std::span<const std::byte> bytes);
std::uint32_t masked_crc32c(std::span<const std::byte> bytes);

class EventLog {
 public:
  /// Makes a new file in `folder`, which must be there. With `resumed_step`, TensorBoard forgets what older
  /// files of the folder hold for that step and later ones. Every member throws Error{path, ...} if writing
  /// fails.
  explicit EventLog(const std::filesystem::path& folder,
                    std::optional<std::int64_t> resumed_step = std::nullopt);
  ~EventLog();
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  const std::filesystem::path& path() const { return path_; }

  void scalar(const std::string& tag, std::int64_t step, double value);

  /// Over TensorFlow's buckets, whose limits grow by a tenth. Throws Error{tag, ...} if there are no values
  /// or one is not finite.
  void histogram(const std::string& tag, std::int64_t step, std::span<const float> values);

  /// `png`: the bytes of a PNG file of that size (data/image_io.h: encode_png).
  void image(const std::string& tag, std::int64_t step, int width, int height,
             std::span<const std::byte> png);

 private:
  void append(events::Event& event);

  std::filesystem::path path_;
  std::FILE* file_ = nullptr;
};

}  // namespace tern
