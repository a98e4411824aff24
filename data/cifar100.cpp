#include "data/cifar100.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <sstream>
#include <system_error>

#include "data/random_purpose.h"
#include "data/resize.h"
#include "engine/core/check.h"
#include "engine/core/nearest.h"
#include "engine/core/random.h"
#include "engine/io/file.h"
#include "engine/io/utf8.h"

namespace tern {
namespace fs = std::filesystem;
namespace {

constexpr const char* kReptiles = "reptiles";
constexpr std::int64_t kLargeCount = 5000, kSmallCount = 1000;

std::vector<std::string> load_names(const fs::path& path) {
  std::istringstream text(read_text_file(path, 1 << 20));
  std::vector<std::string> names;
  for (std::string line; std::getline(text, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    names.push_back(line);
    check_name_is_utf8(path.string() + " name " + std::to_string(names.size()), "a class name", line);
  }
  if (names.empty() || names.size() > 256) {
    throw Error(path.string(), "1 to 256 names, one a line", std::to_string(names.size()));
  }
  return names;
}

void check_labels(const Cifar100& cifar) {
  const auto check_label = [&](std::int64_t record, const char* level, int label, std::size_t count) {
    if (static_cast<std::size_t>(label) < count) return;
    throw Error(cifar.file.string() + " record " + std::to_string(record),
                "a " + std::string(level) + " label of 0 to " + std::to_string(count - 1),
                std::to_string(label));
  };
  for (std::int64_t record = 0; record < cifar.count(); ++record) {
    check_label(record, "coarse", cifar.coarse(record), cifar.coarse_names.size());
    check_label(record, "fine", cifar.fine(record), cifar.fine_names.size());
  }
}

void check_name(const Cifar100& cifar, const char* key, const std::string& name) {
  std::vector<std::string> known = cifar.coarse_names;
  known.insert(known.end(), cifar.fine_names.begin(), cifar.fine_names.end());
  if (std::count(known.begin(), known.end(), name) != 0) return;
  throw Error(key, "a coarse or fine class name" + nearest_remark(name, known), "\"" + name + "\"");
}

// Which labels a name stands for; a name may be one of both levels.
std::set<int> labels_of(const std::vector<std::string>& names, const std::set<std::string>& wanted) {
  std::set<int> labels;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (wanted.contains(names[i])) labels.insert(static_cast<int>(i));
  }
  return labels;
}

// For each record whether its coarse or its fine class is among the names.
std::vector<bool> records_of(const Cifar100& cifar, const std::set<std::string>& names) {
  const std::set<int> coarse = labels_of(cifar.coarse_names, names),
                      fine = labels_of(cifar.fine_names, names);
  std::vector<bool> among;
  for (std::int64_t record = 0; record < cifar.count(); ++record) {
    among.push_back(coarse.contains(cifar.coarse(record)) || fine.contains(cifar.fine(record)));
  }
  return among;
}

// Records that may be chosen, sorted by the name of their fine class, then by record: an order that depends on
// the file alone.
std::vector<std::int64_t> candidates(const Cifar100& cifar, const CifarSelection& selection) {
  for (const std::string& name : selection.exclude_groups) check_name(cifar, "cifar_exclude_groups", name);
  for (const std::string& name : selection.hold_out_groups) check_name(cifar, "cifar_hold_out_groups", name);
  std::set<std::string> excluded(selection.exclude_groups.begin(), selection.exclude_groups.end());
  excluded.insert(kReptiles);
  const std::vector<bool> out = records_of(cifar, excluded);
  const std::vector<bool> held_out =
      records_of(cifar, {selection.hold_out_groups.begin(), selection.hold_out_groups.end()});
  std::vector<std::int64_t> found;
  for (std::int64_t record = 0; record < cifar.count(); ++record) {
    const auto i = static_cast<std::size_t>(record);
    if (!out[i] && held_out[i] == selection.held_out) found.push_back(record);
  }
  const auto fine_name = [&](std::int64_t record) -> const std::string& {
    return cifar.fine_names[static_cast<std::size_t>(cifar.fine(record))];
  };
  std::stable_sort(found.begin(), found.end(),
                   [&](std::int64_t a, std::int64_t b) { return fine_name(a) < fine_name(b); });
  return found;
}

std::vector<std::int64_t> import_indices(const fs::path& path, std::int64_t count) {
  std::istringstream text(read_text_file(path, 64 << 20));
  std::vector<std::int64_t> records;
  std::vector<bool> taken(static_cast<std::size_t>(count), false);
  for (std::string word; text >> word;) {
    std::int64_t record = -1;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), record);
    if (error != std::errc() || end != word.data() + word.size() || record < 0 || record >= count) {
      throw Error(path.string() + " entry " + std::to_string(records.size() + 1),
                  "a record index of 0 to " + std::to_string(count - 1), "\"" + word.substr(0, 60) + "\"");
    }
    if (taken[static_cast<std::size_t>(record)]) {
      throw Error(path.string() + " entry " + std::to_string(records.size() + 1), "each record once",
                  std::to_string(record) + " again");
    }
    taken[static_cast<std::size_t>(record)] = true;
    records.push_back(record);
  }
  if (records.empty()) throw Error(path.string(), "record indices", "none");
  return records;
}

}  // namespace

std::vector<std::uint8_t> Cifar100::image(std::int64_t record) const {
  constexpr std::size_t kPlane = kSize * kSize;
  if (record < 0 || record >= count()) {
    throw Error(file.string(), "a record of 0 to " + std::to_string(count() - 1), std::to_string(record));
  }
  const std::byte* planes = records.data() + record * kRecordBytes + 2;
  std::vector<std::uint8_t> rgb(3 * kPlane);
  for (std::size_t channel = 0; channel < 3; ++channel) {
    for (std::size_t i = 0; i < kPlane; ++i) {
      rgb[3 * i + channel] = static_cast<std::uint8_t>(planes[channel * kPlane + i]);
    }
  }
  return rgb;
}

CifarMode parse_cifar_mode(const std::string& name) {
  if (name == "none") return CifarMode::none;
  if (name == "small") return CifarMode::small;
  if (name == "large") return CifarMode::large;
  throw Error("cifar", "none, small or large", "\"" + name + "\"");
}

Cifar100 load_cifar100(const fs::path& folder) {
  if (!fs::is_directory(folder)) {
    throw Error(folder.string(), "a folder with CIFAR-100's binary version", "nothing there or no folder");
  }
  Cifar100 cifar;
  cifar.file = folder / "train.bin";
  cifar.coarse_names = load_names(folder / "coarse_label_names.txt");
  cifar.fine_names = load_names(folder / "fine_label_names.txt");
  cifar.records = read_file(cifar.file);
  if (cifar.records.empty() || cifar.records.size() % Cifar100::kRecordBytes != 0) {
    throw Error(cifar.file.string(), "records of " + std::to_string(Cifar100::kRecordBytes) + " bytes",
                std::to_string(cifar.records.size()) + " bytes, no whole number of them");
  }
  check_labels(cifar);
  return cifar;
}

std::vector<std::string> novel_cifar_groups(const Cifar100& cifar) {
  std::vector<std::string> names = cifar.coarse_names;
  std::erase(names, kReptiles);
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::int64_t> select_cifar(const Cifar100& cifar, const CifarSelection& selection) {
  if (selection.mode == CifarMode::none) return {};
  if (!selection.indices_file.empty()) return import_indices(selection.indices_file, cifar.count());
  const std::int64_t wanted =
      selection.count.value_or(selection.mode == CifarMode::small ? kSmallCount : kLargeCount);
  if (wanted < 1) throw Error("cifar_count", "at least 1", std::to_string(wanted));
  std::vector<std::int64_t> records = candidates(cifar, selection);
  if (static_cast<std::int64_t>(records.size()) < wanted) {
    throw Error(cifar.file.string(),
                std::to_string(wanted) + (selection.held_out ? " images of the held-out groups"
                                                             : " images outside the excluded groups"),
                std::to_string(records.size()));
  }
  RandomStream(selection.seed, random_purpose::selection).shuffle(records);
  records.resize(static_cast<std::size_t>(wanted));
  return records;
}

void add_cifar(Dataset& dataset, const fs::path& folder, const CifarSelection& selection) {
  if (selection.mode == CifarMode::none) return;
  if (dataset.classes.superclass_names.empty() || dataset.superclasses.size() != dataset.names.size()) {
    throw Error("add_cifar", "a labelled data set", "one without labels or classes");
  }
  const Cifar100 cifar = load_cifar100(folder);
  const std::vector<std::int64_t> chosen = select_cifar(cifar, selection);
  Resizer resize(Cifar100::kSize, Cifar100::kSize, dataset.image_size, dataset.image_size);
  std::size_t filled = dataset.pixels.size();
  dataset.pixels.resize(filled + chosen.size() * dataset.image_bytes());
  for (const std::int64_t record : chosen) {
    resize(cifar.image(record), std::span(dataset.pixels).subspan(filled, dataset.image_bytes()));
    filled += dataset.image_bytes();
    dataset.names.push_back("cifar:" + std::to_string(record) + ":" +
                            cifar.fine_names[static_cast<std::size_t>(cifar.fine(record))]);
    dataset.superclasses.push_back(dataset.classes.novel_superclass());
    dataset.subclasses.push_back(dataset.classes.novel_subclass());
    dataset.is_extra.push_back(1);
  }
}

}  // namespace tern
