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
  names_.insert(name.substr(name.rfind('/') + 1));  // npos + 1 is 0
}

std::int64_t PassedOver::count() const {
  std::int64_t count = 0;
  for (const auto& [name, kind] : kinds_) count += kind.count;
  return count;
}

std::string PassedOver::text(const std::string& where) const {
  if (kinds_.empty()) return {};
  std::vector<std::pair<std::string, Kind>> kinds(kinds_.begin(), kinds_.end());
  std::stable_sort(kinds.begin(), kinds.end(),
                   [](const auto& a, const auto& b) { return a.second.count > b.second.count; });
  constexpr std::size_t kMostKinds = 8;
  const std::int64_t all = count();
  std::string text =
      "passed over " + std::to_string(all) + (all == 1 ? " file of " : " files of ") + where + ": ";
  std::int64_t told = 0;
  for (std::size_t i = 0; i < std::min(kinds.size(), kMostKinds); ++i) {
    const auto& [name, kind] = kinds[i];
    const bool plural = name == kSubFolder && kind.count > 1;
    text += (i > 0 ? ", " : "") + std::to_string(kind.count) + " " + name + (plural ? "s (" : " (") +
            kind.example + ")";
    told += kind.count;
  }
  if (told < all) text += ", " + std::to_string(all - told) + " of other kinds";
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c >= 0 && c < ' '; }, '?');  // names may hold any
  return text + "\n";
}

}  // namespace tern
