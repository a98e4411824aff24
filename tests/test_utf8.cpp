#include "engine/io/utf8.h"

#include <doctest/doctest.h>

#include "tests/support/files.h"

using namespace tern;
using test::error_of;

namespace {

const std::string kComposed = "caf\xC3\xA9", kDecomposed = "cafe\xCC\x81";

}  // namespace

TEST_CASE("utf8: what is UTF-8 and what is not") {
  for (const std::string& text :
       {std::string(), std::string("plain"), kComposed, kDecomposed, std::string("\xE9\xB3\xA5"),
        std::string("\xF0\x9F\x90\xA6"), std::string("a\0b", 3)}) {
    CAPTURE(text);
    CHECK(is_utf8(text));
  }
  for (const char* text : {"caf\xE9", "\xC3", "\x80", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                           "\xFF\xFE", "na\xEFve", "\xF0\x9F\x90"}) {
    CAPTURE(text);
    CHECK_FALSE(is_utf8(text));
  }
}

TEST_CASE("utf8: one byte order mark goes") {
  CHECK(without_byte_order_mark("\xEF\xBB\xBF"
                                "a") == "a");
  CHECK(without_byte_order_mark("\xEF\xBB\xBF\xEF\xBB\xBF") == "\xEF\xBB\xBF");
  CHECK(without_byte_order_mark("\xEF\xBB") == "\xEF\xBB");
  CHECK(without_byte_order_mark("a") == "a");
}

TEST_CASE("utf8: names that look alike compose to the same bytes") {
  CHECK(kComposed != kDecomposed);
  CHECK(composed(kDecomposed) == kComposed);
  CHECK(composed(kComposed) == kComposed);
  CHECK(composed("caf\xE9") == "caf\xE9");
  CHECK(composed("") == "");
  CHECK(normalisation_of(kComposed) == "NFC");
  CHECK(normalisation_of(kDecomposed) == "NFD");
  CHECK(normalisation_of(kComposed + kDecomposed) == "neither NFC nor NFD");
}

TEST_CASE("utf8: what a terminal would obey is shown instead") {
  CHECK(visible("caf\xC3\xA9 \xE2\x80\xA6\tand\n") == "caf\xC3\xA9 \xE2\x80\xA6\tand\n");
  CHECK(visible("a\x1B[31mred\x07\r\x7F") == "a\\x1B[31mred\\x07\\x0D\\x7F");
  CHECK(visible("\xC2\x9B"
                "2J") ==
        "\\xC2\\x9B"
        "2J");  // the same as ESC [
  CHECK(visible("\xC2\xA0") == "\xC2\xA0");
  CHECK(visible("caf\xE9\x9B!") == "caf\\xE9\\x9B!");  // no UTF-8
  CHECK(visible(std::string_view("a\0b", 3)) == "a\\x00b");
  CHECK(visible("").empty());
}

TEST_CASE("utf8: other encodings are named") {
  CHECK(error_of([] { check_is_text("t.txt", std::string("\xFF\xFE\x61\0", 4), "a list"); }) ==
        "t.txt: wanted a list in UTF-8, got one in UTF-16");
  CHECK(error_of([] { check_is_text("t.txt", std::string("a\0\n\0", 4), "a list"); }) ==
        "t.txt: wanted a list, got a file that is no text");
  CHECK(error_of([] { check_name_is_utf8("t.csv line 3", "a class name", "caf\xE9"); }) ==
        "t.csv line 3: wanted a class name in UTF-8, got \"caf\\xE9\" of another encoding");
  CHECK(error_of([] { check_name_is_utf8("t.csv line 3", "a class name", kComposed); }) == "no error");
}
