// CIFAR-100's binary version: the two lists of names, the records, and a list of indices. The records' pixels are made here, so
// that an input is short: two letters of it are a record's labels.
// Link: tern_data
// Parser: data/cifar100.cpp
#include "data/cifar100.h"
#include "data/dataset.h"
#include "tests/fuzz/fuzzer.h"

using namespace tern;

TERN_FUZZER(cifar) {
  static const fuzz::Folder folder;
  const std::vector<std::string_view> parts = fuzz::parts_of(input, 4);
  folder.write("coarse_label_names.txt", parts[0]);
  folder.write("fine_label_names.txt", parts[1]);
  folder.write("indices.txt", parts[2]);
  std::string records;
  for (std::size_t i = 0; i + 1 < parts[3].size() && i < 64; i += 2) {
    records += parts[3].substr(i, 2);
    records.append(Cifar100::kRecordBytes - 2, static_cast<char>(i));
  }
  if (parts[3].size() % 2 == 1) records += 'x';  // no whole number of records
  folder.write("train.bin", records);
  fuzz::accepted([&] {
    const Cifar100 cifar = load_cifar100(folder.path());
    novel_cifar_groups(cifar);
    for (std::int64_t record = 0; record < cifar.count(); ++record) cifar.image(record);
    CifarSelection selection;
    selection.count = 2;
    selection.exclude_groups = {cifar.coarse_names.front()};
    fuzz::accepted([&] { select_cifar(cifar, selection); });
    selection.hold_out_groups = {cifar.fine_names.back()};
    selection.held_out = true;
    fuzz::accepted([&] { select_cifar(cifar, selection); });
    selection.indices_file = folder / "indices.txt";
    Dataset dataset;
    dataset.image_size = 8;
    dataset.classes = {{"a", "novel"}, {"b", "novel"}, {0, 1}};
    fuzz::accepted([&] { add_cifar(dataset, folder.path(), selection); });
  });
}
