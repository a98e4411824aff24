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
  if (known.count++ == 0 || natural_less(name, known.example)) known.example = name;
  const std::string_view file = std::string_view(name).substr(0, name.size() - name.ends_with('/'));
  names_.emplace(file.substr(file.rfind('/') + 1));  // npos + 1 is 0
}

std::int64_t PassedOver::count() const {
  std::int64_t count = 0;
  for (const auto& [name, kind] : kinds_) count += kind.count;
  return count;
}

std::string PassedOver::kinds_text() const {
  std::vector<std::pair<std::string, Kind>> kinds(kinds_.begin(), kinds_.end());
  std::stable_sort(kinds.begin(), kinds.end(),
                   [](const auto& a, const auto& b) { return a.second.count > b.second.count; });
  constexpr std::size_t kMaxKinds = 8;
  std::string text;
  std::int64_t left = count();
  for (std::size_t i = 0; i < std::min(kinds.size(), kMaxKinds); ++i) {
    const auto& [name, kind] = kinds[i];
    const bool plural = name == kSubFolder && kind.count > 1;
    text += (i > 0 ? ", " : "") + std::to_string(kind.count) + " " + name + (plural ? "s (" : " (") +
            kind.example + ")";
    left -= kind.count;
  }
  if (left > 0) text += ", " + std::to_string(left) + " of other kinds";
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c >= 0 && c < ' '; }, '?');  // line ends
  return text;
}

std::string PassedOver::text(const std::string& where) const {
  const std::int64_t all = count();
  if (all == 0) return {};
  return "passed over " + std::to_string(all) + (all == 1 ? " file of " : " files of ") + where + ": " +
         kinds_text() + "\n";
}

}  // namespace tern
