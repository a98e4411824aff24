#include "engine/io/checkpoint_keys.h"

#include <doctest/doctest.h>

#include <deque>
#include <string>

#include "engine/core/check.h"
#include "engine/io/pickle.h"
#include "engine/io/torch_checkpoint.h"
#include "support/files.h"

using namespace tern;
using namespace std::string_literals;
using test::error_of;

namespace {

std::filesystem::path path_of(const std::string& name) {
  return test::golden("checkpoint_2026_" + name);
}

/// What is said of the state dict taken, and the first element of its "w".
struct Taken {
  std::string text;
  float first = 0;
};
Taken take(const std::string& name, const std::string& key = {}) {
  const TorchCheckpoint checkpoint = read_torch_checkpoint(path_of(name), key);
  CHECK(text_of(describe_torch_checkpoint(path_of(name), key).place) == text_of(checkpoint.place));
  const Tensor* w = find(checkpoint.tensors, "w");
  return {text_of(checkpoint.place), w == nullptr ? -1 : w->data<float>()[0]};
}

std::string error(const std::string& name, const std::string& key = {}) {
  const std::string text = error_of([&] { read_torch_checkpoint(path_of(name), key); });
  const std::string path = path_of(name).string();
  return text.starts_with(path) ? text.substr(path.size()) : text;
}

/// A state dict of one float, as the last value of a pickle, and the dict to put it in.
std::string weights() {
  return "}U\x01wctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU\x01"
         "0U\x03"
         "cpuK\x01tQK\0K\x01\x85K\x01\x85\x89}tRs"s;
}
std::string text(const std::string& value) {
  return "U"s + static_cast<char>(value.size()) + value;
}
FoundStateDict find_in(const std::string& bytes, const std::string& key = {}) {
  static std::deque<Pickle> kept;  // what was found lies in it
  kept.push_back(read_pickle("t.pkl", std::as_bytes(std::span(bytes))));
  return find_state_dict("t.pkl", *kept.back().root, key);
}

}  // namespace

TEST_CASE("find_state_dict: takes the usual key, and tells it and the others") {
  CHECK(take("timm.pth").first == 1);
  CHECK(take("timm.pth").text ==
        "state dict \"state_dict\", passing over \"state_dict_ema\" (--key takes another)");
  CHECK(take("torchvision.pth").text ==
        "state dict \"model\", passing over \"model_ema\" (--key takes another)");
  CHECK(take("tutorial.pth").text == "state dict \"model_state_dict\"");
  CHECK(take("only.pth").text == "state dict \"net\"");
  CHECK(take("everything2.pth").text == "state dict \"state_dict\"");
  CHECK(text_of(read_torch_checkpoint(test::golden("torch_checkpoint_state_dict.pth")).place).empty());
}

TEST_CASE("find_state_dict: a key takes another") {
  CHECK(take("timm.pth", "state_dict_ema").first == 2);
  CHECK(take("timm.pth", "state_dict_ema").text ==
        "state dict \"state_dict_ema\", passing over \"state_dict\" (--key takes another)");
  CHECK(take("two.pth", "generator").first == 1);
  CHECK(take("two.pth", "discriminator.module").first == 2);
  // Further in, through keys with dots, lists and numbers.
  CHECK(take("deep.pth", "state.model").first == 1);
  CHECK(take("deep.pth", "state.model").text ==
        "state dict \"state.model\", passing over \"state.model.ema\" (--key takes another)");
  CHECK(take("deep.pth", "state.model.ema").first == 2);
  CHECK(take("deep.pth", "models.0").first == 3);
  CHECK(take("deep.pth", "models.1.a.b").first == 4);
  CHECK(take("deep.pth", "7").first == 5);
  // The top level, also where a usual key is in it.
  const Taken top = take("tutorial.pth", ".");
  CHECK(top.text == "state dict \".\", passing over \"model_state_dict\" (--key takes another)");
}

TEST_CASE("find_state_dict: refuses a key that leads nowhere, and several state dicts without one") {
  CHECK(error("timm.pth", "ema") ==
        ": wanted the key \"ema\", got none of that name; state dicts are under \"state_dict\", "
        "\"state_dict_ema\"");
  CHECK(error("timm.pth", "epoch").find(": key epoch: wanted a state dict, got a integer") == 0);
  CHECK(error("timm.pth", "args")
            .find(": key args: wanted a state dict, got an object of class argparse.Namespace") == 0);
  CHECK(error("timm.pth", "optimizer").find(": key optimizer: wanted a state dict") == 0);
  CHECK(error("deep.pth", "models.2").find("got none of that name") != std::string::npos);
  CHECK(error("deep.pth").find("several: \"state.model\", \"state.model.ema\"") != std::string::npos);
  CHECK(error("two.pth") ==
        ": wanted one state dict, or --key with one of their names, got several: \"generator\", "
        "\"discriminator.module\"");
}

TEST_CASE("find_state_dict: tells what is in the state dict and is no tensor") {
  CHECK(take("numpy_weight.pth")
            .text.starts_with("state dict \"state_dict\", without \"b\", which is what numpy."));
  CHECK(take("numpy_weight.pth").text.ends_with(", \"c\", which is a list of tensors"));
}

TEST_CASE("find_state_dict: a file that refers to itself, or to one dict very often") {
  // {"model": itself}, and a state dict beside it.
  CHECK(find_in("}q\1" + text("model") + "h\1s" + text("net") + weights() + "s.").place.key == "net");
  CHECK(error_of([] { find_in("}q\1" + text("model") + "h\1s."); }).find("a dict without tensors") !=
        std::string::npos);
  // Each of twenty levels holds the one before it a thousand times.
  std::string bytes = weights();
  for (int level = 0; level < 20; ++level) {
    bytes += "q\1" + "0}"s;
    for (int i = 0; i < 1000; ++i) bytes += text("k" + std::to_string(i)) + "h\1s";
  }
  CHECK(error_of([&] { find_in(bytes + "."); }).find("a dict without tensors") != std::string::npos);
  // One state dict under several names is one.
  const FoundStateDict shared =
      find_in("}" + text("ema") + weights() + "q\1s" + text("state_dict") + "h\1s.");
  CHECK(shared.place.key == "state_dict");
  CHECK(shared.place.passed_over.empty());
}

TEST_CASE("find_state_dict: a long key that many values share does not multiply a small file") {
  const std::string long_text = "X\x00\x10\x00\x00"s + std::string(4096, 'k') + "q\x01";
  const std::string one_dict = "h\x01" + weights() + "s";
  CHECK(error_of([&] { find_in("}" + long_text + weights() + "s" + one_dict + one_dict + "."); }) ==
        "t.pkl: wanted keys of at most 1000 bytes, got one of 4096");
  const std::string object = "cos\nsystem\n)R";
  CHECK(error_of([&] { find_in(weights().insert(1, long_text + object + "s") + "."); }) ==
        "t.pkl: wanted keys of at most 1000 bytes, got one of 4096");
  // Names of classes are put together of two texts.
  CHECK(error_of([&] { find_in(long_text + "h\x01\x93."); }).find("name of a class") != std::string::npos);
}

TEST_CASE("find_state_dict: states of random generators and losses are not weights") {
  std::string bytes_tensor = weights();
  bytes_tensor.replace(bytes_tensor.find("FloatStorage"), 12, "ByteStorage");
  const FoundStateDict found =
      find_in("}" + text("net") + weights() + "s" + text("rng") + bytes_tensor + "s.");
  CHECK(found.place.key == "net");
  CHECK(found.place.passed_over.empty());
  CHECK(find_in(bytes_tensor + ".").tensors.size() == 1);
}
