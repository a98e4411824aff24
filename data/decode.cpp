#include "data/decode.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "data/image_io.h"
#include "data/resize.h"
#include "engine/core/check.h"
#include "engine/core/parallel.h"

namespace tern {
namespace {

void decode_one(const ImageSource& source, const std::string& name, int image_size,
                std::span<std::uint8_t> to) {
  const std::string subject = source.describe(name);
  const Image image = decode_image(source.read(name), subject);
  if (std::max(image.width, image.height) > (1 << 16)) {
    throw Error(subject, "an image of at most 65536 pixels a side",
                std::to_string(image.width) + " x " + std::to_string(image.height));
  }
  if (image.width == image_size && image.height == image_size) {
    std::copy(image.rgb.begin(), image.rgb.end(), to.begin());
    return;
  }
  Resizer(image.width, image.height, image_size, image_size)(image.rgb, to);
}

}  // namespace

std::vector<std::uint8_t> decode_all(const ImageSource& source, std::span<const std::string> names,
                                     int image_size, int threads) {
  if (image_size < 1 || image_size > 4096) {
    throw Error("image_size", "1..4096 pixels", std::to_string(image_size));
  }
  const std::size_t bytes = static_cast<std::size_t>(image_size) * image_size * 3;
  std::vector<std::uint8_t> pixels(names.size() * bytes);

  // Images are taken in order and a taken one is always finished, so when image i fails, all before it have
  // been or will be tried: the first failure by order is known whatever the threads do.
  std::atomic<std::size_t> next{0}, first_failure{names.size()};
  std::mutex mutex;
  std::exception_ptr error;
  const auto work = [&] {
    for (std::size_t i = next++; i < first_failure; i = next++) {
      try {
        decode_one(source, names[i], image_size, std::span(pixels).subspan(i * bytes, bytes));
      } catch (...) {
        const std::scoped_lock lock(mutex);
        if (i < first_failure) {
          first_failure = i;
          error = std::current_exception();
        }
      }
    }
  };
  const std::size_t wanted = static_cast<std::size_t>(threads > 0 ? threads : thread_count());
  std::vector<std::jthread> helpers;
  for (std::size_t i = 1; i < std::min({wanted, names.size(), std::size_t{256}}); ++i)
    helpers.emplace_back(work);
  work();
  helpers.clear();  // joins
  if (error) std::rethrow_exception(error);
  return pixels;
}

}  // namespace tern
