// What pages are put together from.
#include "apps/page/html.h"

#include <doctest/doctest.h>

#include <limits>

#include "engine/core/check.h"
#include "tests/support/files.h"

using namespace tern;

namespace {

std::string base64_of(std::string_view text) {
  return base64(std::as_bytes(std::span(text)));
}

}  // namespace

TEST_CASE("html: markers are replaced in order, and what is put in is not searched") {
  CHECK(fill_page("page", "a X b Y c", {{"X", "Y"}, {"Y", "X"}}) == "a Y b X c");
  CHECK_THROWS_WITH_AS(fill_page("page", "a Y", {{"X", ""}}), doctest::Contains("page: wanted X, got none"),
                       Error);
}

TEST_CASE("html: texts stay texts") {
  CHECK(escaped("<b a=\"1\">&amp;") == "&lt;b a=&quot;1&quot;&gt;&amp;amp;");
}

TEST_CASE("html: JSON for a script element") {
  CHECK(script_json({{"a", "<&>"}, {"n", 0.5}}) == R"({"a":"\u003c\u0026\u003e","n":0.5})");
  CHECK(script_json(std::numeric_limits<double>::quiet_NaN()) == "null");
  CHECK(script_json("\xff") == "\"\ufffd\"");
}

TEST_CASE("html: base64 as in RFC 4648") {
  CHECK(base64_of("") == "");
  CHECK(base64_of("f") == "Zg==");
  CHECK(base64_of("fo") == "Zm8=");
  CHECK(base64_of("foo") == "Zm9v");
  CHECK(base64_of("foob") == "Zm9vYg==");
  CHECK(base64_of("fooba") == "Zm9vYmE=");
  CHECK(base64_of("foobar") == "Zm9vYmFy");
  CHECK(base64_of("\xfb\xff\xbf") == "+/+/");
}

TEST_CASE("html: a page replaces only a page, and its name says that it is one") {
  const test::TemporaryFolder folder;
  const auto error = [&](const char* name) {
    return test::error_of([&] { check_page_place("--out", folder / name); });
  };
  CHECK(error("new.html") == "no error");
  test::write_quickly(folder / "empty.html", "");
  CHECK(error("empty.html") == "no error");
  test::write_quickly(folder / "page.html", page_head() + "<title>a</title>");
  CHECK(error("page.html") == "no error");
  test::write_quickly(folder / "other.html", "<!DOCTYPE html><title>somebody's</title>");
  CHECK(error("other.html") ==
        "--out " + (folder / "other.html").string() +
            ": wanted a new file, or a page of tern's to write over, got another file");
  test::write_quickly(folder / "photo.jpg", "");
  for (const char* name : {"photo.jpg", "new.csv", "html"})
    CHECK(error(name) ==
          "--out " + (folder / name).string() + ": wanted a name that ends in .html, got another");
}
