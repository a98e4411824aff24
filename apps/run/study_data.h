// The images of a run: the study's folder, the CIFAR-100 images added to it, and how they are split.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "apps/run/config.h"
#include "apps/run/run_folder.h"
#include "data/dataset.h"
#include "data/split.h"
#include "engine/io/json.h"

namespace tern {

/// Where a run's images lie.
struct DataFolders {
  std::filesystem::path data;
  std::filesystem::path cifar;  ///< empty: DATA/cifar-100-binary, if the settings ask for CIFAR images at all
};

struct StudyData {
  Dataset dataset;
  Split split;
  std::string fingerprint;  ///< of pixels, names, labels and split: equal if and only if (almost) they are

  /// 1 for each class that has training images.
  std::vector<std::uint8_t> trained(Level level) const;
  std::int64_t count_extra(const std::vector<std::int64_t>& indices) const;  ///< CIFAR images among these
  Json describe_split() const;  ///< images of each part, and the subclasses held out
  /// A row an image: image,part,superclass_index,subclass_index; part is train, validation, pseudo_novel or
  /// pseudo_novel_super.
  std::string split_csv() const;
};

/// True if CIFAR-100 images are trained on or held out.
bool needs_cifar(const Config& config);

/// Absolute paths, with the default CIFAR folder filled in where one is needed, else empty. Throws
/// Error{--data ... or --cifar ...} if one is no folder.
DataFolders resolve_folders(const Config& config, const DataFolders& folders);

/// Throws Error{option, ...} where writing `path` would replace an image in `folder` or below it.
void check_not_image(const std::string& option, const std::filesystem::path& path,
                     const std::filesystem::path& folder);
/// The same for an image, table or zip of `data`.
void check_not_data(const std::string& option, const std::filesystem::path& path,
                    const std::filesystem::path& data);

/// Reads and splits everything. Throws Error naming the file or the key at fault.
StudyData load_study_data(const Config& config, const DataFolders& folders);

/// The images of the run, which must be those that it was trained on. Empty folders: where the run found
/// them.
StudyData load_run_data(const Run& run, DataFolders folders);

/// Of the names and labels of a study's images and of its classes, whose pixels are not looked at. Throws Error as open_study().
std::string labels_fingerprint(const std::filesystem::path& data);

}  // namespace tern
