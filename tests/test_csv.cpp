#include "engine/io/csv.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "engine/core/check.h"
#include "engine/io/file.h"
#include "support/files.h"

using namespace tern;
using test::error_of;
using Fields = std::vector<std::string>;

TEST_CASE("parse_csv: plain and quoted fields, with the lines they are on") {
  const CsvTable table = parse_csv("t.csv",
                                   "name,text,n\n"
                                   "a,\"x, y\",1\n"
                                   "b,\"two\nlines and a \"\"quote\"\"\",2\n"
                                   "\n"
                                   "c,,3\n");
  CHECK(table.header == Fields{"name", "text", "n"});
  REQUIRE(table.rows.size() == 3);
  CHECK(table.rows[0] == Fields{"a", "x, y", "1"});
  CHECK(table.rows[1] == Fields{"b", "two\nlines and a \"quote\"", "2"});
  CHECK(table.rows[2] == Fields{"c", "", "3"});
  CHECK(table.lines == std::vector<std::int64_t>{2, 3, 6});
}

TEST_CASE("parse_csv: CRLF, byte order mark, no line end at the end") {
  for (const char* text : {"a,b\r\n1,\"2\"\r\n",
                           "\xEF\xBB\xBF"
                           "a,b\n1,2",
                           "\xEF\xBB\xBF\"a\",b\r\n1,2", "\n\r\na,b\n\n1,2\n\n"}) {
    const CsvTable table = parse_csv("t.csv", text);
    CHECK(table.header == Fields{"a", "b"});
    REQUIRE(table.rows.size() == 1);
    CHECK(table.rows[0] == Fields{"1", "2"});
  }
  CHECK(parse_csv("t.csv", "a,b").rows.empty());
  CHECK(parse_csv("t.csv", "a,b\n1,").rows[0] == Fields{"1", ""});
  CHECK(parse_csv("t.csv", "a\n\"\"").rows[0] == Fields{""});
  CHECK(parse_csv("t.csv", "a\n\"x\r\ny\"").rows[0] == Fields{"x\r\ny"});
}

TEST_CASE("parse_csv: says what is wrong, and on which line") {
  const auto message = [](const char* text) { return error_of([&] { parse_csv("t.csv", text); }); };
  CHECK(message("") == "t.csv: wanted a header line, got an empty file");
  CHECK(message("\n\n") == "t.csv: wanted a header line, got an empty file");
  CHECK(message("a,b\n1,2\n3\n") == "t.csv line 3: wanted 2 fields, got 1");
  CHECK(message("a,b\n\"x\ny\",2\n3,4,5\n") ==
        "t.csv line 4: wanted 2 fields, got 3 (a field that holds a comma stands in quotes)");
  CHECK(message("a,b\n1,\"2\n3,4\n") == "t.csv line 2: a quoted field that is never closed");
  CHECK(message("a,b\n1,\"2\"x\n") == "t.csv line 2: text after a closing quote");
  CHECK(message("a,b\n1,2\"\n") == "t.csv line 2: a quote inside a field that does not start with one");
  CHECK(message("a,b\r1,2\r") == "t.csv line 1: a carriage return without a line feed");
  CHECK(message("a,b,a\n") == "t.csv: wanted columns of different names, got two \"a\"");
}

TEST_CASE("CsvTable: finds columns and reads numbers") {
  const CsvTable table = parse_csv("t.csv", "image,n,x\na.jpg, 42 ,-1.5e3\nb.jpg,-7,nan\nc.jpg,+3,x\n");
  CHECK(table.column("image") == 0);
  CHECK(table.column("x") == 2);
  CHECK(table.integer(0, 1) == 42);
  CHECK(table.integer(1, 1) == -7);
  CHECK(table.integer(2, 1) == 3);
  CHECK(table.number(0, 2) == -1500.0);
  CHECK(table.number(0, 1) == 42.0);
  CHECK(error_of([&] { table.column("label"); }) ==
        "t.csv: wanted a column \"label\", got columns \"image,n,x\"");
  CHECK(error_of([&] { table.integer(1, 0); }) ==
        "t.csv line 3: wanted an integer in column \"image\", got \"b.jpg\"");
  CHECK(error_of([&] { table.number(2, 2); }) == "t.csv line 4: wanted a number in column \"x\", got \"x\"");
}

TEST_CASE("CsvTable: integer takes whole, small enough numbers only") {
  const CsvTable table =
      parse_csv("t.csv", "n\n1.5\n12x\n9223372036854775808\n\"\"\n+-1\n1 2\n0x10\n9223372036854775807\n");
  for (std::size_t row = 0; row < 7; ++row) {
    CAPTURE(row);
    CHECK(error_of([&] { table.integer(row, 0); }).find("wanted an integer") != std::string::npos);
  }
  CHECK(table.integer(7, 0) == INT64_MAX);
}

TEST_CASE("csv_line: quotes what needs it, and parse_csv reads it back") {
  CHECK(csv_line(Fields{"a", "b c", "1"}) == "a,b c,1\n");
  CHECK(csv_line(Fields{"x,y", "say \"hi\"", "two\nlines", ""}) ==
        "\"x,y\",\"say \"\"hi\"\"\",\"two\nlines\",\n");
  for (const Fields& fields : {Fields{"", "a,\"\r\n\",b"}, Fields{"\"", ","}, Fields{" ", "\r"}}) {
    const CsvTable table = parse_csv("t.csv", "p,q\n" + csv_line(fields));
    REQUIRE(table.rows.size() == 1);
    CHECK(table.rows[0] == fields);
  }
  CHECK(parse_csv("t.csv", "p\n" + csv_line(Fields{""})).rows.size() == 1);
  CHECK(parse_csv("t.csv", csv_line(Fields{"a;b"}) + "1\n").header == Fields{"a;b"});
}

TEST_CASE("read_csv: from a file, whose name is in the messages") {
  const test::TemporaryFolder folder;
  write_file(folder / "t.csv", "a\n1\n");
  CHECK(read_csv(folder / "t.csv").integer(0, 0) == 1);
  CHECK(error_of([&] { read_csv(folder / "absent.csv"); }).find("absent.csv: wanted a file") !=
        std::string::npos);
}

TEST_CASE("parse_csv: what is no text in UTF-8") {
  for (const std::string& text : {std::string("\xFF\xFEi\0m\0", 6), std::string("\xFE\xFF\0i\0m", 6)}) {
    CHECK(error_of([&] { parse_csv("t.csv", text); }) ==
          "t.csv: wanted a CSV file in UTF-8, got one in UTF-16");
  }
  CHECK(error_of([&] { parse_csv("t.csv", std::string("a,b\n1,\0\n", 9)); }) ==
        "t.csv: wanted a CSV file, got a file that is no text");
}

TEST_CASE("parse_csv: another delimiter is named") {
  const auto message = [](const char* text) { return error_of([&] { parse_csv("t.csv", text); }); };
  CHECK(message("image;superclass_index\n1.jpg;0\n") ==
        "t.csv: wanted columns separated by commas, got columns separated by semicolons: "
        "\"image;superclass_index\"");
  CHECK(message("\r\n\"image\";\"a, b\";n\n1.jpg;\"some, noise\";2\n").find("by semicolons") !=
        std::string::npos);
  CHECK(message("image\tn\n1.jpg\t2\n").find("by tabs") != std::string::npos);
  CHECK(message("\xEF\xBB\xBFimage|n").find("by vertical bars") != std::string::npos);
  CHECK(message("sep=;\nimage;n\n").find("by semicolons") != std::string::npos);
  // In a quoted name, and where commas are more, it is none.
  CHECK(message("\"a;b\"\n1\n") == "no error");
  CHECK(message("a,b;c,d\n1,2,3\n") == "no error");
}

TEST_CASE("parse_csv: any bytes give a table or an Error") {
  const std::string text = "\xEF\xBB\xBFname,\"te\"\"xt\"\r\n\"a\n,b\",1\n";
  const std::string alphabet = "\",\n\r\0x";
  for (std::size_t place = 0; place < text.size(); ++place) {
    CHECK(error_of([&] { parse_csv("t.csv", text.substr(0, place)); }) != "");
    for (const char letter : alphabet) {
      std::string changed = text;
      changed[place] = letter;
      CHECK(error_of([&] { parse_csv("t.csv", changed); }) != "");
    }
  }
}
