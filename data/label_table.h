// A table of labels, a row an image:
//   image,superclass_index,subclass_index    by index
//   image,superclass,subclass                by name
//   image,class                              by name, one level; the superclass is kOnlySuperclass
// Other columns are ignored. The last index of a level, and the name "novel", mean none of the classes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/class_names.h"
#include "data/dataset.h"
#include "engine/io/csv.h"

namespace tern {

std::string in_quotes(const std::string& text);
/// "FILE line 3".
std::string at_line(const CsvTable& table, std::size_t row);
/// An integer of [0, count). Throws Error naming file, line and column.
std::int32_t index_at(const CsvTable& table, std::size_t row, std::size_t column, std::int64_t count);

class LabelTable {
 public:
  /// Throws Error for missing columns and for an image with two rows.
  explicit LabelTable(const std::filesystem::path& path);

  const CsvTable& table() const { return table_; }
  std::size_t count() const { return table_.rows.size(); }
  const std::string& image(std::size_t row) const { return table_.rows[row][image_column_]; }
  const std::unordered_map<std::string, std::size_t>& row_of() const { return row_of_; }  ///< by image
  bool is_by_name() const { return kind_ != Kind::by_index; }

  /// A class as the table has it: 'subclass "beagle"' or 'subclass 3'.
  std::string text(std::size_t row, Level level) const;

  /// Throws Error for a training image that is novel at one level alone.
  [[noreturn]] void refuse_half_novel(std::size_t row) const;

  /// Of a table by name, of training images: the classes that its names are. Throws Error where a row has no name, or one that
  /// is not UTF-8, or is novel at one level alone.
  ClassTable classes() const;

 private:
  friend class LabelReader;
  enum class Kind { by_index, by_name, one_level };

  const std::string& field(std::size_t row, Level level) const;

  CsvTable table_;
  std::size_t image_column_;
  Kind kind_ = Kind::by_index;
  ByLevel<std::size_t> columns_;  ///< the same with one level
  std::unordered_map<std::string, std::size_t> row_of_;
};

/// A table's labels as indices of `classes`; of any index where those are empty and the table is by index. All must outlive
/// it.
class LabelReader {
 public:
  LabelReader(const LabelTable& labels, const ClassTable& classes);
  /// `own_names`: what the indices of a table by index mean, so that classes are found by name. A level without any means
  /// the indices of `classes`.
  LabelReader(const LabelTable& labels, const ClassTable& classes,
              const ByLevel<std::vector<std::string>>& own_names);
  /// Throws Error naming file, line and column for what is no class.
  ByLevel<std::int32_t> at(std::size_t row) const;

 private:
  /// A level of a row: an index of `classes`, or a name that is to be found there.
  struct Label {
    std::int32_t index = -1;
    std::optional<std::string> name;
  };
  Label label(std::size_t row, Level level) const;
  [[noreturn]] void refuse(std::size_t row, Level level, const std::string& name) const;

  const LabelTable& labels_;
  const ClassTable& classes_;
  ByLevel<std::vector<std::string>> own_names_;
  ClassNames names_;
};

}  // namespace tern
