#include "data/jpeg.h"

#include <csetjmp>
#include <cstdio>  // jpeglib.h wants FILE to be known
#include <cstring>
#include <vector>

#include <jpeglib.h>
// Behind jpeglib.h, which says whether there is arithmetic coding.
#include <jerror.h>

#include "engine/core/check.h"

#ifndef LIBJPEG_TURBO_VERSION
#error "wanted libjpeg-turbo's headers: other libraries of that interface decode to other pixels than Pillow"
#endif

namespace tern {
namespace {

/// libjpeg calls error_exit, which must not return. An exception may not cross its C frames, so error_exit
/// jumps back into attempt(); what it jumps over, the steps and libjpeg, holds nothing that needs destroying.
class Decoder {
 public:
  /// `bytes` outlives the decoder.
  explicit Decoder(std::span<const std::byte> bytes) : bytes_(bytes) {}
  ~Decoder() { jpeg_destroy_decompress(&info_); }  // libjpeg lets this be called at any time
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  /// Each false, with reason(), where libjpeg gave up.
  bool read_header() { return attempt(read_header_step); }
  /// `rgb`: [height, width, 3]; `row`: [width, 4], used with four components only.
  bool read_pixels(std::uint8_t* rgb, std::uint8_t* row) {
    rgb_ = rgb;
    row_ = row;
    return attempt(read_pixels_step);
  }

  const char* reason() const { return reason_; }
  std::int64_t width() const { return info_.image_width; }
  std::int64_t height() const { return info_.image_height; }
  int components() const { return info_.num_components; }
  int bits() const { return info_.data_precision; }

 private:
  bool attempt(void (*step)(Decoder&)) {
    if (setjmp(give_up_) != 0) return false;
    step(*this);
    return true;
  }
  [[noreturn]] void give_up(const char* reason) {
    std::snprintf(reason_, sizeof reason_, "%s", reason);
    std::longjmp(give_up_, 1);
  }
  [[noreturn]] void give_up_on_damage() {
    char text[JMSG_LENGTH_MAX];
    info_.err->format_message(reinterpret_cast<j_common_ptr>(&info_), text);
    constexpr char kPrefix[] = "Corrupt JPEG data: ";
    const char* what =
        std::strncmp(text, kPrefix, sizeof kPrefix - 1) == 0 ? text + sizeof kPrefix - 1 : text;
    std::snprintf(reason_, sizeof reason_, "a damaged JPEG (%s)", what);
    std::longjmp(give_up_, 1);
  }

  static void read_header_step(Decoder& decoder);
  static void read_pixels_step(Decoder& decoder);
  static void on_error(j_common_ptr info);
  static void on_message(j_common_ptr info, int level);
  static void on_progress(j_common_ptr info);

  std::span<const std::byte> bytes_;
  jpeg_decompress_struct info_{};
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  std::jmp_buf give_up_;
  char reason_[JMSG_LENGTH_MAX + 32] = "";
  std::uint8_t* rgb_ = nullptr;
  std::uint8_t* row_ = nullptr;
};

void Decoder::on_error(j_common_ptr info) {
  static_cast<Decoder*>(info->client_data)->give_up_on_damage();
}

/// Warnings have level -1. libjpeg goes on after them, with grey where data are missing; those that tell of
/// pixels lost are errors here. Bytes too many between segments are none.
void Decoder::on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  Decoder& decoder = *static_cast<Decoder*>(info->client_data);
  switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
      decoder.give_up("a truncated JPEG");
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
      decoder.give_up_on_damage();
    default:
      break;
  }
}

void Decoder::on_progress(j_common_ptr info) {
  Decoder& decoder = *static_cast<Decoder*>(info->client_data);
  if (decoder.info_.input_scan_number <= kMaxScans) return;
  char text[64];
  std::snprintf(text, sizeof text, "a JPEG of over %d scans", kMaxScans);
  decoder.give_up(text);
}

void Decoder::read_header_step(Decoder& decoder) {
  jpeg_decompress_struct& info = decoder.info_;
  info.err = jpeg_std_error(&decoder.errors_);
  decoder.errors_.error_exit = on_error;
  decoder.errors_.emit_message = on_message;
  info.client_data = &decoder;
  jpeg_create_decompress(&info);  // keeps err and client_data
  decoder.progress_.progress_monitor = on_progress;
  info.progress = &decoder.progress_;
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(decoder.bytes_.data()), decoder.bytes_.size());
  jpeg_read_header(&info, TRUE);
}

/// Pillow's convert("RGB") of CMYK stored inverted: R = K - (255 - C) * K / 255, rounded.
void inverted_cmyk_to_rgb(const std::uint8_t* cmyk, std::uint8_t* rgb, std::size_t pixels) {
  for (; pixels > 0; --pixels, cmyk += 4, rgb += 3) {
    const int black = cmyk[3];
    for (int c = 0; c < 3; ++c) {
      const int product = (255 - cmyk[c]) * black + 128;
      rgb[c] = static_cast<std::uint8_t>(black - ((product >> 8) + product) / 256);
    }
  }
}

void Decoder::read_pixels_step(Decoder& decoder) {
  jpeg_decompress_struct& info = decoder.info_;
  const bool cmyk = info.num_components == 4;
  info.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(&info);
  while (info.output_scanline < info.output_height) {
    std::uint8_t* to = decoder.rgb_ + std::size_t{info.output_scanline} * info.output_width * 3;
    std::uint8_t* row = cmyk ? decoder.row_ : to;
    jpeg_read_scanlines(&info, &row, 1);
    if (cmyk) inverted_cmyk_to_rgb(row, to, info.output_width);
  }
  jpeg_finish_decompress(&info);  // reads on to the end-of-image marker, which a cut file does not have
}

}  // namespace

Image decode_jpeg(std::span<const std::byte> bytes, const std::string& name) {
  Decoder decoder(bytes);
  if (!decoder.read_header()) throw Error(name, kWantedImage, decoder.reason());
  check_pixels(name, decoder.width(), decoder.height());
  if (decoder.bits() != 8) {
    throw Error(name, "a JPEG of 8 bits a sample", std::to_string(decoder.bits()));
  }
  const int components = decoder.components();
  if (components != 1 && components != 3 && components != 4) {
    throw Error(name, "a JPEG of 1, 3 or 4 components", std::to_string(components));
  }
  Image image{static_cast<int>(decoder.width()), static_cast<int>(decoder.height()), {}};
  const auto width = static_cast<std::size_t>(image.width);
  image.rgb.resize(width * static_cast<std::size_t>(image.height) * 3);
  std::vector<std::uint8_t> row(components == 4 ? width * 4 : 0);
  if (!decoder.read_pixels(image.rgb.data(), row.data())) throw Error(name, kWantedImage, decoder.reason());
  return image;
}

std::string jpeg_version() {
#define TERN_TEXT_OF(x) #x
#define TERN_TEXT(x) TERN_TEXT_OF(x)
  return TERN_TEXT(LIBJPEG_TURBO_VERSION);
#undef TERN_TEXT
#undef TERN_TEXT_OF
}

}  // namespace tern
