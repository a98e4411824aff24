#include "engine/core/check.h"

#include <doctest/doctest.h>

#include <string>

using tern::Error;

TEST_CASE("Error: says subject, wanted and got") {
  const Error error("softmax", "[rows, classes]", "[3]");
  CHECK(std::string(error.what()) == "softmax: wanted [rows, classes], got [3]");
  CHECK(error.where().line() == __LINE__ - 2);
  CHECK(std::string(error.where().file_name()).ends_with("test_check.cpp"));
}

TEST_CASE("Error: a failure that is no mismatch") {
  CHECK(std::string(Error("a.bin", "disk full").what()) == "a.bin: disk full");
}

TEST_CASE("check: throws only where the condition is false") {
  CHECK_NOTHROW(tern::check(true, "op", "x", "y"));
  CHECK_THROWS_WITH_AS(tern::check(false, "op", "x", "y"), "op: wanted x, got y", Error);
}
