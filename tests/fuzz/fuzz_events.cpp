// TensorBoard's events: as a training that goes on takes some out, and as tests read them. Checksums are set right first.
// Link: tern_data
// Parser: engine/io/event_log.cpp:forget_events_of tests/support/events.h
#include "engine/io/event_log.h"
#include "tests/fuzz/fuzzer.h"
#include "tests/support/events.h"

using namespace tern;

namespace {

constexpr const char* kName = "events.out.tfevents.0000000001.tern.1.0";

void put(std::string& bytes, std::size_t at, std::size_t of, std::size_t count) {
  const std::uint32_t crc = masked_crc32c(fuzz::bytes_of(std::string_view(bytes).substr(of, count)));
  std::memcpy(bytes.data() + at, &crc, sizeof crc);
}

std::string with_checksums(std::string bytes) {
  for (std::size_t at = 0; bytes.size() - at >= 16;) {
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data() + at, sizeof length);
    put(bytes, at + 8, at, 8);
    if (length > bytes.size() - at - 16) break;
    put(bytes, at + 12 + length, at + 12, length);
    at += 16 + length;
  }
  return bytes;
}

}  // namespace

TERN_FUZZER(events) {
  static const fuzz::Folder folder;
  folder.write(kName, with_checksums(std::string(input)));
  fuzz::accepted([&] { test::values_of(test::read_event_files(folder.path()), "loss"); });
  fuzz::accepted([&] {
    forget_events(folder.path(), "super/", 1);
    for (const auto& [step, value] : test::values_of(test::read_event_files(folder.path()), "super/loss")) {
      fuzz::expect(step <= 1, "no step that was to be forgotten");
    }
  });
}
