// Read back by a reader of the wire format that is written here from its description: no protobuf, no other
// CRC.
#include "engine/io/event_log.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <map>

#include "data/image_io.h"
#include "tests/support/files.h"
#include "tests/support/full_disk.h"

using namespace tern;
using doctest::Contains;

namespace {

/// A message's fields: numbers as their bits, texts and messages as bytes.
struct Fields {
  std::multimap<int, std::uint64_t> numbers;
  std::multimap<int, std::string> texts;

  explicit Fields(const std::string& bytes) {
    std::size_t at = 0;
    const auto varint = [&] {
      std::uint64_t value = 0;
      for (int shift = 0;; shift += 7) {
        const auto byte = static_cast<unsigned char>(bytes.at(at++));
        value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
      }
    };
    const auto fixed = [&](std::size_t size) {
      std::uint64_t value = 0;
      std::memcpy(&value, bytes.substr(at, size).data(), size);
      at += size;
      return value;
    };
    while (at < bytes.size()) {
      const std::uint64_t key = varint();
      const int field = static_cast<int>(key >> 3);
      if ((key & 7) == 0) numbers.emplace(field, varint());
      if ((key & 7) == 1) numbers.emplace(field, fixed(8));
      if ((key & 7) == 5) numbers.emplace(field, fixed(4));
      if ((key & 7) == 2) {
        const std::uint64_t size = varint();
        texts.emplace(field, bytes.substr(at, size));
        at += size;
      }
    }
  }
  std::uint64_t number(int field) const {
    const auto found = numbers.find(field);
    return found == numbers.end() ? 0 : found->second;
  }
  double real(int field) const { return std::bit_cast<double>(number(field)); }
  std::string text(int field) const {
    const auto found = texts.find(field);
    return found == texts.end() ? std::string() : found->second;
  }
  Fields message(int field) const { return Fields(text(field)); }
  std::vector<double> reals(int field) const {
    const std::string packed = text(field);
    std::vector<double> values(packed.size() / 8);
    std::memcpy(values.data(), packed.data(), values.size() * 8);
    return values;
  }
};

/// Bit by bit, from the polynomial.
std::uint32_t slow_masked_crc(const std::string& bytes) {
  std::uint32_t crc = 0xffffffffu;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0x82f63b78u & (0u - (crc & 1)));
  }
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

std::vector<Fields> read_events(const std::filesystem::path& path) {
  const std::string bytes = read_text_file(path);
  std::vector<Fields> events;
  for (std::size_t at = 0; at < bytes.size();) {
    std::uint64_t length = 0;
    std::uint32_t length_crc = 0, body_crc = 0;
    std::memcpy(&length, &bytes.at(at), 8);
    std::memcpy(&length_crc, &bytes.at(at + 8), 4);
    CHECK(length_crc == slow_masked_crc(bytes.substr(at, 8)));
    const std::string body = bytes.substr(at + 12, length);
    std::memcpy(&body_crc, &bytes.at(at + 12 + length), 4);
    CHECK(body_crc == slow_masked_crc(body));
    events.emplace_back(body);
    at += 16 + length;
  }
  return events;
}

}  // namespace

TEST_CASE("event_log: CRC-32C's known answers") {
  const auto crc = [](std::string_view text) { return crc32c(std::as_bytes(std::span(text))); };
  CHECK(crc("123456789") == 0xe3069283u);
  CHECK(crc("") == 0);
  CHECK(crc(std::string(32, '\0')) == 0x8a9136aau);  // RFC 3720, B.4
  CHECK(crc(std::string(32, '\xff')) == 0x62a8ab43u);
}

TEST_CASE("event_log: scalars, histograms and images come back") {
  const test::TemporaryFolder folder;
  const Image picture{2, 1, {255, 0, 0, 0, 0, 255}};
  const std::vector<std::byte> png = encode_png(picture);
  const std::vector<float> values{-2, -0.5f, 0, 0, 1e-20f, 0.25f, 3, 3, 3, 1e30f};
  std::filesystem::path path;
  {
    EventLog log(folder.path());
    path = log.path();
    log.scalar("loss", 7, 0.125);
    log.histogram("weights", 8, values);
    log.image("worst/0", -1, 2, 1, png);
    CHECK(read_events(path).size() == 4);  // whole while it is open
  }
  const std::vector<Fields> events = read_events(path);
  REQUIRE(events.size() == 4);
  CHECK(events[0].text(3) == "brain.Event:2");
  CHECK(events[0].real(1) > 1.6e9);
  CHECK(path.filename().string().starts_with("events.out.tfevents."));

  const Fields scalar = events[1].message(5).message(1);
  CHECK(events[1].number(2) == 7);
  CHECK(scalar.text(1) == "loss");
  CHECK(std::bit_cast<float>(static_cast<std::uint32_t>(scalar.number(2))) == 0.125f);

  const Fields entry = events[2].message(5).message(1), histogram = entry.message(5);
  CHECK(entry.text(1) == "weights");
  CHECK(histogram.real(1) == -2);
  CHECK(histogram.real(2) == 1e30f);
  CHECK(histogram.real(3) == 10);
  CHECK(histogram.real(4) == doctest::Approx(1e30));
  const std::vector<double> limits = histogram.reals(6), buckets = histogram.reals(7);
  REQUIRE(limits.size() == buckets.size());
  double counted = 0;
  for (std::size_t i = 0; i < limits.size(); ++i) {
    const double low = i == 0 ? -std::numeric_limits<double>::max() : limits[i - 1];
    CHECK(low < limits[i]);
    double inside = 0;
    for (const float value : values) inside += value >= low && value < limits[i];
    CHECK(buckets[i] == inside);
    counted += buckets[i];
  }
  CHECK(counted == 10);
  CHECK(limits.size() < 20);  // runs of empty buckets are left out

  const Fields image = events[3].message(5).message(1).message(4);
  CHECK(static_cast<std::int64_t>(events[3].number(2)) == -1);
  CHECK(image.number(1) == 1);
  CHECK(image.number(2) == 2);
  CHECK(image.number(3) == 3);
  const std::string stored = image.text(4);
  CHECK(decode_image(std::as_bytes(std::span(stored)), "stored").rgb == picture.rgb);
}

TEST_CASE("event_log: a resumed log is a second file that voids later steps") {
  const test::TemporaryFolder folder;
  const EventLog first(folder.path());
  const EventLog second(folder.path(), 120);
  CHECK(first.path() < second.path());
  const std::vector<Fields> events = read_events(second.path());
  REQUIRE(events.size() == 2);
  CHECK(events[1].number(2) == 120);
  CHECK(events[1].message(7).number(1) == 1);
}

TEST_CASE("event_log: what cannot be logged") {
  const test::TemporaryFolder folder;
  CHECK_THROWS_WITH_AS(EventLog(folder / "absent"), Contains("cannot be made: No such file"), Error);
  EventLog log(folder.path());
  CHECK_THROWS_WITH_AS(log.histogram("w", 0, {}), "w: wanted at least one value for a histogram, got none",
                       Error);
  CHECK_THROWS_WITH_AS(log.histogram("w", 0, std::vector<float>{1, NAN}),
                       "w: wanted finite values for a histogram, got nan", Error);
  CHECK(read_events(log.path()).size() == 1);
}

TEST_CASE("event_log: a full disk") {
  const test::TemporaryFolder folder;
  EventLog log(folder.path());
  const test::FullDisk full(200);
  CHECK_THROWS_WITH_AS(
      [&] {
        for (int step = 0; step < 20; ++step) log.scalar("loss", step, 1);
      }(),
      Contains("cannot be written: File too large"), Error);
}
