// An image of any format, as it is: BMP, and PNG with the checksums that it has. (JPEG and PNG have fuzzers of their own.)
// Link: tern_data
// Parser: data/image_io.cpp:bmp,BmpHeader,decode_by_stb,decode_image,read_image,check_pixels,format_of
#include "data/image_io.h"

#include "tests/fuzz/fuzzer.h"

using namespace tern;

TERN_FUZZER(image) {
  const fuzz::MemoryFile file(input);
  fuzz::accepted([&] {
    const Image image = read_image(file.path());
    fuzz::expect(image.rgb.size() ==
                     3u * static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height),
                 "three bytes a pixel");
  });
}
