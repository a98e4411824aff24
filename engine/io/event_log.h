// Event files, which TensorBoard shows while a training runs: scalars, histograms and images by step.
//
// FOLDER/events.out.tfevents.<seconds>.tern.<process>.<number> is a sequence of records
//   <length: u64> <masked CRC of the length: u32> <bytes> <masked CRC of the bytes: u32> (little-endian)
// each an Event (event.proto). Records are appended and flushed one by one: the file is whole after each, and
// a reader passes over a last one that a crash cut short.
//
// A step that is logged twice under a tag is shown in two ways by TensorBoard 2.21: its data server, the
// default, keeps the later point and drops that tag's older ones at that step and beyond; its Python loader
// (--load_fast=false) draws both, a line that goes back. Nor does a record of the kind START void anything
// for everybody: the server ignores it, and the Python loader the first one of a folder. So who logs a step
// again first takes out what was logged before, with forget_events(): then each page that is opened shows one
// line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
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
  /// Makes a new file in `folder`, which must be there. Every member throws Error{path, ...} if writing
  /// fails. A tag's bytes that are no UTF-8, for which a reader would give up the file, become U+FFFD.
  explicit EventLog(const std::filesystem::path& folder);
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

  /// Waits until what was logged is on the disk.
  void sync();

 private:
  void append(events::Event& event);

  std::filesystem::path path_;
  std::FILE* file_ = nullptr;
};

/// Takes what was logged after `last_step` under tags that begin with `prefix` out of an EventLog's files in
/// `folder`, none of which may be open for writing. A file is replaced at once or not at all, one that holds
/// nothing any more is removed, and a record that a crash cut short goes as well. A file that is damaged
/// elsewhere keeps all that follows the damage. Throws Error{path, ...} if reading or writing fails.
void forget_events(const std::filesystem::path& folder, const std::string& prefix, std::int64_t last_step);

}  // namespace tern
