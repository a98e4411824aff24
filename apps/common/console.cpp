#include "apps/common/console.h"

namespace tern {
namespace {

std::FILE*& stream_of_remarks() {
  static std::FILE* stream = stdout;
  return stream;
}

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

void print_now(std::FILE* stream, std::string_view text) {
  if (stream == nullptr || text.empty()) return;
  if (stream == stdout) {
    fmt::print(stream, "{}", text);
  } else {
    std::fwrite(text.data(), 1, text.size(), stream);
  }
  std::fflush(stream);
}

}  // namespace tern
