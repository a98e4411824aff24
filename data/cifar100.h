// CIFAR-100, binary version, as a source of images that are none of the study's classes. A record is
//   <coarse label byte><fine label byte><1024 red><1024 green><1024 blue>      (32x32, row-major)
// train.bin holds any number of records; coarse_label_names.txt and fine_label_names.txt name the labels, one
// a line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace tern {

struct Cifar100 {
  static constexpr int kSize = 32;
  static constexpr std::int64_t kRecordBytes = 2 + 3 * kSize * kSize;

  std::filesystem::path file;  ///< train.bin, for messages
  std::vector<std::string> coarse_names, fine_names;
  std::vector<std::byte> records;

  std::int64_t count() const { return static_cast<std::int64_t>(records.size()) / kRecordBytes; }
  int coarse(std::int64_t record) const { return static_cast<int>(records[record * kRecordBytes]); }
  int fine(std::int64_t record) const { return static_cast<int>(records[record * kRecordBytes + 1]); }
  std::vector<std::uint8_t> image(std::int64_t record) const;  ///< 32x32 RGB, interleaved
};

enum class CifarMode { none, small, large };

/// Which records become novel images. Candidates are all records but those of the group "reptiles" and of the
/// excluded names; they are shuffled with (seed, random_purpose::selection) and the first so many taken:
/// 5,000 when large, 1,000 when small, so small is a part of large. Names are sorted before anything is
/// drawn, so the choice does not depend on the order of exclude_groups.
struct CifarSelection {
  CifarMode mode = CifarMode::large;
  std::optional<std::int64_t> count;         ///< instead of 5,000 or 1,000
  std::vector<std::string> exclude_groups;   ///< coarse or fine names, as in the two label files
  std::vector<std::string> hold_out_groups;  ///< these too, unless `held_out` asks for them alone
  bool held_out = false;
  std::uint64_t seed = 42;
  std::filesystem::path
      indices_file;  ///< if not empty: the records to take, whitespace between; the rest is unused
};

CifarMode parse_cifar_mode(const std::string& name);  ///< "none", "small", "large"; Error for others

/// Throws Error{file, ...} for an absent file, a size that is no whole number of records, labels out of
/// range.
Cifar100 load_cifar100(const std::filesystem::path& folder);

/// The coarse names but the reptiles, sorted: what can be excluded or held out.
std::vector<std::string> novel_cifar_groups(const Cifar100& cifar);

/// The chosen records, in the order drawn. Throws Error for unknown names (with the nearest known one), too
/// few candidates (with their number), indices that are no numbers, out of range or given twice.
std::vector<std::int64_t> select_cifar(const Cifar100& cifar, const CifarSelection& selection);

/// Appends the selected images to a labelled data set, upsampled bilinearly to its image_size, as superclass
/// novel, subclass novel, is_extra = 1, name "cifar:<record>:<fine class>". Mode none changes nothing and
/// reads nothing.
void add_cifar(Dataset& dataset, const std::filesystem::path& folder, const CifarSelection& selection);

}  // namespace tern
