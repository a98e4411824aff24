#include "engine/io/state_dict.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "engine/core/check.h"
#include "engine/io/file.h"
#include "engine/io/safetensors.h"
#include "support/files.h"
#include "support/full_disk.h"

using namespace tern;
using namespace std::string_literals;
using test::error_of;
using Floats = std::vector<float>;

namespace {

template <typename Word>
Tensor counting(const Shape& shape, DType dtype) {
  Tensor tensor = Tensor::empty(shape, dtype);
  for (std::int64_t i = 0; i < tensor.numel(); ++i)
    static_cast<Word*>(tensor.raw())[i] = static_cast<Word>(i);
  return tensor;
}

// Every element of `krsc` against its place in `oihw`, both counted by the latter.
template <typename Word>
void check_layouts(const Shape& oihw_shape, DType dtype) {
  const Tensor oihw = counting<Word>(oihw_shape, dtype);
  const std::int64_t out = oihw.size(0), in = oihw.size(1), height = oihw.size(2), width = oihw.size(3);
  const Tensor krsc = to_memory_layout(oihw);
  REQUIRE(krsc.shape() == Shape{out, height, width, in});
  CHECK(krsc.dtype() == dtype);
  const auto* element = static_cast<const Word*>(krsc.raw());
  bool all = true;
  for (std::int64_t o = 0; o < out; ++o) {
    for (std::int64_t h = 0; h < height; ++h) {
      for (std::int64_t w = 0; w < width; ++w) {
        for (std::int64_t i = 0; i < in; ++i) {
          all = all && *element++ == static_cast<Word>(((o * in + i) * height + h) * width + w);
        }
      }
    }
  }
  CHECK(all);
  const Tensor back = to_file_layout(krsc);
  CHECK(back.shape() == oihw.shape());
  CHECK((back.bytes() == 0 || std::memcmp(back.raw(), oihw.raw(), back.bytes()) == 0));
}

Tensor tensor16(DType dtype, const std::vector<std::uint16_t>& bits) {
  return Tensor::from_bytes({static_cast<std::int64_t>(bits.size())}, dtype, std::as_bytes(std::span(bits)));
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("layouts: each element of a rank-4 tensor finds its place and back") {
  for (const Shape& shape : {Shape{3, 2, 4, 5}, Shape{1, 1, 1, 1}, Shape{17, 3, 7, 7}, Shape{5, 9, 1, 1},
                             Shape{4, 1, 3, 3}, Shape{0, 3, 2, 2}, Shape{2, 0, 3, 3}}) {
    check_layouts<std::uint32_t>(shape, DType::f32);
  }
  check_layouts<std::uint8_t>({2, 3, 2, 4}, DType::u8);
  check_layouts<std::uint16_t>({2, 3, 2, 4}, DType::bf16);
  check_layouts<std::int64_t>({2, 3, 2, 4}, DType::i64);
}

TEST_CASE("layouts: other ranks stay as they are") {
  for (const Shape& shape : {Shape{}, Shape{4}, Shape{3, 2}, Shape{2, 3, 4}, Shape{1, 2, 3, 4, 5}}) {
    const Tensor tensor = counting<float>(shape, DType::f32);
    CHECK(to_memory_layout(tensor).shares_storage(tensor));
    CHECK(to_file_layout(tensor).shape() == shape);
  }
}

TEST_CASE("to_f32: halves, brain floats and doubles") {
  const Tensor half = to_f32(tensor16(DType::f16, {0x0000, 0x8000, 0x3c00, 0xc100, 0x7bff, 0x0001, 0x83ff,
                                                   0x0400, 0x7c00, 0xfc00, 0x3555, 0x7e00}));
  const Floats values = half.to_vector<float>();
  CHECK(Floats(values.begin(), values.begin() + 11) == Floats{0.0f, -0.0f, 1.0f, -2.5f, 65504.0f, 0x1p-24f,
                                                              -1023 * 0x1p-24f, 0x1p-14f, INFINITY, -INFINITY,
                                                              0.333251953125f});
  CHECK(std::signbit(values[1]));
  CHECK(std::isnan(values[11]));
  CHECK(to_f32(tensor16(DType::bf16, {0x3f80, 0xc020, 0xff80, 0x0001})).to_vector<float>() ==
        Floats{1.0f, -2.5f, -INFINITY, 0x1p-133f});
  CHECK(to_f32(Tensor::from({3}, std::vector<double>{0.1, -2.0, 1e300})).to_vector<float>() ==
        Floats{0.1f, -2.0f, INFINITY});
  const Tensor integers = Tensor::zeros({2}, DType::i64), floats = Tensor::full({2}, 1);
  CHECK(to_f32(integers).shares_storage(integers));
  CHECK(to_f32(floats).shares_storage(floats));
}

TEST_CASE("count_non_finite: NaN and both infinities, in floats and doubles") {
  const double infinity = std::numeric_limits<double>::infinity();
  const Tensor doubles = Tensor::from({2, 2}, std::vector<double>{NAN, -infinity, infinity, 1e300});
  CHECK(count_non_finite(doubles) == 3);
  CHECK(count_non_finite(to_f32(doubles)) == 4);  // 1e300 is too large
  CHECK(count_non_finite(Tensor::full({5}, 1)) == 0);
  CHECK(count_non_finite(Tensor::zeros({0})) == 0);
  CHECK(count_non_finite(Tensor::zeros({3}, DType::i64)) == 0);
}

TEST_CASE("find: by name") {
  StateDict tensors = {{"a", Tensor::full({1}, 1)}, {"b", Tensor::full({1}, 2)}};
  REQUIRE(find(tensors, "b") != nullptr);
  CHECK(find(tensors, "b")->item() == 2);
  CHECK(find(tensors, "c") == nullptr);
  const StateDict& fixed = tensors;
  CHECK(find(fixed, "a")->item() == 1);
}

TEST_CASE("save_weights, load_weights: memory layout here, torchvision's in the file") {
  const test::TemporaryFolder folder;
  Tensor weight = to_memory_layout(counting<float>({2, 3, 2, 2}, DType::f32));
  for (int i = 0; i < weight.numel(); ++i) weight.data<float>()[i] += 0.5f;
  const StateDict tensors = {{"conv", weight}, {"n", Tensor::from({}, std::vector<std::int64_t>{5})}};
  save_weights(folder / "w", tensors, {{"epoch", "1"}});

  const WeightFile file = read_weight_file(folder / "w");
  CHECK(file.format == WeightFormat::safetensors);
  CHECK(file.metadata == Metadata{{"epoch", "1"}});
  CHECK(file.tensors[0].tensor.shape() == Shape{2, 3, 2, 2});
  CHECK(file.tensors[0].tensor.to_vector<float>()[1] == 1.5f);

  const StateDict back = load_weights(folder / "w");
  REQUIRE(back.size() == 2);
  CHECK(back[0].tensor.shape() == Shape{2, 2, 2, 3});
  CHECK(back[0].tensor.to_vector<float>() == weight.to_vector<float>());
  CHECK(back[1].tensor.to_vector<std::int64_t>() == std::vector<std::int64_t>{5});
  CHECK(contains(error_of([&] { save_weights(folder / "x", {{"a", Tensor()}}); }), "tensor a"));
}

TEST_CASE("load_weights: PyTorch's files, whatever their name; floats as f32") {
  const test::TemporaryFolder folder;
  std::filesystem::copy(test::golden("torch_checkpoint_state_dict.pth"), folder / "w.safetensors");
  const StateDict tensors = load_weights(folder / "w.safetensors");
  REQUIRE(find(tensors, "conv.weight") != nullptr);
  CHECK(find(tensors, "conv.weight")->shape() == Shape{3, 1, 2, 2});
  CHECK(find(tensors, "conv.weight")->to_vector<float>() == Floats{0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11});

  const StateDict types = load_weights(test::golden("torch_checkpoint_types.pth"));
  for (const char* name : {"f16", "bf16", "f64", "f32"}) CHECK(find(types, name)->dtype() == DType::f32);
  CHECK(find(types, "bf16")->to_vector<float>()[1] == -2.5f);
  CHECK(find(types, "i64")->dtype() == DType::i64);
  CHECK(find(types, "u8")->dtype() == DType::u8);
}

TEST_CASE("detect_weight_format: by content, and says what else a file seems to be") {
  CHECK(detect_weight_format(test::golden("torch_checkpoint_state_dict.pth")) == WeightFormat::torch_zip);
  CHECK(detect_weight_format(test::golden("safetensors_python.safetensors")) == WeightFormat::safetensors);
  CHECK(std::string(name_of(WeightFormat::torch_zip)) == "PyTorch (zip)");
  CHECK(contains(error_of([] { detect_weight_format(test::golden("torch_checkpoint_old.pth")); }),
                 "got PyTorch's format of before version 1.6; load it there and torch.save it again"));
  CHECK(contains(error_of([] { detect_weight_format(test::golden("torch_checkpoint_bare_pickle.pkl")); }),
                 "a bare pickle"));

  const test::TemporaryFolder folder;
  const auto message_of = [&](const std::string& bytes) {
    test::write_quickly(folder / "w.pth", bytes);
    return error_of([&] { load_weights(folder / "w.pth"); });
  };
  CHECK(message_of("") ==
        (folder / "w.pth").string() +
            ": wanted weights by torch.save (PyTorch 1.6 or later) or safetensors, got an empty file");
  CHECK(contains(message_of("\n<!DOCTYPE html><html>"), "a web page, perhaps of a failed download"));
  CHECK(contains(message_of("<HTML>"), "a web page"));
  CHECK(contains(message_of("404: Not Found\n"), "a text file"));
  CHECK(contains(message_of("{\"conv1.weight\": [1, 2]}"), "a text file"));
  CHECK(contains(message_of("version https://git-lfs.github.com/spec/v1\n"), "a Git LFS pointer"));
  CHECK(contains(message_of("\x1f\x8b\x08\0\0\0"s), "a gzip file"));
  CHECK(contains(message_of(std::string(257, '\0') + "ustar\0"s + std::string(300, '\0')), "a tar archive"));
  CHECK(contains(message_of("\x7f"
                            "ELF\2\1\1\0\0\0"s),
                 "something else"));
  CHECK(contains(message_of("PK\x03\x04"), "truncated or corrupted"));
  CHECK(contains(message_of("PK\x05\x06" + std::string(18, '\0')), "without data.pkl"));
  CHECK(contains(message_of("\xff\0\0\0\0\0\0\0{\"a\":"s), "truncated?"));
  CHECK(contains(error_of([&] { load_weights(folder / "absent"); }), "nothing there"));
  CHECK(contains(error_of([&] { load_weights(folder.path()); }), "a folder"));
}

TEST_CASE("save_weights: a full disk leaves the old file and nothing else") {
  const test::TemporaryFolder folder;
  save_weights(folder / "w", {{"a", Tensor::full({1}, 1)}});
  std::string message;
  {
    const test::FullDisk full(4096);
    message = error_of([&] { save_weights(folder / "w", {{"a", Tensor::zeros({40, 40, 3, 3})}}); });
  }
  CHECK(contains(message, (folder / "w").string() + ": cannot write it"));
  CHECK(load_weights(folder / "w")[0].tensor.item() == 1);
  CHECK(folder.size() == 1);
}
