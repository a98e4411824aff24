#include "data/image_io.h"

#include <array>
#include <cstdlib>
#include <memory>

#include "engine/core/check.h"
#include "engine/io/file.h"

// Private copies (static) of what is needed alone, so that no other user of stb in the program can clash.
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_NO_STDIO
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_image.h>
#include <stb/stb_image_write.h>
#pragma GCC diagnostic pop

namespace tern {
namespace {

constexpr const char* kWanted = "a JPEG, PNG or BMP image";

/// Bytes with bounds: reads beyond the end give 0, and callers check sizes where it matters.
class Bytes {
 public:
  explicit Bytes(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::size_t size() const { return bytes_.size(); }
  std::uint32_t at(std::size_t i) const { return i < size() ? std::to_integer<std::uint32_t>(bytes_[i]) : 0; }
  std::uint32_t big16(std::size_t i) const { return at(i) << 8 | at(i + 1); }
  std::uint32_t big32(std::size_t i) const { return big16(i) << 16 | big16(i + 2); }
  std::uint32_t little16(std::size_t i) const { return at(i) | at(i + 1) << 8; }
  std::uint32_t little32(std::size_t i) const { return little16(i) | little16(i + 2) << 16; }

 private:
  std::span<const std::byte> bytes_;
};

// stb trusts the code counts of a Huffman table and writes past its arrays of 256.
bool huffman_tables_fit(const Bytes& bytes, std::size_t at, std::size_t end) {
  while (at < end) {
    std::size_t codes = 0;
    for (std::size_t length = 1; length <= 16; ++length) codes += bytes.at(at + length);
    if (codes > 256) return false;
    at += 17 + codes;
  }
  return at == end;
}

// stb fills the missing part of a cut file with grey and calls it a success. So the marker segments are
// walked here, the entropy-coded data too, up to the end-of-image marker, which a cut file does not have. (A
// search for the bytes FF D9 would not do: thumbnails within the file have them as well.)
const char* trouble_in_jpeg(const Bytes& bytes) {
  std::size_t at = 2;
  std::uint32_t components = 0;
  bool adobe = false;
  while (at < bytes.size()) {
    while (at < bytes.size() && bytes.at(at) != 0xFF) ++at;  // entropy-coded data, or stray bytes
    while (at < bytes.size() && bytes.at(at) == 0xFF) ++at;  // the marker's FF and fill bytes
    if (at >= bytes.size()) break;
    const std::uint32_t marker = bytes.at(at++);
    if (marker == 0xD9) {
      // stb reads four components without Adobe's marker as YCbCr and something.
      return components == 4 && !adobe ? "a JPEG of four channels that does not say which" : nullptr;
    }
    const bool without_length = marker <= 0x01 || (marker >= 0xD0 && marker <= 0xD8);
    if (without_length) continue;  // a stuffed FF 00, a restart marker
    const bool frame = marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (frame) components = bytes.at(at + 7);
    if (marker == 0xEE && bytes.big32(at + 2) == 0x41646F62) adobe = true;  // "Adob"
    if (bytes.size() - at < 2) break;
    const std::uint32_t length = bytes.big16(at);
    if (length < 2) return "a damaged JPEG (segment length)";
    if (length > bytes.size() - at) break;
    if (marker == 0xC4 && !huffman_tables_fit(bytes, at + 2, at + length))
      return "a damaged JPEG (Huffman table)";
    at += length;
  }
  return "a truncated JPEG";
}

constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0xEDB88320u : 0u);
    table[i] = value;
  }
  return table;
}();

// stb looks at no checksum, so damage within the compressed data would decode to other pixels.
const char* trouble_in_png(const Bytes& bytes) {
  std::size_t at = 8;
  while (at + 12 <= bytes.size()) {
    const std::size_t length = bytes.big32(at);
    if (length > bytes.size() - at - 12) break;
    std::uint32_t crc = ~0u;
    for (std::size_t i = at + 4; i < at + 8 + length; ++i)
      crc = crc >> 8 ^ kCrcTable[(crc ^ bytes.at(i)) & 0xFF];
    if (~crc != bytes.big32(at + 8 + length)) return "a damaged PNG (checksum)";
    if (bytes.big32(at + 4) == 0x49454E44) return nullptr;  // IEND
    at += length + 12;
  }
  return "a truncated PNG";
}

// stb reads missing bytes of a BMP as zeros.
const char* trouble_in_bmp(const Bytes& bytes, int width, int height) {
  const std::uint64_t bits = bytes.little32(14) == 12 ? bytes.little16(24) : bytes.little16(28);
  const std::uint64_t row = (bits * static_cast<std::uint64_t>(width) + 31) / 32 * 4;
  const std::uint64_t end = bytes.little32(10) + row * static_cast<std::uint64_t>(height);
  return end > bytes.size() ? "a truncated BMP" : nullptr;
}

enum class Format { other, jpeg, png, bmp };

Format format_of(const Bytes& bytes) {
  if (bytes.big16(0) == 0xFFD8) return Format::jpeg;
  if (bytes.big32(0) == 0x89504E47) return Format::png;
  if (bytes.big16(0) == 0x424D) return Format::bmp;
  return Format::other;
}

void check_image(const char* op, const Image& image) {
  if (image.width < 1 || image.height < 1 ||
      image.rgb.size() !=
          static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height) * 3) {
    throw Error(op, "an image of width * height * 3 bytes",
                std::to_string(image.width) + " x " + std::to_string(image.height) + " and " +
                    std::to_string(image.rgb.size()) + " bytes");
  }
}

void check_pixels(const std::string& name, std::int64_t width, std::int64_t height) {
  if (width >= 1 && height >= 1 && width <= kMostPixels && height <= kMostPixels / width) return;
  throw Error(name, "an image of at most 64 megapixels",
              std::to_string(width) + " x " + std::to_string(height));
}

void append(void* context, void* data, int size) {
  auto& bytes = *static_cast<std::vector<std::byte>*>(context);
  const auto* from = static_cast<const std::byte*>(data);
  bytes.insert(bytes.end(), from, from + size);
}

}  // namespace

Image decode_image(std::span<const std::byte> data, const std::string& name) {
  if (data.empty()) throw Error(name, kWanted, "an empty file");
  constexpr std::size_t kMostBytes = std::size_t{1} << 30;  // stb counts bytes in an int
  if (data.size() > kMostBytes) throw Error(name, kWanted, "a file of over 1 GiB");
  const Bytes bytes(data);
  const Format format = format_of(bytes);
  if (format == Format::other) throw Error(name, kWanted, "a file of another format");

  const auto* raw = reinterpret_cast<const stbi_uc*>(data.data());
  const int size = static_cast<int>(data.size());
  Image image;
  int channels = 0;
  const char* trouble = nullptr;
  if (format == Format::jpeg) trouble = trouble_in_jpeg(bytes);
  if (format == Format::png) trouble = trouble_in_png(bytes);
  if (trouble != nullptr) throw Error(name, kWanted, trouble);
  if (format == Format::png) check_pixels(name, bytes.big32(16), bytes.big32(20));  // stb does not say why
  if (!stbi_info_from_memory(raw, size, &image.width, &image.height, &channels)) {
    throw Error(name, kWanted, std::string("a damaged one (") + stbi_failure_reason() + ")");
  }
  check_pixels(name, image.width, image.height);
  if (format == Format::bmp) trouble = trouble_in_bmp(bytes, image.width, image.height);
  if (trouble != nullptr) throw Error(name, kWanted, trouble);

  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(raw, size, &image.width, &image.height, &channels, 3), stbi_image_free);
  if (pixels == nullptr)
    throw Error(name, kWanted, std::string("a damaged one (") + stbi_failure_reason() + ")");
  image.rgb.assign(pixels.get(), pixels.get() + static_cast<std::size_t>(image.width) *
                                                    static_cast<std::size_t>(image.height) * 3);
  return image;
}

Image read_image(const std::filesystem::path& path) {
  return decode_image(read_file(path, std::uint64_t{1} << 30), path.string());
}

std::vector<std::byte> encode_jpeg(const Image& image, int quality) {
  check_image("encode_jpeg", image);
  if (quality < 1 || quality > 100)
    throw Error("encode_jpeg", "a quality in 1..100", std::to_string(quality));
  std::vector<std::byte> bytes;
  bytes.reserve(image.rgb.size() / 4);
  if (!stbi_write_jpg_to_func(append, &bytes, image.width, image.height, 3, image.rgb.data(), quality)) {
    throw Error("encode_jpeg", "the encoder failed");
  }
  return bytes;
}

std::vector<std::byte> encode_png(const Image& image) {
  check_image("encode_png", image);
  std::vector<std::byte> bytes;
  if (!stbi_write_png_to_func(append, &bytes, image.width, image.height, 3, image.rgb.data(),
                              image.width * 3)) {
    throw Error("encode_png", "the encoder failed");
  }
  return bytes;
}

void write_png(const std::filesystem::path& path, const Image& image) {
  const std::vector<std::byte> bytes = encode_png(image);
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace tern
