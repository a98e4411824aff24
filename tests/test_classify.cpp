#include "apps/weights/classify.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <sstream>

#include "engine/io/file.h"
#include "engine/io/state_dict.h"
#include "models/heads.h"
#include "tests/support/files.h"
#include "tests/support/formula.h"
#include "tests/support/images.h"
#include "tests/support/tensors.h"

using namespace tern;

namespace {

Image gradient_image(int width, int height) {
  Image image{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (const int value : {255 * x / width, 255 * y / height, 128}) {
        image.rgb.push_back(static_cast<std::uint8_t>(value));
      }
    }
  }
  return image;
}

/// A classifier of five classes with its weights and two images on disk.
struct Setting {
  test::TemporaryFolder folder;
  ClassifyOptions options;

  Setting() {
    const Model model(ModelSpec::imagenet("resnet18", 5), Initialiser::zeros());
    test::fill_by_formula(model, 3);
    options.architecture = "resnet18";
    options.weights = folder / "weights.safetensors";
    save_weights(options.weights, model.state_dict());
    options.images = {folder / "a.png", folder / "b.png"};
    write_png(options.images[0], gradient_image(300, 260));
    write_png(options.images[1], gradient_image(64, 64));
  }
  std::string run() const {
    std::ostringstream out;
    classify(options, out);
    return out.str();
  }
  std::string error() const {
    return test::error_of([&] { run(); });
  }
  std::string error_with_classes(const std::string& text) {
    options.classes = folder / "classes";
    write_file(options.classes, text);
    return error();
  }
};

struct Line {
  double percent = 0;
  std::string index, name;
};

std::vector<Line> lines_after(const std::string& text, const std::string& image) {
  std::istringstream stream(text.substr(text.find(image) + image.size()));
  std::vector<Line> lines;
  std::string sign;
  for (Line line; lines.size() < 5 && stream >> line.percent >> sign >> line.index &&
                  std::getline(stream >> std::ws, line.name);) {
    lines.push_back(line);
  }
  return lines;
}

}  // namespace

TEST_CASE("classify: weights by other names give the same answers, and it says how they were read") {
  Setting setting;
  const std::string plain = setting.run();
  const StateDict weights = load_weights(setting.options.weights);
  const auto run_renamed = [&](const std::function<std::string(const std::string&)>& rename) {
    StateDict renamed;
    for (const NamedTensor& one : weights) renamed.push_back({rename(one.name), one.tensor});
    save_weights(setting.options.weights, renamed);
    std::ostringstream out, notes;
    classify(setting.options, out, notes);
    CHECK(out.str() == plain);
    return notes.str();
  };
  CHECK(run_renamed([](const std::string& name) { return name; }).empty());
  CHECK(run_renamed([](const std::string& name) { return "_orig_mod.module." + name; }) ==
        setting.options.weights.string() + " (names without \"_orig_mod.\", \"module.\")\n");
  CHECK(run_renamed([](const std::string& name) {
          return name.starts_with("fc.") ? "classifier.1." + name.substr(3) : name;
        }) == setting.options.weights.string() + " (Hugging Face's names as torchvision's)\n");
  setting.options.key = "ema";
  CHECK(setting.error().find("where --key names a state dict") != std::string::npos);
}

TEST_CASE("classify: prints each image with its classes by probability") {
  Setting setting;
  const std::string text = setting.run();
  for (const std::filesystem::path& image : setting.options.images) {
    const std::vector<Line> lines = lines_after(text, image.string());
    REQUIRE(lines.size() == 5);
    double sum = 0;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      sum += lines[i].percent;
      if (i > 0) CHECK(lines[i].percent <= lines[i - 1].percent);
      CHECK(lines[i].name == "class " + lines[i].index);
    }
    CHECK(sum == doctest::Approx(100).epsilon(0.001));
  }
  setting.options.top = 1;
  const std::string top = setting.run();
  CHECK(std::count(top.begin(), top.end(), '\n') == 4);
}

TEST_CASE("classify: names of classes come from lines or a table") {
  Setting setting;
  setting.options.classes = setting.folder / "classes.txt";
  write_file(setting.options.classes, "zero\r\none\ntwo\nthree, or so\nfour");
  CHECK(read_class_names(setting.options.classes, 5) ==
        std::vector<std::string>{"zero", "one", "two", "three, or so", "four"});
  for (const Line& line : lines_after(setting.run(), setting.options.images[0].string())) {
    if (line.index == "3") CHECK(line.name == "three, or so");
    if (line.index == "0") CHECK(line.name == "zero");
  }
  // A table may lack classes, and name one twice.
  setting.options.classes = setting.folder / "classes.csv";
  write_file(setting.options.classes, "image,class_index,class\na,4,four\nb,1,\"on,e\"\nc,4,four\n");
  CHECK(read_class_names(setting.options.classes, 5) == std::vector<std::string>{"", "on,e", "", "", "four"});
  for (const Line& line : lines_after(setting.run(), setting.options.images[0].string())) {
    if (line.index == "1") CHECK(line.name == "on,e");
    if (line.index == "2") CHECK(line.name == "class 2");
  }
}

TEST_CASE("classify: as JSON the same classes, names where they are known, and one document at the end") {
  Setting setting;
  setting.options.classes = setting.folder / "classes.csv";
  write_file(setting.options.classes, "class_index,class\n4,four\n1,\"on\"\"e\"\n");
  const std::string text = setting.run();
  setting.options.print = ResultForm::json;
  const Json json = Json::parse(setting.run());
  CHECK(json.at("architecture") == "resnet18");
  CHECK(json.at("weights") == setting.options.weights.string());
  REQUIRE(json.at("images").size() == 2);
  for (std::size_t image = 0; image < 2; ++image) {
    const Json& one = json.at("images")[image];
    CHECK(one.at("image") == setting.options.images[image].string());
    const std::vector<Line> lines = lines_after(text, setting.options.images[image].string());
    REQUIRE(one.at("classes").size() == lines.size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const Json& top = one.at("classes")[i];
      CHECK(std::to_string(top.at("index").get<int>()) == lines[i].index);
      CHECK(top.at("probability_percent").get<double>() ==
            doctest::Approx(lines[i].percent).scale(1).epsilon(0.006));
      CHECK(top.value("name", "class " + lines[i].index) == lines[i].name);
    }
  }
  setting.options.images.push_back(setting.folder / "absent.png");
  std::ostringstream out;
  CHECK_THROWS(classify(setting.options, out));
  CHECK(out.str().empty());
}

TEST_CASE("classify: --logits keeps what went in and what came out, as PyTorch lays it out") {
  Setting setting;
  setting.options.logits = setting.folder / "logits.safetensors";
  const std::string text = setting.run();
  const WeightFile file = read_weight_file(setting.options.logits);
  const Tensor* images = find(file.tensors, "images");
  const Tensor* logits = find(file.tensors, "logits");
  REQUIRE(images != nullptr);
  REQUIRE(logits != nullptr);
  CHECK(images->shape() == Shape{2, 3, 224, 224});
  REQUIRE(logits->shape() == Shape{2, 5});
  // The blue channel is 128 everywhere.
  CHECK(images->data<float>()[2 * 224 * 224 + 77] == doctest::Approx((128 / 255.0 - 0.406) / 0.225));
  const std::vector<Line> lines = lines_after(text, setting.options.images[0].string());
  double sum = 0;
  for (int c = 0; c < 5; ++c) sum += std::exp(logits->data<float>()[c]);
  for (const Line& line : lines) {
    const double probability = std::exp(logits->data<float>()[std::stoi(line.index)]) / sum;
    CHECK(line.percent == doctest::Approx(100 * probability).scale(1).epsilon(0.006));
  }
}

TEST_CASE("classify: the transform keeps the middle of the shorter side") {
  const Tensor input = imagenet_input(gradient_image(512, 256));
  CHECK(input.shape() == Shape{1, 224, 224, 3});
  const auto grey = [&](int y, int x, int c) {
    const double deviation[] = {0.229, 0.224, 0.225}, mean[] = {0.485, 0.456, 0.406};
    return 255 * (input.data<float>()[(y * 224 + x) * 3 + c] * deviation[c] + mean[c]);
  };
  CHECK(grey(0, 0, 0) == doctest::Approx(255 * 144 / 512).epsilon(0.001));  // (512 - 224) / 2
  CHECK(grey(0, 0, 1) == doctest::Approx(255 * 16 / 256).epsilon(0.001));   // (256 - 224) / 2
  CHECK(grey(223, 223, 0) == doctest::Approx(255 * 367 / 512).epsilon(0.001));
}

TEST_CASE("classify: --resize says how much of the picture the crop takes") {
  const auto edge = [](int resize) {
    return imagenet_input(gradient_image(512, 512), resize).data<float>()[0] * 0.229 + 0.485;  // red is x
  };
  CHECK(255 * edge(256) == doctest::Approx(16.5 * 255 / 256).epsilon(0.05));  // (256 - 224) / 2
  CHECK(255 * edge(232) == doctest::Approx(4.5 * 255 / 232).epsilon(0.2));
  CHECK(255 * edge(224) < 1.5);
  Setting setting;
  setting.options.logits = setting.folder / "logits.safetensors";
  setting.options.resize = 400;
  setting.run();
  const WeightFile file = read_weight_file(setting.options.logits);
  const Tensor wanted = imagenet_input(read_image(setting.options.images[0]), 400);
  for (const int pixel : {0, 99, 224 * 224 - 1}) {  // NHWC here, NCHW there; both begin with red
    CHECK(find(file.tensors, "images")->data<float>()[pixel] == wanted.data<float>()[3 * pixel]);
  }
  for (const int resize : {0, 223, 4097}) {
    setting.options.resize = resize;
    CHECK(setting.error() == "--resize: wanted 224..4096, got " + std::to_string(resize));
  }
}

TEST_CASE("classify: EXIF orientation is ignored, as by Pillow and torchvision's loaders") {
  const auto blocks = test::read_blocks("jpeg.blocks");
  const std::vector<std::byte>& turned = blocks.at("exif_turned").bytes;
  const std::string text(reinterpret_cast<const char*>(turned.data()), turned.size());
  const std::size_t exif = text.find("Exif");
  REQUIRE(exif != text.npos);
  const std::size_t marker = exif - 4;
  std::vector<std::byte> plain = turned;  // the same data without its APP1
  const auto length =
      2 + std::to_integer<int>(turned[marker + 2]) * 256 + std::to_integer<int>(turned[marker + 3]);
  plain.erase(plain.begin() + static_cast<std::ptrdiff_t>(marker),
              plain.begin() + static_cast<std::ptrdiff_t>(marker) + length);
  const Image with = decode_image(turned, "turned"), without = decode_image(plain, "plain");
  CHECK(with.width == without.width);
  CHECK(imagenet_input(with).to_vector<float>() == imagenet_input(without).to_vector<float>());
}

TEST_CASE("classify: class names are UTF-8, and a byte order mark is none") {
  Setting setting;
  CHECK(setting.error_with_classes("a\nb\ncaf\xE9\nd\ne\n")
            .ends_with("classes line 3: wanted a class name in UTF-8, got \"caf\\xE9\" of another encoding"));
  CHECK(setting.error_with_classes("class_index,class\n0,a\n1,caf\xE9\n")
            .find("classes line 3: wanted a class") != std::string::npos);
  CHECK(setting
            .error_with_classes(std::string("\xFF\xFE"
                                            "a\0\n\0",
                                            6))
            .find("got one in UTF-16") != std::string::npos);
  write_file(setting.options.classes, "\xEF\xBB\xBFzero\none\ntwo\ncaf\xC3\xA9\nfour\n");
  CHECK(read_class_names(setting.options.classes, 5) ==
        std::vector<std::string>{"zero", "one", "two", "caf\xC3\xA9", "four"});
}

TEST_CASE("classify: says what is wrong, naming the file") {
  Setting setting;
  const ClassifyOptions good = setting.options;
  setting.options.architecture = "resnet36";
  CHECK(setting.error().ends_with(", 'narrow_resnet10_4', got 'resnet36'"));
  setting.options.architecture = "resnet50";
  CHECK(setting.error().find("weights.safetensors: tensors do not fit the model") != std::string::npos);
  setting.options = good;
  setting.options.images.push_back(setting.folder / "absent.jpg");
  CHECK(setting.error().find((setting.folder / "absent.jpg").string()) == 0);
  setting.options = good;
  write_png(setting.folder / "long.png", gradient_image(1, 3000));
  setting.options.images.push_back(setting.folder / "long.png");
  CHECK(setting.error().starts_with((setting.folder / "long.png").string() + ": resize: wanted an image of"));
  setting.options = good;
  setting.options.weights = setting.folder / "absent.pth";
  CHECK(setting.error().find((setting.folder / "absent.pth").string()) == 0);
  const ResNet backbone = make_resnet("resnet18", 1);
  setting.options.weights = setting.folder / "backbone.safetensors";
  save_weights(setting.options.weights, backbone.state_dict());
  CHECK(setting.error().find("a classifier's weights with 'fc.weight'") != std::string::npos);
  setting.options = good;
  setting.options.images.clear();
  CHECK(setting.error() == "images: wanted one at least, got none");
  setting.options = good;
  setting.options.top = 0;
  CHECK(setting.error() == "--top: wanted 1 or more, got 0");
  setting.options = good;
  // A list that is too short is as wrong as one that is too long: it may be of other classes.
  const std::string five = "classes: wanted 5 names, one a line, as the weights have 5 classes, got ";
  CHECK(setting.error_with_classes("").find(five + "0") != std::string::npos);
  CHECK(setting.error_with_classes("a\nb\nc\nd\n").find(five + "4") != std::string::npos);
  CHECK(setting.error_with_classes("a\nb\nc\nd\ne\nf\n").find(five + "6") != std::string::npos);
  CHECK(setting.error_with_classes("a\nb\nc\nd\ne\n\n\n") == "no error");
  CHECK(
      setting.error_with_classes("class_index,class\n1,a\n1,b\n").find("classes line 3: wanted 'a' again") !=
      std::string::npos);
  CHECK(setting.error_with_classes("class_index,class\n-1,a\n").find("got -1") != std::string::npos);
  CHECK(setting.error_with_classes("class_index,class\n9999999999,a\n").find("got 9999999999") !=
        std::string::npos);
  CHECK(setting.error_with_classes("class_index,class\n0,a\n5,f\n")
            .find("classes line 3: wanted class_index in 0..4, as the weights have 5 classes, got 5") !=
        std::string::npos);
  CHECK(setting.error_with_classes("class_index,name\n1,a\n").find("class") != std::string::npos);
}

TEST_CASE("classify: a network without finite logits gives no class, and no logits") {
  Setting setting;
  setting.options.logits = setting.folder / "logits.safetensors";
  const StateDict good = load_weights(setting.options.weights);
  const auto error_with = [&](const std::string& name, float value) {
    StateDict weights;
    for (const NamedTensor& entry : good) weights.push_back({entry.name, entry.tensor.clone()});
    find(weights, name)->data<float>()[0] = value;
    save_weights(setting.options.weights, weights);
    const std::string error = setting.error();
    CHECK_FALSE(std::filesystem::exists(setting.options.logits));
    return error;
  };
  const std::string file = setting.options.weights.string(), first = setting.options.images[0].string();
  CHECK(error_with("layer2.0.bn1.running_var", -0.5f) ==
        file +
            ": wanted variances >= 0, got layer2.0.bn1.running_var (-0.5 of channel 0, 1 of 128 negative)");
  // Finite all of them, and too large together: infinity, and in the next convolution infinity - infinity.
  for (const char* name : {"bn1.bias", "layer1.0.bn2.weight", "layer4.1.bn1.bias"}) {
    CAPTURE(name);
    const std::string error = error_with(name, 3e38f);
    CHECK(error.starts_with(file + ": wanted a model with finite logits, got "));
    CHECK(error.ends_with(" for " + first));
  }
}

TEST_CASE("classify: --logits replaces no input, and is looked at first") {
  Setting setting;
  setting.options.classes = setting.folder / "classes.txt";
  write_file(setting.options.classes, "a\nb\nc\nd\ne\n");
  std::filesystem::create_symlink("a.png", setting.folder / "link");
  const auto refused = [&](const std::filesystem::path& logits, const std::string& what) {
    setting.options.logits = logits;
    const std::string before = read_text_file(logits);
    CHECK(setting.error().starts_with("--logits " + logits.string() +
                                      ": wanted another file than the inputs, got the " + what));
    CHECK(read_text_file(logits) == before);
  };
  refused(setting.options.weights, "weights");
  refused(setting.options.classes, "class names");
  refused(setting.options.images[1], "image");
  refused(setting.folder / "link", "image");
  setting.options.logits = "/dev/full";
  CHECK(setting.error() == "--logits: /dev/full: wanted a file to write, got a device");
}

TEST_CASE("classify: half a file of logits is never left") {
  Setting setting;
  setting.options.logits = setting.folder / "logits.safetensors";
  setting.options.images.push_back(setting.folder / "absent.jpg");
  CHECK(setting.error() != "no error");
  CHECK_FALSE(std::filesystem::exists(setting.options.logits));
}
