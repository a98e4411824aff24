#include "data/synthetic.h"

#include <unistd.h>

#include <array>
#include <fstream>
#include <functional>
#include <numeric>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "data/image_io.h"
#include "data/random_purpose.h"
#include "data/synthetic_image.h"
#include "engine/core/check.h"
#include "engine/core/random.h"
#include "engine/io/csv.h"
#include "engine/io/file.h"

namespace tern {
namespace fs = std::filesystem;
namespace {

constexpr int kImageSize = 64, kOtherSize = 32, kJpegQuality = 90;

// Forms in the order of SyntheticForm: known ones, novel ones, and those of other things alone.
constexpr std::size_t kKnownForms = 6, kNovelForms = 2, kOtherForms = 3;
constexpr std::array kKnownColours = {SyntheticColour::orange, SyntheticColour::blue,
                                      SyntheticColour::violet};
constexpr SyntheticColour kNovelColour = SyntheticColour::green;
constexpr std::array kOtherColours = {SyntheticColour::yellow, SyntheticColour::teal, SyntheticColour::pink};
constexpr int kNovelSuperclass = kKnownColours.size(), kNovelSubclass = kKnownColours.size() * kKnownForms;

// Which part of the data set a random stream draws for.
enum Part : std::uint32_t { kOrder, kTrain, kTest, kOther };

// An object to draw, with its labels.
struct Item {
  SyntheticObject object;
  int superclass = kNovelSuperclass, subclass = kNovelSubclass;
};

// Other things have every form but the novel ones.
SyntheticForm other_form(std::size_t number) {
  return static_cast<SyntheticForm>(number < kKnownForms ? number : number + kNovelForms);
}

void shuffle_items(std::vector<Item>& items, std::uint64_t seed, Part part) {
  std::vector<std::int64_t> order(items.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  RandomStream(seed, random_purpose::synthetic, kOrder, part).shuffle(order);
  std::vector<Item> shuffled;
  for (const std::int64_t i : order) shuffled.push_back(items[static_cast<std::size_t>(i)]);
  items = std::move(shuffled);
}

class Writer {
 public:
  Writer(fs::path folder, const SyntheticOptions& options, const std::function<void(std::int64_t)>& drawn)
      : folder_(std::move(folder)), options_(options), drawn_(drawn) {
    // Numbers by lot, so that an index says nothing about the family.
    std::vector<std::int64_t> numbers(kNovelSubclass);
    std::iota(numbers.begin(), numbers.end(), std::int64_t{0});
    RandomStream(options.seed, random_purpose::synthetic, kOrder).shuffle(numbers);
    known_.resize(numbers.size());
    std::size_t next = 0;
    for (std::size_t colour = 0; colour < kKnownColours.size(); ++colour) {
      const auto superclass = static_cast<int>(colour);
      for (std::size_t form = 0; form < kKnownForms + kNovelForms; ++form) {
        const SyntheticObject object{static_cast<SyntheticForm>(form), kKnownColours[colour]};
        if (form < kKnownForms) {
          const auto subclass = static_cast<int>(numbers[next++]);
          known_[static_cast<std::size_t>(subclass)] = {object, superclass, subclass};
        } else {
          novel_.push_back({object, superclass, kNovelSubclass});
        }
      }
    }
  }

  void write_all() {
    write_mappings();
    std::vector<Item> train = repeated(known_, options_.train_images_per_subclass);
    shuffle_items(train, options_.seed, kTrain);
    write_images("train_images", train, kTrain);
    write_table("train_data.csv", train, true);

    std::vector<Item> test = repeated(known_, options_.test_images_per_subclass);
    const std::vector<Item> near = repeated(novel_, options_.test_images_per_novel_subclass);
    test.insert(test.end(), near.begin(), near.end());
    for (int i = 0; i < options_.novel_superclass_images; ++i) {
      const auto form = static_cast<std::size_t>(i) % (kKnownForms + kNovelForms);
      test.push_back({{static_cast<SyntheticForm>(form), kNovelColour}});
    }
    shuffle_items(test, options_.seed, kTest);
    write_images("test_images", test, kTest);
    write_table("test_labels.csv", test, false);
    write_others();
  }

 private:
  static std::vector<Item> repeated(const std::vector<Item>& items, int times) {
    std::vector<Item> result;
    for (const Item& item : items) result.insert(result.end(), static_cast<std::size_t>(times), item);
    return result;
  }

  // In place: the folder as a whole is renamed when complete.
  void write_bytes(const fs::path& name, std::span<const std::byte> bytes) const {
    std::ofstream file(folder_ / name, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    file.close();
    if (!file)
      throw Error((folder_ / name).string(), "cannot be written: " + std::generic_category().message(errno));
  }
  void write_text(const fs::path& name, const std::string& text) const {
    write_bytes(name, std::as_bytes(std::span(text)));
  }

  void write_mappings() const {
    std::string superclasses = "index,class\n", subclasses = superclasses;
    const auto add = [](std::string& text, std::size_t index, const std::string& name) {
      text += csv_line(std::array{std::to_string(index), name});
    };
    for (std::size_t i = 0; i < kKnownColours.size(); ++i)
      add(superclasses, i, colour_name(kKnownColours[i]));
    add(superclasses, kNovelSuperclass, "novel");
    for (std::size_t i = 0; i < known_.size(); ++i) add(subclasses, i, object_name(known_[i].object));
    add(subclasses, kNovelSubclass, "novel");
    write_text("superclass_mapping.csv", superclasses);
    write_text("subclass_mapping.csv", subclasses);
  }

  void write_images(const char* folder, const std::vector<Item>& items, Part part) {
    fs::create_directory(folder_ / folder);
    for (std::size_t i = 0; i < items.size(); ++i) {
      RandomStream random(options_.seed, random_purpose::synthetic, part, static_cast<std::uint32_t>(i));
      const Image image = draw_object(items[i].object, kImageSize, random);
      write_bytes(fs::path(folder) / (std::to_string(i) + ".jpg"), encode_jpeg(image, kJpegQuality));
      count_image();
    }
  }

  void write_table(const char* name, const std::vector<Item>& items, bool describe) const {
    std::string text =
        std::string("image,superclass_index,subclass_index") + (describe ? ",description\n" : "\n");
    for (std::size_t i = 0; i < items.size(); ++i) {
      std::vector<std::string> fields = {std::to_string(i) + ".jpg", std::to_string(items[i].superclass),
                                         std::to_string(items[i].subclass)};
      if (describe) {
        fields.push_back("synthetic drawing, " + object_name(items[i].object));
      }
      text += csv_line(fields);
    }
    write_text(name, text);
  }

  // The official layout of CIFAR-100's binary version. A group has a colour, and every form as a fine class.
  void write_others() {
    const fs::path folder = "cifar-100-binary";
    fs::create_directory(folder_ / folder);
    constexpr std::size_t kForms = kKnownForms + kOtherForms;
    std::string coarse_names, fine_names;
    for (const SyntheticColour colour : kOtherColours) {
      coarse_names += colour_name(colour) + "\n";
      for (std::size_t form = 0; form < kForms; ++form)
        fine_names += object_name({other_form(form), colour}) + "\n";
    }
    write_text(folder / "coarse_label_names.txt", coarse_names);
    write_text(folder / "fine_label_names.txt", fine_names);
    std::vector<std::byte> records;
    for (int i = 0; i < options_.other_images; ++i) {
      RandomStream random(options_.seed, random_purpose::synthetic, kOther, static_cast<std::uint32_t>(i));
      const std::uint32_t fine = random.below(kForms * kOtherColours.size());
      const std::size_t group = fine / kForms;
      const Image image = draw_object({other_form(fine % kForms), kOtherColours[group]}, kOtherSize, random);
      records.push_back(static_cast<std::byte>(group));
      records.push_back(static_cast<std::byte>(fine));
      for (std::size_t channel = 0; channel < 3; ++channel) {
        for (std::size_t j = channel; j < image.rgb.size(); j += 3)
          records.push_back(std::byte{image.rgb[j]});
      }
      count_image();
    }
    write_bytes(folder / "train.bin", records);
  }

  void count_image() {
    ++count_;
    if (drawn_) drawn_(count_);
  }

  fs::path folder_;
  SyntheticOptions options_;
  const std::function<void(std::int64_t)>& drawn_;
  std::int64_t count_ = 0;
  std::vector<Item> known_, novel_;  // known_ by subclass index
};

void check_options(const SyntheticOptions& options) {
  const std::pair<const char*, int> counts[] = {
      {"train_images_per_subclass", options.train_images_per_subclass},
      {"test_images_per_subclass", options.test_images_per_subclass},
      {"test_images_per_novel_subclass", options.test_images_per_novel_subclass},
      {"novel_superclass_images", options.novel_superclass_images},
      {"other_images", options.other_images}};
  for (const auto& [key, count] : counts) {
    if (count < 1 || count > 100000) throw Error(key, "1 to 100000", std::to_string(count));
  }
}

// Removes a folder when it goes out of scope, unless released.
struct Cleanup {
  fs::path folder;
  bool released = false;
  ~Cleanup() {
    std::error_code ignored;
    if (!released) fs::remove_all(folder, ignored);
  }
};

}  // namespace

std::int64_t count_images(const SyntheticOptions& options) {
  const auto count = [](std::size_t classes, int images) {
    return static_cast<std::int64_t>(classes) * images;
  };
  return count(kKnownColours.size() * kKnownForms,
               options.train_images_per_subclass + options.test_images_per_subclass) +
         count(kKnownColours.size() * kNovelForms, options.test_images_per_novel_subclass) +
         options.novel_superclass_images + options.other_images;
}

void write_synthetic(const fs::path& folder, const SyntheticOptions& options,
                     const std::function<void(std::int64_t)>& drawn) try {
  check_options(options);
  fs::path target = fs::absolute(folder).lexically_normal();
  if (!target.has_filename()) target = target.parent_path();
  if (fs::exists(target) && (!fs::is_directory(target) || !fs::is_empty(target))) {
    throw Error(folder.string(), "an absent or empty folder to write to",
                fs::is_directory(target) ? "a folder that holds files" : "a file");
  }
  fs::create_directories(target.parent_path());
  const fs::path partial =
      target.parent_path() / ("." + target.filename().string() + ".partial-" + std::to_string(getpid()));
  if (!fs::create_directory(partial)) throw Error(partial.string(), "a name that is free", "a folder");
  Cleanup cleanup{partial};
  Writer(partial, options, drawn).write_all();
  sync_file_system(partial);
  fs::rename(partial, target);
  cleanup.released = true;
  sync_folder(target.parent_path());
} catch (const fs::filesystem_error& error) {
  throw Error(folder.string(), "cannot be written: " + error.code().message());
}

}  // namespace tern
