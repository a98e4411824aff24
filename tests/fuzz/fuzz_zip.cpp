// A zip archive as it is: as one of weights, and as one of images.
// Link: tern_data
// Parser: engine/io/zip_archive.cpp data/image_source.cpp:3Zip,plain_entry_name,what_is,natural_less data/passed_over.cpp
#include "engine/io/zip_archive.h"

#include "data/image_source.h"
#include "tests/fuzz/checks.h"

using namespace tern;

TERN_FUZZER(zip) {
  const fuzz::MemoryFile file(input);
  fuzz::accepted([&] {
    const ZipArchive archive(file.path());
    for (const std::string& name : archive.names()) {
      fuzz::expect(archive.contains(name), "an archive that has what it names");
      const bool whole = fuzz::accepted([&] { archive.verify(name); });
      if (archive.size(name) > (std::uint64_t{16} << 20))
        continue;  // asked for, it would take as much memory
      std::vector<std::byte> bytes;
      const bool is_read = fuzz::accepted([&] { bytes = archive.read(name, std::uint64_t{16} << 20); });
      fuzz::expect(is_read == whole && (!is_read || bytes.size() == archive.size(name)),
                   "an entry that is read where it is whole");
    }
  });
  fuzz::accepted([&] {
    const auto images = ImageSource::open(file.path());
    images->passed_over().text();
    for (const std::string& name : images->names()) {
      images->describe(name);
      fuzz::accepted([&] { images->read(name); });
    }
    for (const char* name : {"train_images/1.jpg", "1.JPG", "2.png"}) images->nearest_text(name);
  });
  fuzz::read_weights(file.path());
}
