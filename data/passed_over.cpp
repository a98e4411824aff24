#include "data/passed_over.h"

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "data/image_source.h"

namespace tern {

std::string PassedOver::kind_of(const std::string& name) {
  std::string extension = std::filesystem::path(name).extension().string();
  for (char& c : extension) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return extension.size() > 1 ? extension : "without extension";
}

void PassedOver::add(const std::string& kind, const std::string& name) {
  Kind& known = kinds_[kind];
  known.name = kind;
  ++known.count;
  folders_ += name.ends_with('/');
  std::vector<std::string>& examples = known.examples;
  examples.insert(std::upper_bound(examples.begin(), examples.end(), name, natural_less), name);
  if (examples.size() > kExamples) examples.pop_back();
  const std::string_view file = std::string_view(name).substr(0, name.size() - name.ends_with('/'));
  names_.emplace(file.substr(file.rfind('/') + 1));  // npos + 1 is 0
}

std::int64_t PassedOver::count() const {
  std::int64_t count = 0;
  for (const auto& [name, kind] : kinds_) count += kind.count;
  return count;
}

std::vector<PassedOver::Kind> PassedOver::kinds() const {
  std::vector<Kind> kinds;
  for (const auto& [name, kind] : kinds_) kinds.push_back(kind);
  std::stable_sort(kinds.begin(), kinds.end(),
                   [](const Kind& a, const Kind& b) { return a.count > b.count; });
  return kinds;
}

std::string PassedOver::kinds_text() const {
  const std::vector<Kind> kinds = this->kinds();
  constexpr std::size_t kMaxKinds = 8;
  std::string text;
  std::int64_t left = count();
  for (std::size_t i = 0; i < std::min(kinds.size(), kMaxKinds); ++i) {
    const Kind& kind = kinds[i];
    const bool plural = kind.name == kSubFolder && kind.count > 1;
    text += (i > 0 ? ", " : "") + std::to_string(kind.count) + " " + kind.name + (plural ? "s (" : " (") +
            kind.examples.front() + ")";
    left -= kind.count;
  }
  if (left > 0) text += ", " + std::to_string(left) + " of other kinds";
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, '?');  // line ends
  return text;
}

std::string PassedOver::text() const {
  const std::int64_t all = count();
  if (all == 0) return {};
  const auto counted = [](std::int64_t count, const std::string& thing) {
    return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
  };
  std::string counts = all > folders_ ? counted(all - folders_, "file") : "";
  if (folders_ > 0) counts += (counts.empty() ? "" : " and ") + counted(folders_, "folder");
  return "passed over " + counts + " of " + where_ + ": " + kinds_text() + "\n";
}

}  // namespace tern
