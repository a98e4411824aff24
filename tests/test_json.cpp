#include "engine/io/json.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "engine/core/check.h"
#include "engine/io/file.h"
#include "support/files.h"

using namespace tern;
using test::error_of;

TEST_CASE("write_json: order kept, two spaces, NaN and infinities as null") {
  const test::TemporaryFolder folder;
  Json json;
  json["zebra"] = 1;
  json["apple"] = {0.5, std::nan(""), std::numeric_limits<double>::infinity()};
  json["text"] = "\xff";
  write_json(folder / "a.json", json);
  CHECK(read_text_file(folder / "a.json") ==
        "{\n  \"zebra\": 1,\n  \"apple\": [\n    0.5,\n    null,\n    null\n  ],\n  \"text\": "
        "\"\xEF\xBF\xBD\"\n}\n");
  CHECK(folder.size() == 1);
}

TEST_CASE("read_json: what write_json wrote, in its order") {
  const test::TemporaryFolder folder;
  const Json json = {{"b", 0.1}, {"a", {1, 2}}, {"c", "\xC3\xA9"}, {"large", 1234567890123}};
  write_json(folder / "a.json", json);
  const Json back = read_json(folder / "a.json");
  CHECK(back == json);
  CHECK(back.begin().key() == "b");
}

TEST_CASE("read_json: a byte order mark is no mistake") {
  const test::TemporaryFolder folder;
  write_file(folder / "t.json", "\xEF\xBB\xBF{\"a\": 1}");
  CHECK(read_json(folder / "t.json").at("a") == 1);
}

TEST_CASE("read_json: names file, line and column of a mistake") {
  const test::TemporaryFolder folder;
  const std::string path = (folder / "a.json").string();
  const auto message = [&](const char* text) {
    write_file(path, text);
    return error_of([&] { read_json(path); });
  };
  CHECK(message("{\n  \"a\": 1,\n  \"b\": x\n}") ==
        path + ": wanted valid JSON, got a mistake at line 3, column 8");
  CHECK(message("x") == path + ": wanted valid JSON, got a mistake at line 1, column 1");
  CHECK(message("").find("line 1, column 1") != std::string::npos);
  CHECK(message("{\"a\": 1").find("line 1, column 8") != std::string::npos);
  CHECK(message("{\"a\": 1} 2").find("line 1, column 10") != std::string::npos);
  CHECK(message("{\"a\": 1e999}").find("wanted valid JSON") != std::string::npos);
  CHECK(error_of([&] { read_json(folder / "absent.json"); }).find("nothing there") != std::string::npos);
}

TEST_CASE("read_json: deep nesting does not end the program") {
  const test::TemporaryFolder folder;
  const auto message = [&](const std::string& text) {
    write_file(folder / "a.json", text);
    return error_of([&] { read_json(folder / "a.json"); });
  };
  CHECK(message(std::string(200'000, '[')).ends_with("at most 100 deep, got more at line 1, column 101"));
  CHECK(message(std::string(101, '[') + std::string(101, ']')).find("100 deep") != std::string::npos);
  CHECK(message(std::string(100, '[') + std::string(100, ']')) == "no error");
  CHECK(message("[\"" + std::string(200, '[') + "\\\"" + std::string(200, '{') + "\"]") ==
        "no error");  // a text
}

TEST_CASE("whole_number: nothing is cut off") {
  CHECK(whole_number(Json::parse("3")) == 3);
  CHECK(whole_number(Json::parse("-3")) == -3);
  for (const char* other : {"1.5", "1e300", "\"3\"", "true", "null", "[3]"}) {
    CAPTURE(other);
    CHECK_THROWS_AS(whole_number(Json::parse(other)), Json::exception);
  }
}
