// Read back by a reader of the wire format that is written here from its description: no protobuf, no other
// CRC.
#include "engine/io/event_log.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
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

namespace {

/// What a folder's files hold, file by file in the order of their names: "tag@step".
std::vector<std::vector<std::string>> logged(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::vector<std::string>> files;
  for (const std::filesystem::path& path : paths) {
    std::vector<std::string>& texts = files.emplace_back();
    for (const Fields& event : read_events(path)) {
      const std::string tag = event.message(5).message(1).text(1);
      if (!tag.empty()) texts.push_back(tag + "@" + std::to_string(event.number(2)));
    }
  }
  return files;
}

using Logged = std::vector<std::vector<std::string>>;

}  // namespace

TEST_CASE("event_log: what a resumed log makes again is taken out, and no other tag's") {
  const test::TemporaryFolder folder;
  {
    EventLog first(folder.path());
    for (const int step : {1, 2, 3}) {
      first.scalar("a/loss", step, step);
      first.scalar("b/loss", step, step);
    }
  }
  {
    EventLog second(folder.path());
    second.scalar("a/loss", 4, 4);
    second.histogram("a/weights", 4, std::vector<float>{1, 2});
  }
  const Logged all = logged(folder.path());
  REQUIRE(all.size() == 2);
  forget_events(folder.path(), "a/", 4);
  forget_events(folder.path(), "c/", 0);
  CHECK(logged(folder.path()) == all);
  forget_events(folder.path(), "a/", 1);  // of the second file nothing is left
  CHECK(logged(folder.path()) == Logged{{"a/loss@1", "b/loss@1", "b/loss@2", "b/loss@3"}});
  EventLog third(folder.path());
  third.scalar("a/loss", 2, 2);
  CHECK(logged(folder.path()) == Logged{{"a/loss@1", "b/loss@1", "b/loss@2", "b/loss@3"}, {"a/loss@2"}});
  CHECK_THROWS_AS(forget_events(folder / "absent", "a/", 0), std::exception);
}

TEST_CASE("event_log: what is cut short goes, what is damaged or somebody else's stays") {
  const test::TemporaryFolder folder;
  std::filesystem::path path;
  {
    EventLog log(folder.path());
    path = log.path();
    for (const int step : {1, 2, 3}) log.scalar("a/loss", step, step);
  }
  const std::string whole = read_text_file(path);
  const std::size_t record = (whole.size() - read_events(path).front().text(3).size()) / 4;
  for (const std::size_t missing : {std::size_t{1}, std::size_t{10}, record - 8}) {
    CAPTURE(missing);
    test::write_quickly(path, whole.substr(0, whole.size() - missing));
    forget_events(folder.path(), "a/", 3);
    CHECK(logged(folder.path()) == Logged{{"a/loss@1", "a/loss@2"}});
  }
  std::string damaged = whole;
  damaged[damaged.size() - 60] ^= 1;  // in the second of three scalars
  test::write_quickly(path, damaged);
  forget_events(folder.path(), "a/", 0);
  const std::string kept = read_text_file(path);
  CHECK(kept.size() < damaged.size());
  CHECK(damaged.ends_with(kept.substr(kept.size() - 60)));

  const std::filesystem::path other = folder / "events.out.tfevents.1700000000.host.1.0";
  test::write_quickly(other, whole);
  forget_events(folder.path(), "a/", 0);
  CHECK(read_text_file(other) == whole);
}

TEST_CASE("event_log: a tag is UTF-8, whatever bytes it was made of") {
  const test::TemporaryFolder folder;
  EventLog log(folder.path());
  log.scalar("caf\xe9/\xc3\xa9t\xc3\xa9", 1, 1);  // Latin-1, then UTF-8
  log.scalar("cut \xe2\x82", 2, 1);
  log.scalar("\xed\xa0\x80\xc0\xaf", 3, 1);  // a surrogate and an overlong slash, which UTF-8 has not
  const std::vector<Fields> events = read_events(log.path());
  const auto tag_of = [&](std::size_t i) { return events.at(i).message(5).message(1).text(1); };
  CHECK(tag_of(1) == "caf\xef\xbf\xbd/\xc3\xa9t\xc3\xa9");
  CHECK(tag_of(2) == "cut \xef\xbf\xbd");
  CHECK(tag_of(3).find_first_not_of("\xef\xbf\xbd") == std::string::npos);
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
