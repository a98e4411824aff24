#include "engine/io/event_log.h"

#include <engine/io/event.pb.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "engine/core/check.h"
#include "engine/io/file.h"
#include "engine/io/json.h"

namespace tern {
namespace {

constexpr const char* kFilePrefix = "events.out.tfevents.";
constexpr std::size_t kHeaderBytes = 12, kFooterBytes = 4;  // of a record

constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0u);
    table[i] = crc;
  }
  return table;
}();

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// A little-endian number at the end of `bytes`.
template <typename T>
void append_number(std::string& bytes, T value) {
  static_assert(std::endian::native == std::endian::little);
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// -max, ..., -1e-12, 0, 1e-12, 1.1e-12, ..., max: upper ends of the buckets, rising.
const std::vector<double>& bucket_limits() {
  static const std::vector<double> limits = [] {
    std::vector<double> positive;
    for (double limit = 1e-12; limit < 1e20; limit *= 1.1) positive.push_back(limit);
    positive.push_back(std::numeric_limits<double>::max());
    std::vector<double> all;
    for (auto limit = positive.rbegin(); limit != positive.rend(); ++limit) all.push_back(-*limit);
    all.push_back(0);
    all.insert(all.end(), positive.begin(), positive.end());
    return all;
  }();
  return limits;
}

void fill_histogram(std::span<const float> values, events::Histogram& histogram) {
  const std::vector<double>& limits = bucket_limits();
  std::vector<std::int64_t> counts(limits.size(), 0);
  double sum = 0, sum_squares = 0;
  for (const double value : values) {
    sum += value;
    sum_squares += value * value;
    ++counts[static_cast<std::size_t>(std::upper_bound(limits.begin(), limits.end(), value) -
                                      limits.begin())];
  }
  const auto [min, max] = std::minmax_element(values.begin(), values.end());
  histogram.set_min(*min);
  histogram.set_max(*max);
  histogram.set_num(static_cast<double>(values.size()));
  histogram.set_sum(sum);
  histogram.set_sum_squares(sum_squares);
  // Of a run of empty buckets one is written, which says where the next full one begins.
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0 && (i + 1 == counts.size() || counts[i + 1] == 0)) continue;
    histogram.add_bucket_limit(limits[i]);
    histogram.add_bucket(static_cast<double>(counts[i]));
  }
}

/// `text` with U+FFFD for bytes that are no UTF-8, as write_json() does it.
std::string valid_utf8(const std::string& text) {
  return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
}

/// With one value, of `tag`.
events::Event event_of(const std::string& tag, std::int64_t step) {
  events::Event event;
  event.set_step(step);
  event.mutable_summary()->add_value()->set_tag(valid_utf8(tag));
  return event;
}

template <typename T>
T number_at(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

/// The bytes of the record at the beginning of `bytes`; 0 if they end before it does, or it is damaged.
std::size_t record_bytes(std::string_view bytes, bool& is_damaged) {
  is_damaged = false;
  if (bytes.size() < kHeaderBytes) return 0;
  is_damaged = masked_crc32c(bytes_of(bytes.substr(0, 8))) != number_at<std::uint32_t>(bytes, 8);
  if (is_damaged) return 0;
  const auto length = number_at<std::uint64_t>(bytes, 0);
  const std::size_t rest = bytes.size() - kHeaderBytes;
  if (rest < kFooterBytes || length > rest - kFooterBytes) return 0;
  const std::string_view body = bytes.substr(kHeaderBytes, length);
  is_damaged = masked_crc32c(bytes_of(body)) != number_at<std::uint32_t>(bytes, kHeaderBytes + length);
  return is_damaged ? 0 : kHeaderBytes + length + kFooterBytes;
}

bool is_after(std::string_view record, const std::string& prefix, std::int64_t last_step) {
  events::Event event;
  const std::string_view body = record.substr(kHeaderBytes, record.size() - kHeaderBytes - kFooterBytes);
  if (!event.ParseFromArray(body.data(), static_cast<int>(body.size())) || event.step() <= last_step)
    return false;
  const auto& values = event.summary().value();
  return std::any_of(values.begin(), values.end(),
                     [&](const auto& value) { return value.tag().starts_with(prefix); });
}

void forget_events_of(const std::filesystem::path& path, const std::string& prefix, std::int64_t last_step) {
  const std::string text = read_text_file(path, std::uint64_t{1} << 34);
  std::string_view rest = text;
  std::string kept;
  int kept_records = 0;
  bool is_damaged = false;
  while (const std::size_t size = record_bytes(rest, is_damaged)) {
    const std::string_view record = rest.substr(0, size);
    rest.remove_prefix(size);
    if (is_after(record, prefix, last_step)) continue;
    kept += record;
    ++kept_records;
  }
  if (is_damaged) kept += rest;
  if (kept.size() == text.size()) return;
  const bool nothing_but_version = kept_records <= 1 && !is_damaged;
  nothing_but_version ? static_cast<void>(std::filesystem::remove(path)) : write_file(path, kept);
}

}  // namespace

std::uint32_t crc32c(std::span<const std::byte> bytes) {
  std::uint32_t crc = 0xffffffffu;
  for (const std::byte byte : bytes) {
    crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<std::uint32_t>(byte)) & 0xff];
  }
  return ~crc;
}

std::uint32_t masked_crc32c(std::span<const std::byte> bytes) {
  return std::rotr(crc32c(bytes), 15) + 0xa282ead8u;
}

EventLog::EventLog(const std::filesystem::path& folder) {
  static std::atomic<int> number{0};
  const double now = seconds_now();
  char name[96];  // readers sort by name, so the seconds have ten digits and the number six
  std::snprintf(name, sizeof name, "%s%010lld.tern.%d.%06d", kFilePrefix, static_cast<long long>(now),
                static_cast<int>(getpid()), number++);
  path_ = folder / name;
  file_ = std::fopen(path_.c_str(), "wbx");  // x: never over another file
  if (file_ == nullptr) throw Error(path_.string(), std::string("cannot be made: ") + std::strerror(errno));
  try {
    events::Event version;
    version.set_file_version("brain.Event:2");
    append(version);
  } catch (...) {
    std::fclose(file_);
    throw;
  }
}

EventLog::~EventLog() {
  std::fclose(file_);
}

void EventLog::append(events::Event& event) {
  event.set_wall_time(seconds_now());
  const std::string body = event.SerializeAsString();
  std::string record;
  append_number(record, static_cast<std::uint64_t>(body.size()));
  append_number(record, masked_crc32c(bytes_of(record)));
  record += body;
  append_number(record, masked_crc32c(bytes_of(body)));
  const bool written = std::fwrite(record.data(), 1, record.size(), file_) == record.size();
  if (!written || std::fflush(file_) != 0) {
    throw Error(path_.string(), std::string("cannot be written: ") + std::strerror(errno));
  }
}

void EventLog::scalar(const std::string& tag, std::int64_t step, double value) {
  events::Event event = event_of(tag, step);
  event.mutable_summary()->mutable_value(0)->set_simple_value(static_cast<float>(value));
  append(event);
}

void EventLog::histogram(const std::string& tag, std::int64_t step, std::span<const float> values) {
  if (values.empty()) throw Error(tag, "at least one value for a histogram", "none");
  const auto bad =
      std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(value); });
  if (bad != values.end()) throw Error(tag, "finite values for a histogram", std::to_string(*bad));
  events::Event event = event_of(tag, step);
  fill_histogram(values, *event.mutable_summary()->mutable_value(0)->mutable_histo());
  append(event);
}

void EventLog::image(const std::string& tag, std::int64_t step, int width, int height,
                     std::span<const std::byte> png) {
  events::Event event = event_of(tag, step);
  events::Summary::Image& image = *event.mutable_summary()->mutable_value(0)->mutable_image();
  image.set_width(width);
  image.set_height(height);
  image.set_colorspace(3);
  image.set_encoded_image_string(png.data(), png.size());
  append(event);
}

void EventLog::sync() {
  if (::fsync(fileno(file_)) != 0 && errno != EINVAL) {  // a file system without it
    throw Error(path_.string(), std::string("cannot be flushed: ") + std::strerror(errno));
  }
}

void forget_events(const std::filesystem::path& folder, const std::string& prefix, std::int64_t last_step) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const bool is_own = name.starts_with(kFilePrefix) && name.find(".tern.") != std::string::npos;
    if (is_own && entry.is_regular_file() && !is_unfinished(entry.path())) files.push_back(entry.path());
  }
  for (const std::filesystem::path& file : files) forget_events_of(file, prefix, last_step);
}

}  // namespace tern
