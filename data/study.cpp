#include "data/study.h"

#include <algorithm>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/decode.h"
#include "data/image_source.h"
#include "engine/core/check.h"
#include "engine/io/csv.h"
#include "engine/io/utf8.h"

namespace tern {
namespace fs = std::filesystem;
namespace {

constexpr const char* kNovel = "novel";

std::string at_line(const CsvTable& table, std::size_t row) {
  return table.path.string() + " line " + std::to_string(table.lines[row]);
}

std::string in_quotes(const std::string& text) {
  return "\"" + text + "\"";
}

// An integer of [0, count) from a table.
std::int32_t index_at(const CsvTable& table, std::size_t row, std::size_t column, std::int64_t count) {
  const std::int64_t value = table.integer(row, column);
  if (value < 0 || value >= count) {
    throw Error(at_line(table, row),
                "0 to " + std::to_string(count - 1) + " in column " + in_quotes(table.header[column]),
                std::to_string(value));
  }
  return static_cast<std::int32_t>(value);
}

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
    if (names[index] == kNovel && index + 1 != count) {
      throw Error(at_line(table, row), "the class \"novel\" at the last index, " + std::to_string(count - 1),
                  "index " + std::to_string(index));
    }
  }
  if (names.back() != kNovel) {
    throw Error(at_line(table, row_of.back()),
                "the class \"novel\" at the last index, " + std::to_string(count - 1),
                in_quotes(names.back()));
  }
  return names;
}

fs::path find_training_images(const fs::path& folder) {
  for (const char* name : {"train_images", "train_images.zip"}) {
    if (fs::exists(folder / name)) return folder / name;
  }
  throw Error(folder.string(), "train_images/ or train_images.zip", "neither");
}

// A table's labels and its checks, in the order of its rows.
struct LabelTable {
  CsvTable table;
  std::size_t image_column, superclass_column, subclass_column;
  std::unordered_map<std::string, std::size_t> row_of;  ///< by image name

  explicit LabelTable(const fs::path& path)
      : table(read_csv(path)),
        image_column(table.column("image")),
        superclass_column(table.column("superclass_index")),
        subclass_column(table.column("subclass_index")) {
    for (std::size_t row = 0; row < count(); ++row) {
      const auto [earlier, is_new] = row_of.emplace(image(row), row);
      if (!is_new) {
        throw Error(at_line(table, row), "each image once",
                    in_quotes(image(row)) + " as on line " + std::to_string(table.lines[earlier->second]));
      }
    }
  }

  std::size_t count() const { return table.rows.size(); }
  const std::string& image(std::size_t row) const { return table.rows[row][image_column]; }
};

// Reads the labels of a training table, and from them which superclass each subclass belongs to.
void take_training_labels(const LabelTable& labels, Dataset& dataset) {
  ClassTable& classes = dataset.classes;
  constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::vector<std::size_t> first_row(classes.subclass_names.size(), kNone);
  for (std::size_t row = 0; row < labels.count(); ++row) {
    const std::int32_t superclass =
        index_at(labels.table, row, labels.superclass_column, classes.superclass_count());
    const std::int32_t subclass =
        index_at(labels.table, row, labels.subclass_column, classes.subclass_count());
    if ((superclass == classes.novel_superclass()) != (subclass == classes.novel_subclass())) {
      throw Error(at_line(labels.table, row), "a training image that is novel at both levels or at none",
                  "superclass " + std::to_string(superclass) + ", subclass " + std::to_string(subclass));
    }
    const auto index = static_cast<std::size_t>(subclass);
    if (first_row[index] == kNone) {
      first_row[index] = row;
      classes.subclass_to_super[index] = superclass;
    } else if (classes.subclass_to_super[index] != superclass) {
      throw Error(at_line(labels.table, row),
                  "subclass " + std::to_string(subclass) + " in superclass " +
                      std::to_string(classes.subclass_to_super[index]) + " as on line " +
                      std::to_string(labels.table.lines[first_row[index]]),
                  "superclass " + std::to_string(superclass));
    }
    dataset.names.push_back(labels.image(row));
    dataset.superclasses.push_back(superclass);
    dataset.subclasses.push_back(subclass);
  }
  dataset.is_extra.assign(labels.count(), 0);
}

// What of the training images is not trained on.
std::string files_not_taken(const ImageSource& source, const LabelTable& labels) {
  PassedOver passed_over = source.passed_over();
  const std::string kind = "not in " + labels.table.path.filename().string();
  for (const std::string& name : source.names()) {
    if (!labels.row_of.contains(name)) passed_over.add(kind, name);
  }
  return passed_over.text(source.path().string());
}

// Of an image without a row: the row whose name looks the same, if there is one.
std::string row_text_in_other_normalisation(const LabelTable& labels, const std::string& name) {
  for (std::size_t row = 0; row < labels.count(); ++row) {
    if (composed(labels.image(row)) != composed(name)) continue;
    return ", whose name on line " + std::to_string(labels.table.lines[row]) +
           " is in another Unicode normalisation (" + normalisation_of(labels.image(row)) + ", not " +
           normalisation_of(name) + ")";
  }
  return {};
}

}  // namespace

ClassTable load_class_names(const fs::path& folder) {
  ClassTable classes;
  classes.superclass_names = load_mapping(folder / "superclass_mapping.csv");
  classes.subclass_names = load_mapping(folder / "subclass_mapping.csv");
  classes.subclass_to_super.assign(classes.subclass_names.size(), -1);
  classes.subclass_to_super.back() = classes.novel_superclass();
  return classes;
}

Dataset load_study(const fs::path& folder, int image_size, int threads) {
  if (!fs::is_directory(folder)) throw Error(folder.string(), "a data folder", "nothing there or no folder");
  Dataset dataset;
  dataset.image_size = image_size;
  dataset.classes = load_class_names(folder);
  const LabelTable labels(folder / "train_data.csv");
  if (labels.count() == 0) throw Error(labels.table.path.string(), "at least one image", "none");
  take_training_labels(labels, dataset);
  const std::unique_ptr<ImageSource> source = ImageSource::open(find_training_images(folder));
  for (std::size_t row = 0; row < labels.count(); ++row) {
    if (!source->contains(labels.image(row))) {
      const std::string nearest = source->nearest_text(labels.image(row));
      throw Error(at_line(labels.table, row), "an image of " + source->path().string(),
                  in_quotes(labels.image(row)) + (nearest.empty() ? ", which is not there" : nearest));
    }
  }
  dataset.passed_over = files_not_taken(*source, labels);
  dataset.pixels = decode_all(*source, dataset.names, image_size, threads);
  return dataset;
}

Dataset load_images(const fs::path& folder_or_zip, int image_size, int threads) {
  const std::unique_ptr<ImageSource> source = ImageSource::open(folder_or_zip);
  Dataset dataset;
  dataset.image_size = image_size;
  dataset.names = source->names();
  dataset.is_extra.assign(dataset.names.size(), 0);
  dataset.passed_over = source->passed_over().text(source->path().string());
  dataset.pixels = decode_all(*source, dataset.names, image_size, threads);
  return dataset;
}

void load_labels(const fs::path& csv, Dataset& dataset) {
  const LabelTable labels(csv);
  const std::int64_t superclass_count =
      dataset.classes.superclass_names.empty() ? INT32_MAX : dataset.classes.superclass_count();
  const std::int64_t subclass_count =
      dataset.classes.subclass_names.empty() ? INT32_MAX : dataset.classes.subclass_count();
  std::vector<std::int32_t> superclasses, subclasses;
  std::vector<bool> used(labels.count(), false);
  for (const std::string& name : dataset.names) {
    const auto found = labels.row_of.find(name);
    if (found == labels.row_of.end())
      throw Error(csv.string(), "a row for every image",
                  "none for " + in_quotes(name) + row_text_in_other_normalisation(labels, name));
    const std::size_t row = found->second;
    used[row] = true;
    superclasses.push_back(index_at(labels.table, row, labels.superclass_column, superclass_count));
    subclasses.push_back(index_at(labels.table, row, labels.subclass_column, subclass_count));
  }
  const auto unused = std::find(used.begin(), used.end(), false);
  if (unused != used.end()) {
    const auto row = static_cast<std::size_t>(unused - used.begin());
    throw Error(at_line(labels.table, row), "an image of the data set", in_quotes(labels.image(row)));
  }
  dataset.superclasses = std::move(superclasses);
  dataset.subclasses = std::move(subclasses);
}

}  // namespace tern
