// Reads TensorBoard's event files back, with the messages that wrote them (test_event_log checks the format
// with a reader of its own).
#pragma once

#include <engine/io/event.pb.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/core/check.h"
#include "tests/support/files.h"

namespace tern::test {

/// The events of each event file of a folder, in the order in which TensorBoard reads the files.
inline std::vector<std::vector<events::Event>> read_event_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with("events.out.tfevents.")) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::vector<events::Event>> files;
  for (const std::filesystem::path& path : paths) {
    const std::string bytes = read_text_file(path);
    std::vector<events::Event>& events = files.emplace_back();
    constexpr std::size_t kFrame = 16;  // length and checksums around an event
    for (std::size_t at = 0; at < bytes.size();) {
      std::uint64_t length = 0;
      const std::size_t rest = bytes.size() - at;
      if (rest >= kFrame) std::memcpy(&length, &bytes.at(at), sizeof length);
      if (rest < kFrame || length > rest - kFrame ||
          !events.emplace_back().ParseFromString(bytes.substr(at + 12, length))) {
        throw Error(path.string(), "an event", "none");
      }
      at += kFrame + length;
    }
  }
  return files;
}

/// The values of a tag in all files, as (step, value).
inline std::vector<std::pair<std::int64_t, events::Summary::Value>> values_of(
    const std::vector<std::vector<events::Event>>& files, const std::string& tag) {
  std::vector<std::pair<std::int64_t, events::Summary::Value>> values;
  for (const auto& file : files) {
    for (const events::Event& event : file) {
      for (const events::Summary::Value& value : event.summary().value()) {
        if (value.tag() == tag) values.emplace_back(event.step(), value);
      }
    }
  }
  return values;
}

/// The steps at which a tag was logged, in order.
inline std::vector<std::int64_t> steps_of(const std::vector<std::vector<events::Event>>& files,
                                          const std::string& tag) {
  std::vector<std::int64_t> steps;
  for (const auto& [step, value] : values_of(files, tag)) steps.push_back(step);
  return steps;
}

}  // namespace tern::test
