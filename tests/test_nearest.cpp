#include "engine/core/nearest.h"

#include <doctest/doctest.h>

using namespace tern;

TEST_CASE("edit_distance: counts letters inserted, removed and replaced") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "tern") == 4);
  CHECK(edit_distance("tern", "tern") == 0);
  CHECK(edit_distance("tern", "torn") == 1);
  CHECK(edit_distance("tern", "terns") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("sitting", "kitten") == 3);
}

TEST_CASE("nearest_name: the first of the most alike, for names of any length") {
  const std::vector<std::string> names{"epochs", "batch_size", "backbone"};
  CHECK(nearest_name("epoch", names) == "epochs");
  CHECK(nearest_name("bathsize", names) == "batch_size");
  CHECK(nearest_name("", {"ab", "cd"}) == "ab");
  CHECK(nearest_name(std::string(1 << 20, 'x'), names) == "epochs");  // all are as far
}

TEST_CASE("nearest_remark: names only what may have been meant") {
  const std::vector<std::string> names = {"train", "predict", "evaluate"};
  CHECK(nearest_remark("trian", names) == " (the nearest is train)");
  CHECK(nearest_remark("pridicted", names) == " (the nearest is predict)");
  CHECK(nearest_remark("try", names).empty());
  CHECK(nearest_remark("zzzzqqq", names).empty());
  CHECK(nearest_remark("", names).empty());
  CHECK(nearest_remark("train", {}).empty());
  CHECK(nearest_remark(std::string(1'000'000, 'a'), names).empty());
}
