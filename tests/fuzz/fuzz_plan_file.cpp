// The cache of cuDNN's plans, whose hashes are set right first: the input has them as it likes.
// Link: tern_data
// Parser: engine/backend/cuda/plan_file.cpp:PlanFile,take_,record_of,hash_of,append
#include "engine/backend/cuda/plan_file.h"

#include <charconv>

#include "tests/fuzz/fuzzer.h"

using namespace tern;

namespace {

std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

/// Of each record "<hash> <bytes of key> <bytes of plan>\n<key>\n<plan>\n" that is there in whole.
std::string with_hashes(std::string_view file) {
  std::string result;
  while (true) {
    std::size_t sizes[3] = {};
    std::size_t at = 0;
    for (std::size_t& size : sizes) {
      const auto [end, error] = std::from_chars(file.data() + at, file.data() + file.size(), size);
      at = static_cast<std::size_t>(end - file.data()) + 1;
      if (error != std::errc() || at > file.size()) return result.append(file);
    }
    if (sizes[1] > file.size() || sizes[2] > file.size() || sizes[1] + sizes[2] + 2 > file.size() - at)
      return result.append(file);
    const std::string_view body = file.substr(at, sizes[1] + sizes[2] + 2);
    const std::size_t hash_end = file.find_first_not_of("0123456789");
    result += std::to_string(fnv1a(body));
    result += file.substr(hash_end, at - hash_end);
    result += body;
    file.remove_prefix(at + body.size());
  }
}

}  // namespace

TERN_FUZZER(plan_file) {
  static const fuzz::Folder folder;
  folder.write("plans", with_hashes(input));
  std::size_t size = 0;
  {
    PlanFile file(folder / "plans");
    file.find("a");
    file.add("key of the fuzzer's", "{}");
    size = file.size();
  }
  const PlanFile again(folder / "plans");
  const std::string* const plan = again.find("key of the fuzzer's");
  fuzz::expect(again.size() == size && plan != nullptr && *plan == "{}",
               "what was added, beside all that was there");
}
