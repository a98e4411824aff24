#include "data/cifar100.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <string>

#include "data/resize.h"
#include "engine/core/check.h"
#include "tests/support/temporary_folder.h"

namespace tern {
namespace {

constexpr int kRecords = 120;  // 20 of each of 6 fine classes

std::uint8_t pixel(int record, int position) {
  return static_cast<std::uint8_t>(record * 31 + position * 7 + position / 1024);
}

// Groups fish (ray, shark), reptiles (snake, turtle), trees (oak, apple); record r has the fine class r
// mod 6.
std::string records() {
  constexpr int kCoarseOf[] = {2, 2, 0, 0, 1, 1};
  std::string bytes;
  for (int record = 0; record < kRecords; ++record) {
    bytes += static_cast<char>(kCoarseOf[record % 6]);
    bytes += static_cast<char>(record % 6);
    for (int i = 0; i < 3072; ++i) bytes += static_cast<char>(pixel(record, i));
  }
  return bytes;
}

struct Folder : test::TemporaryFolder {
  Folder() {
    write("coarse_label_names.txt", "fish\nreptiles\ntrees\n");
    write("fine_label_names.txt", "oak\napple\nshark\nray\nsnake\nturtle\n\n");
    write("train.bin", records());
  }
};

CifarSelection selection(std::int64_t count, std::vector<std::string> exclude = {}, std::uint64_t seed = 42) {
  CifarSelection result;
  result.count = count;
  result.exclude_groups = std::move(exclude);
  result.seed = seed;
  return result;
}

Dataset empty_dataset(int image_size) {
  Dataset dataset;
  dataset.image_size = image_size;
  dataset.classes = {{"bird", "novel"}, {"wren", "gull", "novel"}, {0, 0, 1}};
  return dataset;
}

TEST_CASE("cifar100: records, labels and planes") {
  const Folder folder;
  const Cifar100 cifar = load_cifar100(folder.path());
  CHECK(cifar.count() == kRecords);
  CHECK(cifar.fine_names.size() == 6);
  CHECK(cifar.coarse(4) == 1);
  CHECK(cifar.fine(117) == 3);
  const std::vector<std::uint8_t> rgb = cifar.image(7);
  REQUIRE(rgb.size() == 3072);
  for (int i = 0; i < 1024; ++i) {
    for (int channel = 0; channel < 3; ++channel) {
      REQUIRE(rgb[static_cast<std::size_t>(3 * i + channel)] == pixel(7, 1024 * channel + i));
    }
  }
  CHECK_THROWS_AS(cifar.image(kRecords), Error);
  CHECK_THROWS_AS(cifar.image(-1), Error);
}

TEST_CASE("cifar100: a selection leaves out reptiles and what it is told to") {
  const Folder folder;
  const Cifar100 cifar = load_cifar100(folder.path());
  const auto fine_classes = [&](const CifarSelection& request) {
    const std::vector<std::int64_t> chosen = select_cifar(cifar, request);
    CHECK(std::set<std::int64_t>(chosen.begin(), chosen.end()).size() == chosen.size());
    std::set<int> fine;
    for (const std::int64_t record : chosen) fine.insert(cifar.fine(record));
    return fine;
  };
  CHECK(fine_classes(selection(80)) == std::set<int>{0, 1, 2, 3});
  CHECK(fine_classes(selection(40, {"fish"})) == std::set<int>{0, 1});
  CHECK(fine_classes(selection(60, {"shark"})) == std::set<int>{0, 1, 3});
  CHECK(fine_classes(selection(20, {"trees", "ray"})) == std::set<int>{2});
  CHECK(fine_classes(selection(80, {"snake", "reptiles"})) == std::set<int>{0, 1, 2, 3});
  CHECK_THROWS_WITH_AS(select_cifar(cifar, selection(41, {"fish"})),
                       doctest::Contains("wanted 41 images outside the excluded groups, got 40"), Error);
  CHECK_THROWS_WITH_AS(select_cifar(cifar, CifarSelection{}), doctest::Contains("wanted 5000 images"), Error);
  CHECK_THROWS_WITH_AS(select_cifar(cifar, selection(1, {"tree"})),
                       doctest::Contains("class name (the nearest is trees), got \"tree\""), Error);
  CHECK_THROWS_WITH_AS(select_cifar(cifar, selection(1, {"sharks"})),
                       doctest::Contains("class name (the nearest is shark), got \"sharks\""), Error);
  CHECK_THROWS_WITH_AS(select_cifar(cifar, selection(0)), doctest::Contains("cifar_count"), Error);
}

TEST_CASE("cifar100: a selection of some groups alone") {
  const Folder folder;
  const Cifar100 cifar = load_cifar100(folder.path());
  CHECK(novel_cifar_groups(cifar) == std::vector<std::string>{"fish", "trees"});
  CifarSelection request = selection(40);
  request.hold_out_groups = {"fish", "reptiles"};
  for (const std::int64_t record : select_cifar(cifar, request)) {
    CHECK((cifar.fine(record) == 0 || cifar.fine(record) == 1));
  }
  request.held_out = true;
  for (const std::int64_t record : select_cifar(cifar, request)) {
    CHECK((cifar.fine(record) == 2 || cifar.fine(record) == 3));
  }
  request.count = 41;
  CHECK_THROWS_WITH_AS(select_cifar(cifar, request),
                       doctest::Contains("wanted 41 images of the held-out groups, got 40"), Error);
  request.hold_out_groups = {"fisch"};
  CHECK_THROWS_WITH_AS(select_cifar(cifar, request), doctest::Contains("cifar_hold_out_groups: wanted"),
                       Error);
}

TEST_CASE("cifar100: a selection repeats, and a smaller one begins the larger") {
  const Folder folder;
  const Cifar100 cifar = load_cifar100(folder.path());
  const std::vector<std::int64_t> large = select_cifar(cifar, selection(35, {"ray", "shark", "ray"}, 3));
  const std::vector<std::int64_t> small = select_cifar(cifar, selection(10, {"shark", "ray"}, 3));
  CHECK(std::equal(small.begin(), small.end(), large.begin()));
  CHECK(large != select_cifar(cifar, selection(35, {"ray", "shark"}, 4)));
  CifarSelection none;
  none.mode = CifarMode::none;
  CHECK(select_cifar(cifar, none).empty());
}

TEST_CASE("cifar100: imported record indices") {
  const Folder folder;
  const Cifar100 cifar = load_cifar100(folder.path());
  CifarSelection request;
  request.indices_file = folder / "list.txt";
  folder.write("list.txt", "5 3\n119\n\n0\n");
  CHECK(select_cifar(cifar, request) == std::vector<std::int64_t>{5, 3, 119, 0});
  const std::pair<const char*, const char*> bad[] = {
      {"1 120", "entry 2: wanted a record index of 0 to 119, got \"120\""},
      {"-1", "got \"-1\""},
      {"1 2x", "got \"2x\""},
      {"99999999999999999999", "got \"99999999999999999999\""},
      {"4 5 4", "entry 3: wanted each record once, got 4 again"},
      {" \n", "wanted record indices, got none"}};
  for (const auto& [text, message] : bad) {
    folder.write("list.txt", text);
    CHECK_THROWS_WITH_AS(select_cifar(cifar, request), doctest::Contains(message), Error);
  }
  request.indices_file = folder / "absent.txt";
  CHECK_THROWS_WITH_AS(select_cifar(cifar, request), doctest::Contains("absent.txt"), Error);
}

TEST_CASE("cifar100: add_cifar appends upsampled novel images") {
  const Folder folder;
  Dataset dataset = empty_dataset(64);
  dataset.names = {"0.jpg"};
  dataset.superclasses = {0};
  dataset.subclasses = {1};
  dataset.is_extra = {0};
  dataset.pixels.assign(dataset.image_bytes(), 9);
  const CifarSelection request = selection(5, {}, 11);
  add_cifar(dataset, folder.path(), request);
  REQUIRE(dataset.count() == 6);
  CHECK(dataset.pixels.size() == 6 * dataset.image_bytes());
  CHECK(dataset.superclasses == std::vector<std::int32_t>{0, 1, 1, 1, 1, 1});
  CHECK(dataset.subclasses == std::vector<std::int32_t>{1, 2, 2, 2, 2, 2});
  CHECK(dataset.is_extra == std::vector<std::uint8_t>{0, 1, 1, 1, 1, 1});
  const Cifar100 cifar = load_cifar100(folder.path());
  const std::vector<std::int64_t> chosen = select_cifar(cifar, request);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const std::string& fine = cifar.fine_names[static_cast<std::size_t>(cifar.fine(chosen[i]))];
    CHECK(dataset.names[i + 1] == "cifar:" + std::to_string(chosen[i]) + ":" + fine);
    const Image wanted = resize(Image{32, 32, cifar.image(chosen[i])}, 64, 64);
    const auto got = dataset.image(static_cast<std::int64_t>(i) + 1);
    CHECK(std::equal(got.begin(), got.end(), wanted.rgb.begin(), wanted.rgb.end()));
  }
  CHECK(std::count(dataset.pixels.begin(), dataset.pixels.begin() + 64 * 64 * 3, 9) == 64 * 64 * 3);

  CifarSelection none;
  none.mode = CifarMode::none;
  add_cifar(dataset, "/nowhere", none);
  CHECK(dataset.count() == 6);
  Dataset unlabelled;
  CHECK_THROWS_WITH_AS(add_cifar(unlabelled, folder.path(), request),
                       doctest::Contains("a labelled data set"), Error);
}

TEST_CASE("cifar100: damaged folders") {
  const Folder folder;
  const auto fails = [&](const char* message) {
    CHECK_THROWS_WITH_AS(load_cifar100(folder.path()), doctest::Contains(message), Error);
  };
  folder.write("train.bin", records().substr(0, 3074 * 3 - 1));
  fails("train.bin: wanted records of 3074 bytes, got 9221 bytes");
  folder.write("train.bin", "");
  fails("train.bin: wanted records of 3074 bytes, got 0 bytes");
  std::string bytes = records();
  bytes[3074 * 5] = 3;
  folder.write("train.bin", bytes);
  fails("record 5: wanted a coarse label of 0 to 2, got 3");
  bytes = records();
  bytes[3074 * 6 + 1] = static_cast<char>(200);
  folder.write("train.bin", bytes);
  fails("record 6: wanted a fine label of 0 to 5, got 200");
  folder.write("fine_label_names.txt", "oak\ncaf\xE9\n");
  fails("fine_label_names.txt name 2: wanted a class name in UTF-8");
  folder.write("fine_label_names.txt", "\n");
  fails("fine_label_names.txt: wanted 1 to 256 names");
  std::filesystem::remove(folder / "train.bin");
  folder.write("fine_label_names.txt", "oak\n");
  fails("train.bin");
  std::filesystem::remove(folder / "coarse_label_names.txt");
  fails("coarse_label_names.txt");
  CHECK_THROWS_WITH_AS(load_cifar100(folder / "nowhere"), doctest::Contains("wanted a folder"), Error);
}

TEST_CASE("cifar100: mode names") {
  CHECK(parse_cifar_mode("none") == CifarMode::none);
  CHECK(parse_cifar_mode("small") == CifarMode::small);
  CHECK(parse_cifar_mode("large") == CifarMode::large);
  CHECK_THROWS_WITH_AS(parse_cifar_mode("big"), doctest::Contains("wanted none, small or large, got \"big\""),
                       Error);
}

TEST_CASE("cifar100: the real records") {
  const std::filesystem::path folder = TERN_SOURCE_DIR "/../shared/data/cifar-100-binary";
  if (!std::filesystem::exists(folder)) {
    std::puts("no ../shared: this case is left out");
    return;
  }
  const Cifar100 cifar = load_cifar100(folder);
  CifarSelection request;
  const std::vector<std::int64_t> large = select_cifar(cifar, request);
  CHECK(large.size() == 5000);
  std::set<int> fine;
  for (const std::int64_t record : large) {
    fine.insert(cifar.fine(record));
    CHECK(cifar.coarse_names[static_cast<std::size_t>(cifar.coarse(record))] != "reptiles");
  }
  CHECK(fine.size() == 95);
  request.mode = CifarMode::small;
  const std::vector<std::int64_t> small = select_cifar(cifar, request);
  CHECK(small.size() == 1000);
  CHECK(std::equal(small.begin(), small.end(), large.begin()));
}

}  // namespace
}  // namespace tern
