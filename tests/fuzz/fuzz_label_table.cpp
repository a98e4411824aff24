// The tables of a data folder: train_data.csv, superclass_mapping.csv, subclass_mapping.csv and the labels of test images.
// Link: tern_data
// Parser: data/label_table.cpp data/study.cpp
#include "data/label_table.h"

#include "data/study.h"
#include "tests/fuzz/fuzzer.h"

using namespace tern;

namespace {

/// With images whose names are what counts: nobody looks into them.
struct DataFolder : fuzz::Folder {
  DataFolder() {
    std::filesystem::create_directories(*this / "train_images");
    for (const char* name : {"train_images/0.jpg", "train_images/1.jpg", "train_images/2.png"})
      write(name, "x");
  }
};

}  // namespace

TERN_FUZZER(label_table) {
  static const DataFolder folder;
  const std::vector<std::string_view> parts = fuzz::parts_of(input, 4);
  const char* const names[] = {"train_data.csv", "superclass_mapping.csv", "subclass_mapping.csv",
                               "test_labels.csv"};
  for (std::size_t i = 0; i < parts.size(); ++i) folder.write(names[i], parts[i]);
  Dataset dataset;
  fuzz::accepted([&] { dataset.classes = load_class_names(folder.path()); });
  fuzz::accepted([&] { open_study(folder.path()); });
  dataset.names = {"0.jpg", "1.jpg"};
  fuzz::accepted([&] { load_labels(folder / "test_labels.csv", dataset); });
}
