// A JPEG.
// Link: tern_data
// Parser: data/jpeg.cpp
#include "data/jpeg.h"

#include "tests/fuzz/fuzzer.h"

using namespace tern;

TERN_FUZZER(jpeg) {
  fuzz::accepted([&] {
    const Image image = decode_jpeg(fuzz::bytes_of(input), "fuzz.jpg");
    fuzz::expect(image.rgb.size() ==
                     3u * static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height),
                 "three bytes a pixel");
  });
}
