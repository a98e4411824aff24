#include "data/synthetic_image.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "data/random_purpose.h"
#include "engine/core/check.h"

namespace tern {
namespace {

Image draw(const SyntheticObject& object, std::uint64_t seed, int size = 32) {
  RandomStream random(seed, random_purpose::synthetic);
  return draw_object(object, size, random);
}

double difference(const Image& a, const Image& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.rgb.size(); ++i) sum += std::abs(a.rgb[i] - b.rgb[i]);
  return sum / static_cast<double>(a.rgb.size());
}

TEST_CASE("synthetic_image: the same stream draws the same image, another differs") {
  const SyntheticObject object{SyntheticForm::star, SyntheticColour::violet};
  CHECK(draw(object, 1).rgb == draw(object, 1).rgb);
  CHECK(difference(draw(object, 1), draw(object, 2)) > 10);
  CHECK(draw(object, 1, 64).width == 64);
  CHECK(draw(object, 1, 64).rgb.size() == 64 * 64 * 3);
  CHECK_THROWS_WITH_AS(draw(object, 1, 7), doctest::Contains("8 to 1024"), Error);
  CHECK_THROWS_AS(draw(object, 1, 2000), Error);
}

constexpr int kForms = static_cast<int>(SyntheticForm::grid) + 1;
constexpr int kColours = static_cast<int>(SyntheticColour::pink) + 1;

// With one stream, two objects get the same background, place and nuisance: what differs is the object alone.
TEST_CASE("synthetic_image: form and colour each change the picture") {
  for (int form = 0; form < kForms; ++form) {
    CAPTURE(form);
    const SyntheticObject object{static_cast<SyntheticForm>(form), SyntheticColour::orange};
    SyntheticObject violet = object, other = object;
    violet.colour = SyntheticColour::violet;
    other.form = static_cast<SyntheticForm>((form + 1) % kForms);
    double colour = 0, shape = 0;
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      const Image image = draw(object, seed);
      colour += difference(image, draw(violet, seed)) / 5;
      shape += difference(image, draw(other, seed)) / 5;
    }
    CHECK(colour > 2);
    CHECK(shape > 2);
  }
}

TEST_CASE("synthetic_image: names are all different") {
  std::set<std::string> names;
  for (int form = 0; form < kForms; ++form) {
    for (int colour = 0; colour < kColours; ++colour)
      names.insert(object_name({static_cast<SyntheticForm>(form), static_cast<SyntheticColour>(colour)}));
  }
  CHECK(names.size() == kForms * kColours);
  CHECK(object_name({SyntheticForm::ring, SyntheticColour::orange}) == "orange ring");
}

}  // namespace
}  // namespace tern
