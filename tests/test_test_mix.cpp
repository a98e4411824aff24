#include "apps/measure/test_mix.h"

#include <doctest/doctest.h>

#include "engine/core/check.h"

using namespace tern;
using doctest::Contains;

TEST_CASE("test_mix: three shares of sum 1") {
  const TestMix mix = parse_mix("0.21,0.51,0.28");
  CHECK(mix.seen == doctest::Approx(21));
  CHECK(mix.novel_subclass == doctest::Approx(51));
  CHECK(mix.novel_superclass == doctest::Approx(28));
  CHECK(mix.novel_share_within_known() == doctest::Approx(51.0 / 72));
  CHECK(parse_mix("1,0,0").novel_share_within_known() == 0);
  CHECK(parse_mix("0,0,1").novel_share_within_known() == 0);
  CHECK(parse_mix("0.333,0.333,0.333").seen == doctest::Approx(100.0 / 3));
}

TEST_CASE("test_mix: what is none") {
  for (const char* text : {"", "0.5", "0.5,0.5", "0.2,0.5,0.4", "a,b,c", "1,1,-1", "0.3,0.3,0.4,",
                           "0.3,0.3,0.4,0", "0.3;0.3;0.4", "nan,0.5,0.5", "0.3,0.3,0.4x", "inf,0,0"}) {
    CAPTURE(text);
    CHECK_THROWS_WITH_AS(parse_mix(text), Contains("--mix: wanted the shares of known"), Error);
  }
}
