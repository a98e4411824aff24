#include "apps/common/console.h"

#include <cerrno>
#include <string>
#include <system_error>

#include "engine/io/utf8.h"

namespace tern {
namespace {

std::FILE*& stream_of_remarks() {
  static std::FILE* stream = stdout;
  return stream;
}

bool silenced = false;

}  // namespace

void print_json(const Json& json) {
  fmt::print(stdout, "{}", json_text(json));
}

void send_remarks_to(std::FILE* stream) {
  stream_of_remarks() = stream;
}

std::FILE* remarks_stream() {
  return stream_of_remarks();
}

void silence_console() {
  silenced = true;
  send_remarks_to(nullptr);
}

std::FILE* warnings_stream() {
  if (silenced) return nullptr;
  return remarks_stream() == stdout ? stdout : stderr;
}

void print_now(std::FILE* stream, std::string_view text) {
  if (stream == nullptr || text.empty()) return;
  const std::string shown = visible(text);
  if (stream == stdout) {
    fmt::print(stream, "{}", shown);
  } else {
    std::fwrite(shown.data(), 1, shown.size(), stream);
  }
  if (std::fflush(stream) != 0 && stream == stdout)
    throw std::system_error(errno, std::generic_category(), "cannot write it");
}

}  // namespace tern
