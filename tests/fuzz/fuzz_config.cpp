// The settings of a training, and "--set key=value" in the lines of a second part. What is read is written, read again and must
// be the same.
// Link: tern_apps_run
// Parser: apps/run/config.cpp apps/run/config_keys.cpp apps/common/toml_file.cpp
#include "apps/run/config.h"
#include "tests/fuzz/fuzzer.h"

using namespace tern;

namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace

TERN_FUZZER(config) {
  const std::vector<std::string_view> parts = fuzz::parts_of(input, 2);
  const fuzz::MemoryFile file(parts[0]);
  fuzz::accepted([&] {
    const Config config = read_config(file.path(), lines_of(parts[1]));
    const std::string text = config_text(config);
    const fuzz::MemoryFile written(text);
    Config again;
    fuzz::expect(fuzz::accepted([&] { again = read_config(written.path()); }),
                 "settings that can be read again");
    fuzz::expect(config_text(again) == text, "the same after writing and reading");
    fuzz::accepted([&] { check_resumable(config, make_config({"epochs=20"}, config)); });
    fuzz::accepted([&] { check_resumable(Config(), config); });
  });
}
