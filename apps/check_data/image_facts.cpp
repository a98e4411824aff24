#include "apps/check_data/image_facts.h"

#include <algorithm>
#include <exception>

#include "apps/common/progress.h"
#include "data/image_io.h"
#include "engine/core/fingerprint.h"
#include "engine/core/parallel.h"

namespace tern {
namespace {

std::uint64_t hash_of(const Image& image) {
  Fingerprint print;
  print.add(std::vector<int>{image.width, image.height});
  print.add(image.rgb);
  return print.value();
}

ImageFacts facts_of(const ImageSource& source, const std::string& name) {
  ImageFacts facts;
  try {
    const Image image = decode_image(source.read(name), source.describe(name));
    facts = {image.width, image.height, hash_of(image), perceptual_hashes(image), {}};
  } catch (const std::exception& error) {
    facts.error = error.what();
  }
  return facts;
}

}  // namespace

std::vector<ImageFacts> look_at(const ImageSource& source, std::span<const std::string> names,
                                const std::string& label) {
  constexpr std::int64_t kTogether = 512;  // between two lines of progress
  const auto count = static_cast<std::int64_t>(names.size());
  std::vector<ImageFacts> facts(names.size());
  Progress progress(label, count, "images");
  for (std::int64_t begin = 0; begin < count; begin += kTogether) {
    const std::int64_t end = std::min(begin + kTogether, count);
    parallel_for(end - begin, 1, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t i = begin + from; i < begin + to; ++i) {
        const auto at = static_cast<std::size_t>(i);
        facts[at] = facts_of(source, names[at]);
      }
    });
    progress.update(end);
  }
  return facts;
}

}  // namespace tern
