// Decoding JPEGs, tern's way (libjpeg-turbo) and stb_image's, on one core.
//   bench_jpeg --images DIR|ZIP [--count 64] [--rounds 15]
// Prints images/s, the median of rounds that alternate, counted in processor time, and how far the pixels are
// apart.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <filesystem>
#include <memory>
#include <vector>

#include "data/image_source.h"
#include "data/jpeg.h"

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_NO_STDIO
#define STBI_ONLY_JPEG
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

namespace {

using Files = std::vector<std::vector<std::byte>>;

std::vector<std::uint8_t> decode_by_stb(const std::vector<std::byte>& file) {
  int width = 0, height = 0, channels = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(file.data()), static_cast<int>(file.size()),
                            &width, &height, &channels, 3),
      stbi_image_free);
  if (pixels == nullptr) return {};
  return {pixels.get(),
          pixels.get() + static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3};
}

std::vector<std::uint8_t> decode_by_tern(const std::vector<std::byte>& file) {
  return tern::decode_jpeg(file, "image").rgb;
}

template <typename Decode>
double seconds_of(const Files& files, Decode&& decode) {
  const std::clock_t start = std::clock();
  for (const auto& file : files) decode(file);
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int largest_difference(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) {
  int largest = a.size() == b.size() ? 0 : 256;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

void measure(const Files& files, int rounds) {
  std::vector<double> tern_seconds, stb_seconds;
  for (int round = 0; round < rounds; ++round) {
    tern_seconds.push_back(seconds_of(files, decode_by_tern));
    stb_seconds.push_back(seconds_of(files, decode_by_stb));
  }
  double megapixels = 0;
  int apart = 0;
  for (const auto& file : files) {
    const std::vector<std::uint8_t> pixels = decode_by_tern(file);
    megapixels += static_cast<double>(pixels.size()) / 3e6;
    apart = std::max(apart, largest_difference(pixels, decode_by_stb(file)));
  }
  const double count = static_cast<double>(files.size());
  fmt::print("{} images of {:.4f} megapixels on average; largest difference {} grey levels\n", files.size(),
             megapixels / count, apart);
  fmt::print("| decoder | images/s | megapixels/s |\n|---|---|---|\n");
  for (const auto& [name, seconds] :
       {std::pair{fmt::format("libjpeg-turbo {}", tern::jpeg_version()), median(tern_seconds)},
        {std::string("stb_image"), median(stb_seconds)}}) {
    fmt::print("| {} | {:.0f} | {:.1f} |\n", name, count / seconds, megapixels / seconds);
  }
}

}  // namespace

int main(int argc, char** argv) try {
  std::filesystem::path images;
  std::size_t count = 64;
  int rounds = 15;
  CLI::App app("Decoding JPEGs");
  app.add_option("--images", images, "a folder or zip of JPEGs")->required();
  app.add_option("--count", count, "so many of them, evenly spread")->check(CLI::Range(1, 1 << 20));
  app.add_option("--rounds", rounds)->check(CLI::Range(1, 1000));
  CLI11_PARSE(app, argc, argv);
  const auto source = tern::ImageSource::open(images);
  const std::vector<std::string>& names = source->names();
  count = std::min(count, names.size());
  Files files;
  for (std::size_t i = 0; i < count; ++i) files.push_back(source->read(names[i * names.size() / count]));
  measure(files, rounds);
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "bench_jpeg: {}\n", error.what());
  return 1;
}
