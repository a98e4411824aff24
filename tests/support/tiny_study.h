// A study of three superclasses with two subclasses each and images of 16 x 16 pixels: a colour a subclass,
// with noise. Small enough that a training takes seconds.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "apps/run/config.h"
#include "data/image_io.h"
#include "data/random_purpose.h"
#include "engine/core/random.h"
#include "tests/support/files.h"

namespace tern::test {

/// What every training on it needs: --set texts that make it small.
inline std::vector<std::string> tiny_settings() {
  return {"backbone=narrow_resnet10_4", "image_size=16",      "batch_size=12",      "epochs=2",
          "validation_fraction=0.25",   "learning_rate=1e-3", "rotation_degrees=0", "split=faithful",
          "metric_counts_extra=true"};
}

/// The settings above and some more.
inline Config tiny_config(const std::vector<std::string>& more = {}) {
  std::vector<std::string> sets = tiny_settings();
  sets.insert(sets.end(), more.begin(), more.end());
  return make_config(sets);
}

inline void write_image(const std::filesystem::path& path, int subclass, std::uint32_t number) {
  RandomStream random(7, random_purpose::test, static_cast<std::uint32_t>(subclass), number);
  Image image{16, 16, {}};
  for (int i = 0; i < 16 * 16; ++i) {
    for (int c = 0; c < 3; ++c) {
      const int colour = 40 + 150 * ((subclass >> c) & 1);
      image.rgb.push_back(static_cast<std::uint8_t>(colour + static_cast<int>(random.below(40))));
    }
  }
  write_png(path, image);
}

/// DIR in the study's layout, DIR/test_images and DIR/test_labels.csv.
inline void write_tiny_study(const std::filesystem::path& folder, int images_per_subclass = 8) {
  namespace fs = std::filesystem;
  fs::create_directories(folder / "train_images");
  fs::create_directories(folder / "test_images");
  std::string train = "image,superclass_index,subclass_index,description\n";
  std::string labels = "image,superclass_index,subclass_index\n";
  std::uint32_t number = 0;
  for (int subclass = 0; subclass < 6; ++subclass) {
    const std::string indices = "," + std::to_string(subclass / 2) + "," + std::to_string(subclass);
    for (int i = 0; i < images_per_subclass; ++i, ++number) {
      const std::string name = std::to_string(number) + ".png";
      write_image(folder / "train_images" / name, subclass, number);
      train += name + indices + ",x\n";
    }
    for (int i = 0; i < 2; ++i) {
      const std::string name = std::to_string(subclass * 2 + i) + ".png";
      write_image(folder / "test_images" / name, subclass, 1000 + number + static_cast<std::uint32_t>(i));
      labels += name + indices + "\n";
    }
  }
  write_quickly(folder / "train_data.csv", train);
  write_quickly(folder / "test_labels.csv", labels);
  write_quickly(folder / "superclass_mapping.csv", "index,class\n0,a\n1,b\n2,c\n3,novel\n");
  write_quickly(folder / "subclass_mapping.csv",
                "index,class\n0,a0\n1,a1\n2,b0\n3,b1\n4,c0\n5,c1\n6,novel\n");
}

/// Five classes of eight images as folders DIR/class<number>/, of one level: without superclasses.
inline void write_tiny_classes(const std::filesystem::path& folder) {
  for (std::uint32_t i = 0; i < 40; ++i) {
    const std::string number = std::to_string(i);
    const std::filesystem::path file = folder / ("class" + std::to_string(i % 5)) / (number + ".png");
    std::filesystem::create_directories(file.parent_path());
    write_image(file, static_cast<int>(i % 5), i);
  }
}

/// A folder cifar-100-binary with `count` records of grey noise, all of the fine class "apple".
inline void write_tiny_cifar(const std::filesystem::path& folder, int count = 12) {
  std::filesystem::create_directories(folder);
  RandomStream random(8, random_purpose::test);
  std::string records;
  for (int i = 0; i < count; ++i) {
    records += i % 2 == 0 ? std::string("\0\0", 2) : std::string("\2\1", 2);  // apple or maple
    for (int byte = 0; byte < 3072; ++byte) records += static_cast<char>(random.below(256));
  }
  write_quickly(folder / "train.bin", records);
  write_quickly(folder / "coarse_label_names.txt", "fruit_and_vegetables\nreptiles\ntrees\n");
  write_quickly(folder / "fine_label_names.txt", "apple\nmaple\nsnake\n");
}

}  // namespace tern::test
