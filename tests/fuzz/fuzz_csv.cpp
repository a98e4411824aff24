// A table. What is read is written, read again and must be the same.
// Link: tern_data
// Parser: engine/io/csv.cpp engine/io/utf8.cpp:check_is_text,without_byte_order_mark
#include "engine/io/csv.h"

#include "tests/fuzz/fuzzer.h"

using namespace tern;

TERN_FUZZER(csv) {
  fuzz::accepted([&] {
    const CsvTable table = parse_csv("fuzz.csv", input);
    // Behind a blank line, where a header that looks like a mark of UTF-8 or UTF-16 is taken for none.
    std::string text = "\n" + csv_line(table.header);
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
      text += csv_line(table.rows[row]);
      for (std::size_t column = 0; column < table.header.size(); ++column) {
        fuzz::accepted([&] { table.integer(row, column); });
        fuzz::accepted([&] { table.number(row, column); });
      }
    }
    for (const std::string& name : table.header) table.column(name);
    fuzz::accepted([&] { table.column("image"); });
    CsvTable again;
    fuzz::expect(fuzz::accepted([&] { again = parse_csv("again.csv", text); }),
                 "a table that can be read again");
    fuzz::expect(again.header == table.header && again.rows == table.rows,
                 "the same after writing and reading");
  });
}
