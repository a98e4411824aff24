#include "data/study.h"

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/class_folders.h"
#include "data/decode.h"
#include "data/image_source.h"
#include "data/label_table.h"
#include "engine/core/check.h"
#include "engine/io/csv.h"
#include "engine/io/utf8.h"

namespace tern {
namespace fs = std::filesystem;
namespace {

// Class names by index, of which the last must be "novel".
std::vector<std::string> load_mapping(const fs::path& path) {
  const CsvTable table = read_csv(path);
  const std::size_t index_column = table.column("index"), class_column = table.column("class");
  const std::size_t count = table.rows.size();
  if (count == 0) throw Error(path.string(), "at least one class", "none");
  std::vector<std::string> names(count);
  std::vector<std::size_t> row_of(count, count);
  for (std::size_t row = 0; row < count; ++row) {
    const auto index =
        static_cast<std::size_t>(index_at(table, row, index_column, static_cast<std::int64_t>(count)));
    if (row_of[index] != count) {
      throw Error(
          at_line(table, row), "each index once",
          "index " + std::to_string(index) + " as on line " + std::to_string(table.lines[row_of[index]]));
    }
    row_of[index] = row;
    names[index] = table.rows[row][class_column];
    if (names[index].empty()) throw Error(at_line(table, row), "a name in column \"class\"", "nothing");
    check_name_is_utf8(at_line(table, row), "a class name", names[index]);
    if (names[index] == kNovelClass && index + 1 != count) {
      throw Error(at_line(table, row), "the class \"novel\" at the last index, " + std::to_string(count - 1),
                  "index " + std::to_string(index));
    }
  }
  if (names.back() != kNovelClass) {
    throw Error(at_line(table, row_of.back()),
                "the class \"novel\" at the last index, " + std::to_string(count - 1),
                in_quotes(names.back()));
  }
  return names;
}

constexpr const char* kTable = "train_data.csv";
constexpr const char* kMappings[] = {"superclass_mapping.csv", "subclass_mapping.csv"};
constexpr const char* kImages[] = {"train_images", "train_images.zip"};

const char* mapping_of(Level level) {
  return kMappings[level == Level::super ? 0 : 1];
}

bool exists_any(const fs::path& folder, std::span<const char* const> names) {
  return std::any_of(names.begin(), names.end(),
                     [&folder](const char* name) { return fs::exists(folder / name); });
}

/// Nothing of a study with a table: then the folders may be the classes.
bool has_no_table(const fs::path& folder) {
  return !fs::exists(folder / kTable) && !exists_any(folder, kMappings) && !exists_any(folder, kImages);
}

/// Where a table's images are; names with folders in them are paths from there.
std::unique_ptr<ImageSource> open_training_images(const fs::path& folder, const LabelTable& labels) {
  constexpr int kDepth = 4;
  fs::path images = folder;
  for (const char* name : kImages) {
    if (!fs::exists(folder / name)) continue;
    images /= name;
    break;
  }
  const auto has_folder = [](const auto& entry) { return entry.first.find('/') != entry.first.npos; };
  const bool paths = std::any_of(labels.row_of().begin(), labels.row_of().end(), has_folder);
  if (images == folder && !paths) {
    throw Error(folder.string(), "train_images/ or train_images.zip, or paths from here in the table",
                "neither");
  }
  return paths && fs::is_directory(images) ? ImageSource::open_tree(images, kDepth, "the images of the table")
                                           : ImageSource::open(images);
}

/// By the mappings; where there are none, of a table by names, by those.
ClassTable classes_of(const fs::path& folder, const LabelTable& labels) {
  if (labels.is_by_name() && !exists_any(folder, kMappings)) return labels.classes();
  ClassTable classes;
  classes.superclass_names = load_mapping(folder / mapping_of(Level::super));
  classes.subclass_names = load_mapping(folder / mapping_of(Level::sub));
  classes.subclass_to_super.assign(classes.subclass_names.size(), -1);
  classes.subclass_to_super.back() = classes.novel_superclass();
  return classes;
}

// Reads the labels of a training table, and from them which superclass each subclass belongs to.
void take_training_labels(const LabelTable& labels, Dataset& dataset) {
  const ClassTable& classes = dataset.classes;
  constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::vector<std::int32_t> subclass_to_super = classes.subclass_to_super;
  std::vector<std::size_t> first_row(classes.subclass_names.size(), kNone);
  const LabelReader reader(labels, classes);
  for (std::size_t row = 0; row < labels.count(); ++row) {
    const auto [superclass, subclass] = reader.at(row);
    if ((superclass == classes.novel_superclass()) != (subclass == classes.novel_subclass()))
      labels.refuse_half_novel(row);
    const auto index = static_cast<std::size_t>(subclass);
    if (first_row[index] == kNone) {
      first_row[index] = row;
      subclass_to_super[index] = superclass;
    } else if (subclass_to_super[index] != superclass) {
      const std::size_t first = first_row[index];
      throw Error(at_line(labels.table(), row),
                  labels.text(row, Level::sub) + " in " + labels.text(first, Level::super) + " as on line " +
                      std::to_string(labels.table().lines[first]),
                  labels.text(row, Level::super));
    }
    dataset.names.push_back(labels.image(row));
    dataset.superclasses.push_back(superclass);
    dataset.subclasses.push_back(subclass);
  }
  dataset.classes.subclass_to_super = std::move(subclass_to_super);
  dataset.is_extra.assign(labels.count(), 0);
}

/// What the indices of a table mean by the mappings beside it; nothing of a level without one.
ByLevel<std::vector<std::string>> names_beside(const fs::path& csv) {
  ByLevel<std::vector<std::string>> names;
  for (const Level level : kLevels) {
    const fs::path mapping = csv.parent_path() / mapping_of(level);
    if (fs::exists(mapping)) names[level] = load_mapping(mapping);
  }
  return names;
}

/// That indices without a mapping were not compared by name.
std::string own_indices_text(const fs::path& csv, const ByLevel<std::vector<std::string>>& index_names,
                             const ClassTable& classes) {
  std::string text;
  for (const Level level : kLevels) {
    const bool is_shown = level == Level::sub || !classes.has_one_level();
    if (!index_names[level].empty() || !is_shown) continue;
    text += csv.string() + ": no " + mapping_of(level) +
            " beside it, so its indices are taken for the run's, where 0 is " +
            in_quotes(classes.names(level).front()) + "\n";
  }
  return text;
}

// What of the training images is not trained on.
PassedOver files_not_taken(const ImageSource& source, const LabelTable& labels) {
  PassedOver passed_over = source.passed_over();
  const std::string kind = "not in " + labels.table().path.filename().string();
  for (const std::string& name : source.names()) {
    if (!labels.row_of().contains(name)) passed_over.add(kind, name);
  }
  return passed_over;
}

// Of an image without a row: the row whose name looks the same, if there is one.
std::string row_text_in_other_normalisation(const LabelTable& labels, const std::string& name) {
  for (std::size_t row = 0; row < labels.count(); ++row) {
    if (composed(labels.image(row)) != composed(name)) continue;
    return ", whose name on line " + std::to_string(labels.table().lines[row]) +
           " is in another Unicode normalisation (" + normalisation_of(labels.image(row)) + ", not " +
           normalisation_of(name) + ")";
  }
  return {};
}

}  // namespace

ClassTable load_class_names(const fs::path& folder) {
  if (has_no_table(folder)) return label_by_folders(*open_class_folders(folder)).classes;
  return classes_of(folder, LabelTable(folder / kTable));
}

namespace {

/// Labels of a table, whose images are those of `source`; without pixels.
Dataset label_by_table(const fs::path& folder, const LabelTable& labels, const ImageSource& source) {
  Dataset dataset;
  dataset.classes = classes_of(folder, labels);
  take_training_labels(labels, dataset);
  for (std::size_t row = 0; row < labels.count(); ++row) {
    if (source.contains(labels.image(row))) continue;
    const std::string nearest = source.nearest_text(labels.image(row));
    throw Error(at_line(labels.table(), row), "an image of " + source.path().string(),
                in_quotes(labels.image(row)) + (nearest.empty() ? ", which is not there" : nearest));
  }
  dataset.passed_over = files_not_taken(source, labels);
  return dataset;
}

}  // namespace

void check_data_folder(const fs::path& folder) {
  if (fs::is_directory(folder)) return;
  throw Error("--data " + folder.string(), "a folder of images in folders of classes, or with train_data.csv",
              fs::exists(folder) ? "a file" : "no folder there");
}

LabelledImages open_study(const fs::path& folder) {
  if (folder.empty()) throw Error("--data", "a folder", "an empty name");
  check_data_folder(folder);
  LabelledImages images;
  if (has_no_table(folder)) {
    images.source = open_class_folders(folder);
    images.dataset = label_by_folders(*images.source);
  } else {
    const LabelTable labels(folder / kTable);
    if (labels.count() == 0) throw Error(labels.table().path.string(), "at least one image", "none");
    images.source = open_training_images(folder, labels);
    images.dataset = label_by_table(folder, labels, *images.source);
  }
  return images;
}

Dataset load_study(const fs::path& folder, int image_size, int threads) {
  LabelledImages images = open_study(folder);
  Dataset& dataset = images.dataset;
  dataset.image_size = image_size;
  dataset.pixels = decode_all(*images.source, dataset.names, image_size, threads);
  return std::move(dataset);
}

Dataset list_images(const ImageSource& source) {
  Dataset dataset;
  dataset.names = source.names();
  dataset.is_extra.assign(dataset.names.size(), 0);
  dataset.passed_over = source.passed_over();
  return dataset;
}

Dataset load_images(const fs::path& folder_or_zip, int image_size, int threads) {
  const std::unique_ptr<ImageSource> source = ImageSource::open(folder_or_zip);
  Dataset dataset = list_images(*source);
  dataset.image_size = image_size;
  dataset.pixels = decode_all(*source, dataset.names, image_size, threads);
  return dataset;
}

fs::path find_test_images(const fs::path& folder) {
  for (const std::string name : {kTestImages, "test_images.zip"}) {
    if (fs::exists(folder / name)) return folder / name;
  }
  return {};
}

std::string load_labels(const fs::path& csv, Dataset& dataset) {
  const LabelTable labels(csv);
  const bool by_index = !labels.is_by_name() && !dataset.classes.subclass_names.empty();
  const ByLevel<std::vector<std::string>> index_names =
      by_index ? names_beside(csv) : ByLevel<std::vector<std::string>>{};
  const LabelReader reader(labels, dataset.classes, index_names);
  std::vector<std::int32_t> superclasses, subclasses;
  std::vector<bool> used(labels.count(), false);
  for (const std::string& name : dataset.names) {
    const auto found = labels.row_of().find(name);
    if (found == labels.row_of().end())
      throw Error(csv.string(), "a row for every image",
                  "none for " + in_quotes(name) + row_text_in_other_normalisation(labels, name));
    const std::size_t row = found->second;
    used[row] = true;
    const auto [superclass, subclass] = reader.at(row);
    superclasses.push_back(superclass);
    subclasses.push_back(subclass);
  }
  const auto unused = std::find(used.begin(), used.end(), false);
  if (unused != used.end()) {
    const auto row = static_cast<std::size_t>(unused - used.begin());
    throw Error(at_line(labels.table(), row), "the name of one of the images", in_quotes(labels.image(row)));
  }
  dataset.superclasses = std::move(superclasses);
  dataset.subclasses = std::move(subclasses);
  return by_index ? own_indices_text(csv, index_names, dataset.classes) : std::string();
}

}  // namespace tern
