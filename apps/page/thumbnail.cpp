#include "apps/page/thumbnail.h"

#include <algorithm>
#include <exception>

#include "apps/common/progress.h"
#include "apps/page/html.h"
#include "data/resize.h"
#include "engine/core/parallel.h"

namespace tern {
namespace {

constexpr int kQuality = 85;
constexpr std::size_t kBlock = 64;  // images between two updates of the progress

}  // namespace

std::string jpeg_url(const Image& image, int quality) {
  return std::string(kJpegUrl) + base64(encode_jpeg(image, quality));
}

std::string thumbnail(const Image& image, int side) {
  const int longest = std::max(image.width, image.height);
  if (longest <= side) return base64(encode_jpeg(image, kQuality));
  const auto scaled = [&](int extent) { return std::max(1, extent * side / longest); };
  return base64(encode_jpeg(resize(image, scaled(image.width), scaled(image.height)), kQuality));
}

std::string thumbnail_url(const Image& image, int side) {
  return std::string(kJpegUrl) + thumbnail(image, side);
}

std::vector<std::string> thumbnails(const ImageSource& source, const std::vector<std::string>& names,
                                    int side, const char* label) {
  std::vector<std::string> pictures(names.size());
  std::vector<std::exception_ptr> errors(names.size());
  Progress progress(label, static_cast<std::int64_t>(names.size()), "images");
  for (std::size_t first = 0; first < names.size(); first += kBlock) {
    const std::size_t count = std::min(kBlock, names.size() - first);
    parallel_for(static_cast<std::int64_t>(count), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::size_t i = first + static_cast<std::size_t>(begin); i < first + static_cast<std::size_t>(end);
           ++i) {
        try {
          pictures[i] = thumbnail(decode_image(source.read(names[i]), source.describe(names[i])), side);
        } catch (...) {
          errors[i] = std::current_exception();
        }
      }
    });
    for (std::size_t i = first; i < first + count; ++i) {
      if (errors[i]) std::rethrow_exception(errors[i]);
    }
    progress.update(static_cast<std::int64_t>(first + count));
  }
  return pictures;
}

}  // namespace tern
