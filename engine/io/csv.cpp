#include "engine/io/csv.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <system_error>

#include "engine/core/check.h"
#include "engine/io/file.h"
#include "engine/io/utf8.h"

namespace tern {
namespace fs = std::filesystem;
namespace {

std::string shown(std::string_view text) {
  constexpr std::size_t kMaxShown = 60;
  const bool long_text = text.size() > kMaxShown;
  return "\"" + std::string(text.substr(0, kMaxShown)) + (long_text ? "...\"" : "\"");
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// Splits a text into records, one at a time.
class Records {
 public:
  Records(const fs::path& path, std::string_view text) : path_(path), text_(text) {}

  /// The next record that is no blank line into `fields`; false at the end of the text.
  bool next(std::vector<std::string>& fields) {
    fields.clear();
    while (at_line_end()) skip_line_end();
    if (position_ == text_.size()) return false;
    start_line_ = line_;
    do {
      fields.push_back(peek() == '"' ? quoted_field() : plain_field());
    } while (take(','));
    if (position_ < text_.size()) skip_line_end();
    return true;
  }

  std::int64_t start_line() const { return start_line_; }

 private:
  [[noreturn]] void fail(std::int64_t line, const std::string& what) const {
    throw Error(path_.string() + " line " + std::to_string(line), what);
  }

  char peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }
  bool take(char wanted) {
    if (position_ == text_.size() || text_[position_] != wanted) return false;
    ++position_;
    return true;
  }
  bool at_line_end() const {
    return text_.substr(position_, 1) == "\n" || text_.substr(position_, 2) == "\r\n";
  }
  void skip_line_end() {
    take('\r');
    take('\n');
    ++line_;
  }

  std::string plain_field() {
    const std::size_t begin = position_;
    while (position_ < text_.size() && text_[position_] != ',' && !at_line_end()) {
      if (text_[position_] == '"') fail(line_, "a quote inside a field that does not start with one");
      if (text_[position_] == '\r') fail(line_, "a carriage return without a line feed");
      ++position_;
    }
    return std::string(text_.substr(begin, position_ - begin));
  }

  std::string quoted_field() {
    const std::int64_t opening_line = line_;
    ++position_;
    std::string field;
    for (;;) {
      const std::size_t quote = text_.find('"', position_);
      if (quote == std::string_view::npos) fail(opening_line, "a quoted field that is never closed");
      const std::string_view part = text_.substr(position_, quote - position_);
      line_ += std::count(part.begin(), part.end(), '\n');
      field += part;
      position_ = quote + 1;
      if (!take('"')) break;
      field += '"';
    }
    if (position_ < text_.size() && peek() != ',' && !at_line_end())
      fail(line_, "text after a closing quote");
    return field;
  }

  const fs::path& path_;
  std::string_view text_;
  std::size_t position_ = 0;
  std::int64_t line_ = 1, start_line_ = 1;
};

// A header whose columns are separated by something else than commas, as spreadsheets of many countries
// write.
void check_delimiter(const fs::path& path, std::string_view text) {
  struct Other {
    char letter;
    const char* name;
  };
  constexpr Other kOthers[] = {{';', "semicolons"}, {'\t', "tabs"}, {'|', "vertical bars"}};
  text.remove_prefix(std::min(text.find_first_not_of("\r\n"), text.size()));
  const std::string_view header = text.substr(0, text.find_first_of("\r\n"));
  const auto count = [header](char wanted) {
    std::ptrdiff_t found = 0;
    bool quoted = false;
    for (const char letter : header) {
      quoted ^= letter == '"';
      found += !quoted && letter == wanted;
    }
    return found;
  };
  for (const Other& other : kOthers) {
    if (count(other.letter) <= count(',')) continue;
    throw Error(path.string(), "columns separated by commas",
                std::string("columns separated by ") + other.name + ": " + shown(header));
  }
}

// The whole of `text` as a number of type T.
template <typename T>
bool parse_number(std::string_view text, T& value) {
  text = trimmed(text);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

template <typename T>
T number_at(const CsvTable& table, std::size_t row, std::size_t column, const char* wanted) {
  const std::string& text = table.rows.at(row).at(column);
  T value{};
  if (!parse_number(text, value)) {
    throw Error(table.path.string() + " line " + std::to_string(table.lines.at(row)),
                std::string(wanted) + " in column \"" + table.header.at(column) + "\"", shown(text));
  }
  return value;
}

}  // namespace

std::size_t CsvTable::column(std::string_view name) const {
  const auto found = std::find(header.begin(), header.end(), name);
  if (found == header.end()) {
    std::string present;
    for (const std::string& one : header) present += (present.empty() ? "" : ",") + one;
    throw Error(path.string(), "a column " + shown(name), "columns " + shown(present));
  }
  return static_cast<std::size_t>(found - header.begin());
}

std::int64_t CsvTable::integer(std::size_t row, std::size_t column) const {
  return number_at<std::int64_t>(*this, row, column, "an integer");
}

double CsvTable::number(std::size_t row, std::size_t column) const {
  return number_at<double>(*this, row, column, "a number");
}

CsvTable parse_csv(const fs::path& path, std::string_view text) {
  text = without_byte_order_mark(text);
  check_is_text(path, text, "a CSV file");
  check_delimiter(path, text);
  CsvTable table;
  table.path = path;
  Records records(path, text);
  if (!records.next(table.header)) throw Error(path.string(), "a header line", "an empty file");
  std::set<std::string_view> names;
  for (const std::string& name : table.header) {
    if (!names.insert(name).second)
      throw Error(path.string(), "columns of different names", "two " + shown(name));
  }
  for (std::vector<std::string> fields; records.next(fields);) {
    if (fields.size() != table.header.size()) {
      throw Error(
          path.string() + " line " + std::to_string(records.start_line()),
          std::to_string(table.header.size()) + " fields",
          std::to_string(fields.size()) +
              (fields.size() > table.header.size() ? " (a field that holds a comma stands in quotes)" : ""));
    }
    table.rows.push_back(std::move(fields));
    table.lines.push_back(records.start_line());
  }
  return table;
}

CsvTable read_csv(const fs::path& path) {
  return parse_csv(path, read_text_file(path));
}

std::string csv_line(std::span<const std::string> fields) {
  std::string line;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) line += ',';
    // A lone empty field is quoted too: its line would read as blank. So are what other tables are separated by: a header with
    // them would be taken for such a table's.
    const bool plain = fields[i].find_first_of(",\"\r\n;\t|") == std::string::npos &&
                       !(fields.size() == 1 && fields[i].empty());
    if (plain) {
      line += fields[i];
      continue;
    }
    line += '"';
    for (const char letter : fields[i]) line.append(letter == '"' ? 2 : 1, letter);
    line += '"';
  }
  return line + "\n";
}

}  // namespace tern
