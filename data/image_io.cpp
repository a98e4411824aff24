#include "data/image_io.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include "data/jpeg.h"
#include "engine/core/check.h"
#include "engine/io/file.h"

// Private copies (static) of what is needed alone, so that no other user of stb in the program can clash.
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_NO_STDIO
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

constexpr std::size_t kMaxBytes = std::size_t{1} << 30;  // stb counts bytes in an int

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

constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0xEDB88320u : 0u);
    table[i] = value;
  }
  return table;
}();

constexpr std::uint32_t kIhdr = 0x49484452, kIdat = 0x49444154, kIend = 0x49454E44;

// stb looks at no checksum, so damage within the compressed data would decode to other pixels.
const char* trouble_in_png(const Bytes& bytes) {
  // Size and depth are read at the place that the format gives the header.
  if (bytes.size() >= 16 && bytes.big32(12) != kIhdr) return "a PNG that does not begin with its header";
  std::size_t at = 8;
  while (at + 12 <= bytes.size()) {
    const std::size_t length = bytes.big32(at);
    if (length > bytes.size() - at - 12) break;
    std::uint32_t crc = ~0u;
    for (std::size_t i = at + 4; i < at + 8 + length; ++i)
      crc = crc >> 8 ^ kCrcTable[(crc ^ bytes.at(i)) & 0xFF];
    if (~crc != bytes.big32(at + 8 + length)) return "a damaged PNG (checksum)";
    if (bytes.big32(at + 4) == kIend) return nullptr;
    at += length + 12;
  }
  return "a truncated PNG";
}

// stb takes memory for all pixels before it looks for one. The chunks are whole, and the pixels at most kMaxPixels.
const char* trouble_in_png_pixels(const Bytes& bytes) {
  constexpr std::array<std::uint64_t, 7> kSamples{1, 1, 3, 1, 2, 1, 4};  // by colour type
  constexpr std::uint64_t kMaxDeflateRatio = 1032;                       // 258 bytes for two bits
  const std::uint64_t bits =
      bytes.at(24) * kSamples[std::min<std::size_t>(bytes.at(25), kSamples.size() - 1)];
  const std::uint64_t wanted = std::uint64_t{bytes.big32(16)} * bytes.big32(20) * bits / 8;
  std::uint64_t compressed = 0;
  for (std::size_t at = 8; bytes.big32(at + 4) != kIend; at += bytes.big32(at) + 12) {
    if (bytes.big32(at + 4) == kIdat) compressed += bytes.big32(at);
  }
  return wanted / kMaxDeflateRatio > compressed ? "a PNG of more pixels than its data can hold" : nullptr;
}

/// What a BMP's header says. Rows go from bottom to top, or, where its height is negative, from top to
/// bottom.
struct BmpHeader {
  std::uint32_t bytes, bits, compression, pixels_at;
  std::int64_t width, height;

  explicit BmpHeader(const Bytes& file) : bytes(file.little32(14)), pixels_at(file.little32(10)) {
    const bool is_os2 = bytes == kOs2;
    width = is_os2 ? std::int64_t{file.little16(18)} : static_cast<std::int32_t>(file.little32(18));
    height = is_os2 ? std::int64_t{file.little16(20)} : static_cast<std::int32_t>(file.little32(22));
    height = std::abs(height);
    bits = file.little16(is_os2 ? 24 : 28);
    compression = is_os2 ? 0 : file.little32(30);
  }

  static constexpr std::uint32_t kOs2 = 12;
};

// What stb would read wrongly: it takes missing bytes for zeros, and OS/2's palettes for shorter than they
// are.
const char* trouble_in_bmp(const BmpHeader& header, std::size_t file_bytes) {
  constexpr std::array<std::uint32_t, 5> kKnown{BmpHeader::kOs2, 40, 56, 108, 124};
  if (std::find(kKnown.begin(), kKnown.end(), header.bytes) == kKnown.end()) return "a BMP of a rare header";
  if (header.bytes == BmpHeader::kOs2 && header.bits < 24) return "a BMP of OS/2 with a palette";
  if (header.compression == 1 || header.compression == 2) return "a BMP packed by run lengths";
  const std::uint64_t row = (header.bits * static_cast<std::uint64_t>(header.width) + 31) / 32 * 4;
  const std::uint64_t end = header.pixels_at + row * static_cast<std::uint64_t>(header.height);
  return end > file_bytes ? "a truncated BMP" : nullptr;
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

/// `data` is at most kMaxBytes long and its size in pixels is checked.
Image decode_by_stb(std::span<const std::byte> data, const std::string& name) {
  Image image;
  int channels = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(data.data()), static_cast<int>(data.size()),
                            &image.width, &image.height, &channels, 3),
      stbi_image_free);
  if (pixels == nullptr)
    throw Error(name, kWantedImage, std::string("a damaged one (") + stbi_failure_reason() + ")");
  image.rgb.assign(pixels.get(), pixels.get() + static_cast<std::size_t>(image.width) *
                                                    static_cast<std::size_t>(image.height) * 3);
  return image;
}

void throw_if(const char* trouble, const std::string& name) {
  if (trouble != nullptr) throw Error(name, kWantedImage, trouble);
}

Image decode_png(std::span<const std::byte> data, const std::string& name) {
  const Bytes bytes(data);
  throw_if(trouble_in_png(bytes), name);
  check_pixels(name, bytes.big32(16), bytes.big32(20));
  throw_if(trouble_in_png_pixels(bytes), name);
  return decode_by_stb(data, name);
}

Image decode_bmp(std::span<const std::byte> data, const std::string& name) {
  const BmpHeader header{Bytes(data)};
  check_pixels(name, header.width, header.height);
  throw_if(trouble_in_bmp(header, data.size()), name);
  return decode_by_stb(data, name);
}

void append(void* context, void* data, int size) {
  auto& bytes = *static_cast<std::vector<std::byte>*>(context);
  const auto* from = static_cast<const std::byte*>(data);
  bytes.insert(bytes.end(), from, from + size);
}

}  // namespace

void check_pixels(const std::string& name, std::int64_t width, std::int64_t height) {
  if (width >= 1 && height >= 1 && width <= kMaxPixels && height <= kMaxPixels / width) return;
  throw Error(name, "an image of at most 64 megapixels",
              std::to_string(width) + " x " + std::to_string(height));
}

Image decode_image(std::span<const std::byte> data, const std::string& name) {
  if (data.empty()) throw Error(name, kWantedImage, "an empty file");
  if (data.size() > kMaxBytes) throw Error(name, kWantedImage, "a file of over 1 GiB");
  const Bytes bytes(data);
  switch (format_of(bytes)) {
    case Format::jpeg:
      return decode_jpeg(data, name);
    case Format::png:
      return decode_png(data, name);
    case Format::bmp:
      return decode_bmp(data, name);
    case Format::other:
      break;
  }
  throw Error(name, kWantedImage, "a file of another format");
}

Image read_image(const std::filesystem::path& path) {
  return decode_image(read_file(path, kMaxBytes), path.string());
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
