#include "engine/io/torch_checkpoint.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/core/check.h"
#include "engine/io/file.h"
#include "engine/io/zip_archive.h"
#include "support/files.h"

using namespace tern;
using namespace std::string_literals;
using test::error_of;
using Floats = std::vector<float>;

namespace {

/// The tensors of a golden; describing it must tell the same of them.
StateDict read_file(const std::filesystem::path& path) {
  StateDict tensors = read_torch_checkpoint(path).tensors;
  const std::vector<TensorDescription> described = describe_torch_checkpoint(path).tensors;
  REQUIRE(described.size() == tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    CHECK(described[i].name == tensors[i].name);
    CHECK(described[i].dtype == tensors[i].tensor.dtype());
    CHECK(described[i].shape == tensors[i].tensor.shape());
  }
  return tensors;
}

StateDict read(const std::string& name) {
  return read_file(test::golden("torch_checkpoint_" + name));
}
StateDict read_2026(const std::string& name) {
  return read_file(test::golden("checkpoint_2026_" + name));
}

/// What reading says of a file; describing it must say the same.
std::string error_of_reading(const std::filesystem::path& path) {
  const std::string error = error_of([&] { read_torch_checkpoint(path); });
  if (error_of([&] { describe_torch_checkpoint(path); }) != error) FAIL_CHECK("described otherwise: ", error);
  return error;
}

const Tensor& at(const StateDict& tensors, const char* name) {
  const Tensor* tensor = find(tensors, name);
  if (tensor == nullptr) throw Error("the test", std::string("a tensor ") + name, "none");
  return *tensor;
}

std::vector<std::uint16_t> raw16(const Tensor& tensor) {
  const auto* words = static_cast<const std::uint16_t*>(tensor.raw());
  return {words, words + tensor.numel()};
}

// The message of reading a golden, without the path.
std::string message(const std::string& name) {
  const std::string text = error_of([&] { read(name); });
  const std::string path = test::golden("torch_checkpoint_" + name).string();
  return text.starts_with(path) ? text.substr(path.size()) : text;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A pickle of {"w": tensor}, for a float storage of `stored` elements with the key "0".
struct Description {
  std::int64_t stored = 6, offset = 0;
  std::vector<std::int64_t> sizes = {6}, strides = {1};
  std::string type = "Float";
};

std::string integer(std::int64_t value) {
  return "\x8a\x08" + std::string(reinterpret_cast<const char*>(&value), 8);
}
std::string tuple(const std::vector<std::int64_t>& values) {
  std::string bytes = "(";
  for (const std::int64_t value : values) bytes += integer(value);
  return bytes + "t";
}
std::string pickle_of(const Description& d) {
  return "\x80\x02}U\x01w"
         "ctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\n"s +
         d.type +
         "Storage\nU\x01"
         "0U\x03"
         "cpu" +
         integer(d.stored) + "tQ" + integer(d.offset) + tuple(d.sizes) + tuple(d.strides) +
         "\x89"
         "ccollections\nOrderedDict\n)RtRs.";
}

// What comes of a file with that description and a storage of six floats 0..5.
StateDict read_described(const Description& description, const test::TemporaryFolder& folder) {
  const Floats values = {0, 1, 2, 3, 4, 5};
  const std::string bytes(reinterpret_cast<const char*>(values.data()), 24);
  test::write_zip(folder / "w.pth", {{"w/data.pkl", pickle_of(description)}, {"w/data/0", bytes}});
  error_of_reading(folder / "w.pth");
  return read_torch_checkpoint(folder / "w.pth").tensors;
}

void check_small_model(const StateDict& tensors) {
  REQUIRE(tensors.size() == 7);
  CHECK(tensors[0].name == "conv.weight");
  CHECK(tensors[6].name == "bn.num_batches_tracked");
  const Tensor& weight = at(tensors, "conv.weight");
  CHECK(weight.shape() == Shape{3, 2, 1, 2});
  CHECK(weight.to_vector<float>() == Floats{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  CHECK(at(tensors, "conv.bias").to_vector<float>() == Floats{0.5f, -1.5f, 2.25f});
  CHECK(at(tensors, "bn.running_var").to_vector<float>() == Floats{1, 1, 1});
  const Tensor& batches = at(tensors, "bn.num_batches_tracked");
  CHECK(batches.shape() == Shape{});
  CHECK(batches.to_vector<std::int64_t>() == std::vector<std::int64_t>{1234567890123});
}

}  // namespace

TEST_CASE("read_torch_checkpoint: a module's state dict, plain, deflated, of protocol 4, in a checkpoint") {
  for (const char* name : {"state_dict.pth", "compressed.pth", "protocol4.pth", "nested.pth"}) {
    CAPTURE(name);
    check_small_model(read(name));
  }
}

TEST_CASE("read_torch_checkpoint: other places and containers") {
  CHECK(at(read("bare_dict.pth"), "a").to_vector<float>() == Floats{1, 2});
  const StateDict under_model = read("model_key.pth");
  REQUIRE(under_model.size() == 1);
  CHECK(at(under_model, "a").to_vector<float>() == Floats{3});
  const StateDict parameter = read("parameter.pth");
  CHECK(at(parameter, "w").shape() == Shape{1, 2});
  CHECK(at(parameter, "w").to_vector<float>() == Floats{1, 2});
}

TEST_CASE("read_torch_checkpoint: strided tensors come back contiguous") {
  const StateDict tensors = read("strided.pth");
  const Tensor& transposed = at(tensors, "transposed");
  REQUIRE(transposed.shape() == Shape{6, 4});
  for (int i = 0; i < 6; ++i) {
    for (int j = 0; j < 4; ++j) CHECK(transposed.data<float>()[i * 4 + j] == static_cast<float>(j * 6 + i));
  }
  CHECK(at(tensors, "sliced").to_vector<float>() == Floats{7, 10, 19, 22});
  CHECK(at(tensors, "expanded").to_vector<float>() == Floats{5, 5, 5, 6, 6, 6});
  const Tensor& permuted = at(tensors, "permuted");
  REQUIRE(permuted.shape() == Shape{4, 2, 3});
  for (int i = 0; i < 24; ++i) {
    CHECK(permuted.data<std::uint8_t>()[i] == (i / 3 % 2) * 12 + (i % 3) * 4 + i / 6);
  }
  CHECK(at(tensors, "empty").shape() == Shape{0, 3});
}

TEST_CASE("read_torch_checkpoint: tensors of one storage get elements of their own") {
  const StateDict tensors = read("shared.pth");
  REQUIRE(tensors.size() == 3);
  CHECK(at(tensors, "row").to_vector<float>() == Floats{12, 13, 14, 15, 16, 17});
  CHECK(at(tensors, "whole").to_vector<float>() == at(tensors, "again").to_vector<float>());
  CHECK(at(tensors, "whole").to_vector<float>()[23] == 23);
  CHECK_FALSE(at(tensors, "whole").shares_storage(at(tensors, "again")));
  CHECK_FALSE(at(tensors, "whole").shares_storage(at(tensors, "row")));
}

TEST_CASE("read_torch_checkpoint: types, bit for bit") {
  const StateDict tensors = read("types.pth");
  CHECK(at(tensors, "f16").dtype() == DType::f16);
  CHECK(raw16(at(tensors, "f16")) == std::vector<std::uint16_t>{0x3c00, 0xc100, 0x7bff, 0x0001});
  CHECK(at(tensors, "bf16").dtype() == DType::bf16);
  CHECK(raw16(at(tensors, "bf16")) == std::vector<std::uint16_t>{0x3f80, 0xc020, 0x7f62});
  CHECK(at(tensors, "f64").to_vector<double>() == std::vector<double>{0.1, -1e300});
  const Floats floats = at(tensors, "f32").to_vector<float>();
  CHECK(floats[0] == 0.1f);
  CHECK(std::isnan(floats[1]));
  CHECK(floats[2] == -INFINITY);
  CHECK(at(tensors, "u8").to_vector<std::uint8_t>() == std::vector<std::uint8_t>{0, 255});
  CHECK(at(tensors, "i32").to_vector<std::int32_t>() == std::vector<std::int32_t>{INT32_MIN, 7});
  CHECK(at(tensors, "i64").to_vector<std::int64_t>() == std::vector<std::int64_t>{INT64_MIN, 7});
  CHECK(at(tensors, "scalar").to_vector<std::int64_t>() == std::vector<std::int64_t>{42});
}

TEST_CASE("read_torch_checkpoint: refuses what is no state dict, and says why") {
  CHECK(contains(message("evil_eval.pth"),
                 "got a dict without tensors, whose \"a\" is what __builtin__.eval would return"));
  CHECK(contains(message("evil_load.pth"), "is what torch.storage._load_from_bytes would return"));
  CHECK(contains(message("module.pth"), "got an object of class torch.nn.modules.container.Sequential"));
  CHECK(contains(message("torchscript.pt"), "a TorchScript program"));
  CHECK(contains(message("tensor.pth"), ": wanted a state dict, such as"));
  CHECK(contains(message("tensor.pth"), "got a tensor"));
  const std::filesystem::path object = test::golden("checkpoint_2026_object_model.pth");
  CHECK(error_of_reading(object) ==
        object.string() +
            ": key model: wanted a state dict, such as torch.save(model.state_dict(), ...) "
            "writes, got an object of class torch.nn.modules.linear.Linear");
}

TEST_CASE("read_torch_checkpoint: what is no tensor is neither executed nor in the way") {
  for (const char* name : {"evil_system.pth", "namespace.pth", "list_inside.pth"}) {
    CAPTURE(name);
    CHECK(at(read(name), "a").to_vector<float>() == Floats{1});
  }
  for (const char* protocol : {"1", "2", "3", "4", "5"}) {
    CAPTURE(protocol);
    const StateDict tensors = read_2026("everything"s + protocol + ".pth");
    REQUIRE(tensors.size() == 2);
    CHECK(at(tensors, "w").to_vector<float>() == Floats{1, -2, 3.5f, 0.25f});
    CHECK(at(tensors, "b").to_vector<float>() == Floats{1, 1});
  }
}

TEST_CASE("read_torch_checkpoint: lazy negation and conjugation are done") {
  const StateDict tensors = read_2026("negative.pth");
  CHECK(at(tensors, "f32").to_vector<float>() == Floats{1, -2, 3});
  CHECK(at(tensors, "f64").to_vector<double>() == std::vector<double>{1, -2, 3});
  CHECK(at(tensors, "i64").to_vector<std::int64_t>() == std::vector<std::int64_t>{-5, 6, 0});
  CHECK(raw16(at(tensors, "f16")) == std::vector<std::uint16_t>{0xbc00, 0x4000, 0xc200});
  CHECK(at(tensors, "strided").to_vector<float>() == Floats{-0.f, -3, -1, -4, -2, -5});
  const auto complex_of = [&](const char* name) {
    const auto* parts = static_cast<const float*>(at(tensors, name).raw());
    return Floats(parts, parts + 2 * at(tensors, name).numel());
  };
  CHECK(at(tensors, "c64").dtype() == DType::c64);
  CHECK(complex_of("c64") == Floats{-1, -2});
  CHECK(complex_of("conjugate") == Floats{1, -2, 3, 4});
  CHECK(complex_of("both") == Floats{-1, 2, -3, -4});
  const Tensor& wide = at(tensors, "c128");
  const auto* parts = static_cast<const double*>(wide.raw());
  CHECK(std::vector<double>(parts, parts + 4) == std::vector<double>{1, -2, 3, 4});
}

TEST_CASE("read_torch_checkpoint: metadata of a tensor that are not understood are refused by name") {
  const test::TemporaryFolder folder;
  const auto message_of = [&](const std::string& metadata, const std::string& type = "Float") {
    std::string pickle = pickle_of({.type = type});
    pickle.replace(pickle.rfind("tRs."), 4, metadata + "tRs.");
    const std::string data(type == "Float" ? 24 : type == "Long" ? 48 : 6, '\1');
    test::write_zip(folder / "w.pth", {{"w/data.pkl", pickle}, {"w/data/0", data}});
    return error_of_reading(folder / "w.pth");
  };
  CHECK(message_of("}") == "no error");
  CHECK(message_of("N") == "no error");
  CHECK(message_of("}U\x03neg\x88s") == "no error");
  CHECK(message_of("}U\x04"
                   "conj\x89s") == "no error");
  CHECK(contains(message_of("}U\x04zero\x88s"),
                 "tensor w: wanted no metadata but \"conj\" and \"neg\", got \"zero\""));
  CHECK(contains(message_of("}U\x03negK\x01s"), "got \"neg\""));
  CHECK(contains(message_of("}K\x01\x88s"), "got \"a integer\""));
  CHECK(contains(message_of("]"), "wanted metadata in a dict, got a list"));
  CHECK(contains(message_of("}U\x04"
                            "conj\x88s"),
                 "wanted complex numbers where metadata say \"conj\", got f32"));
  CHECK(contains(message_of("}U\x03neg\x88s", "Bool"), "got bool"));
  CHECK(message_of("}U\x03neg\x88s", "Long") == "no error");
}

TEST_CASE("read_torch_checkpoint: types that tern does not compute with, bit for bit") {
  const StateDict tensors = read_2026("types.pth");
  const auto bytes_of_tensor = [&](const char* name) {
    const auto* bytes = static_cast<const std::uint8_t*>(at(tensors, name).raw());
    return std::vector<int>(bytes, bytes + at(tensors, name).bytes());
  };
  CHECK(bytes_of_tensor("bool") == std::vector<int>{1, 0, 1});
  CHECK(bytes_of_tensor("i8") == std::vector<int>{128, 127});
  CHECK(bytes_of_tensor("i16") == std::vector<int>{254, 255, 44, 1});
  CHECK(bytes_of_tensor("u16") == std::vector<int>{255, 255, 1, 0});
  CHECK(bytes_of_tensor("u32") == std::vector<int>(4, 255));
  CHECK(bytes_of_tensor("u64") == std::vector<int>(8, 255));
  CHECK(at(tensors, "f4").shape() == Shape{2, 6});
  CHECK(bytes_of_tensor("f4") == std::vector<int>{0, 1, 2, 3, 4, 5});
  CHECK(bytes_of_tensor("strided") == std::vector<int>{0, 3, 1, 4, 2, 5});
  const std::vector<std::pair<const char*, DType>> types = {{"bool", DType::boolean},
                                                            {"i8", DType::i8},
                                                            {"i16", DType::i16},
                                                            {"u16", DType::u16},
                                                            {"u32", DType::u32},
                                                            {"u64", DType::u64},
                                                            {"c64", DType::c64},
                                                            {"f4", DType::f4},
                                                            {"float8_e4m3fn", DType::f8_e4m3},
                                                            {"float8_e5m2", DType::f8_e5m2},
                                                            {"float8_e8m0fnu", DType::f8_e8m0},
                                                            {"float8_e4m3fnuz", DType::f8_e4m3fnuz},
                                                            {"float8_e5m2fnuz", DType::f8_e5m2fnuz}};
  for (const auto& named : types) {
    const auto& name = named.first;
    const auto& dtype = named.second;
    CAPTURE(name);
    CHECK(at(tensors, name).dtype() == dtype);
    if (std::string_view(name).starts_with("float8"))
      CHECK(bytes_of_tensor(name) == std::vector<int>{1, 2, 4});
  }
  CHECK(at(read("bool.pth"), "mask").dtype() == DType::boolean);
  CHECK(at(read_2026("wide.pth"), "c128").dtype() == DType::c128);
  CHECK(at(read_2026("wide.pth"), "c32").dtype() == DType::c32);
}

TEST_CASE("read_torch_checkpoint: tensors in wrappers, and those without elements in a storage") {
  const StateDict wrapped = read_2026("wrapped.pth");
  CHECK(at(wrapped, "attributed").to_vector<float>() == Floats{1, 2});
  CHECK(at(wrapped, "parameter").to_vector<float>() == Floats{2});
  CHECK(at(wrapped, "with_state").to_vector<float>() == Floats{3});
  CHECK(at(wrapped, "buffer").to_vector<float>() == Floats{4});
  for (const auto& [name, got] : {std::pair("sparse.pth", "got a sparse tensor"),
                                  {"meta.pth", "got a tensor on the device \"meta\""},
                                  {"quantized.pth", "got a quantized tensor"}}) {
    const std::string error = error_of_reading(test::golden("checkpoint_2026_"s + name));
    CHECK(contains(error, ": tensor w: wanted a tensor with its elements in a storage, "s + got));
  }
}

TEST_CASE("read_torch_checkpoint: archives of another make") {
  const test::TemporaryFolder folder;
  const auto message_of = [&](const std::vector<std::pair<std::string, std::string>>& entries) {
    test::write_zip(folder / "w.pth", entries);
    return error_of_reading(folder / "w.pth");
  };
  const std::string good = pickle_of({}), data(24, '\0');
  CHECK(message_of({{"w/data.pkl", good}, {"w/data/0", data}}) == "no error");
  CHECK(message_of({{"w/data.pkl", good}, {"w/data/0", data}, {"w/byteorder", "little"}}) == "no error");
  CHECK(contains(message_of({{"w/data.pkl", good}, {"w/data/0", data}, {"w/byteorder", "big"}}),
                 "wanted byte order little, got big"));
  CHECK(contains(message_of({{"a.npy", "x"}}), "a zip archive without data.pkl"));
  CHECK(contains(message_of({{"w/data.pkl", good}, {"v/data.pkl", good}}), "wanted one data.pkl"));
  CHECK(contains(message_of({{"w/data.pkl", good}}), "tensor w: wanted its elements in w/data/0"));
  CHECK(contains(message_of({{"w/data.pkl", good}, {"w/data/0", data + "x"}}),
                 "tensor w: wanted 24 bytes in w/data/0, got 25"));
  CHECK(contains(message_of({{"w/data.pkl", good}, {"w/data/0", data.substr(4)}}), "got 20"));
  CHECK(contains(message_of({{"w/data.pkl", "\x80\x02}."}}), "a dict without tensors"));
  std::string numbered = good;
  numbered.replace(numbered.find("U\x01w"), 3, "K\x01");
  CHECK(contains(message_of({{"w/data.pkl", numbered}, {"w/data/0", data}}), "without tensors"));
  const std::string named_too = good.substr(0, good.size() - 1) + numbered.substr(3);
  CHECK(contains(message_of({{"w/data.pkl", named_too}, {"w/data/0", data}}), "names for keys"));
  const std::string twice = good.substr(0, good.size() - 1) + good.substr(3);
  CHECK(contains(message_of({{"w/data.pkl", twice}, {"w/data/0", data}}), "two tensors w"));
}

TEST_CASE("read_torch_checkpoint: a tensor must lie in its storage, whatever its numbers") {
  const test::TemporaryFolder folder;
  CHECK(at(read_described({}, folder), "w").to_vector<float>() == Floats{0, 1, 2, 3, 4, 5});
  CHECK(
      at(read_described({.offset = 1, .sizes = {2, 2}, .strides = {1, 3}}, folder), "w").to_vector<float>() ==
      Floats{1, 4, 2, 5});
  CHECK(at(read_described({.offset = 6, .sizes = {0}}, folder), "w").numel() == 0);
  CHECK(at(read_described({.offset = 5, .sizes = {}, .strides = {}}, folder), "w").item() == 5);

  const std::int64_t huge = INT64_MAX;
  for (const Description& bad : std::vector<Description>{
           {.offset = 1},
           {.offset = -1},
           {.offset = huge},
           {.sizes = {7}},
           {.sizes = {-1}},
           {.strides = {2}},
           {.strides = {-1}},
           {.sizes = {huge}},
           {.sizes = {2}, .strides = {huge}},
           {.sizes = {huge, huge}, .strides = {0, 0}},
           {.sizes = {0, huge, huge}, .strides = {1, 1, 1}},
           {.sizes = {3, huge}, .strides = {huge, huge}},
           {.sizes = {std::int64_t{1} << 40}, .strides = {0}},
           {.stored = huge, .sizes = {6}},
           {.stored = -6, .sizes = {6}},
           {.stored = 7, .sizes = {7}},
           {.stored = 3, .type = "Double"},
           {.sizes = {1, 1, 1, 1, 1, 1, 1, 1, 1}, .strides = {1, 1, 1, 1, 1, 1, 1, 1, 1}},
           {.sizes = {6}, .strides = {1, 1}},
       }) {
    CAPTURE(bad.sizes.size());
    CAPTURE(bad.offset);
    CHECK(error_of([&] { read_described(bad, folder); }).starts_with((folder / "w.pth").string()));
  }
}

TEST_CASE(
    "read_torch_checkpoint: every truncation is an Error; every changed byte gives tensors or an Error") {
  const test::TemporaryFolder folder;
  const std::string bytes = read_text_file(test::golden("torch_checkpoint_state_dict.pth"));
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    test::write_quickly(folder / "cut", std::string_view(bytes).substr(0, length));
    CAPTURE(length);
    CHECK(error_of_reading(folder / "cut").starts_with((folder / "cut").string()));
  }
  int refused = 0;
  for (std::size_t place = 0; place < bytes.size(); ++place) {
    for (const int mask : {0x01, 0x80}) {
      std::string changed = bytes;
      changed[place] = static_cast<char>(changed[place] ^ mask);
      test::write_quickly(folder / "changed", changed);
      refused += error_of_reading(folder / "changed") == "no error" ? 0 : 1;
    }
  }
  CHECK(refused > 1000);  // the pickle and the elements at least are under a checksum
}

TEST_CASE("read_torch_checkpoint: changed bytes of the pickle, under a checksum that fits") {
  const test::TemporaryFolder folder;
  const ZipArchive archive(test::golden("torch_checkpoint_strided.pth"));
  std::vector<std::pair<std::string, std::string>> entries;
  std::size_t pickle = 0;
  for (const std::string& name : archive.names()) {
    const std::vector<std::byte> contents = archive.read(name, 1 << 20);
    if (name.ends_with("data.pkl")) pickle = entries.size();
    entries.emplace_back(name, std::string(reinterpret_cast<const char*>(contents.data()), contents.size()));
  }
  const std::string good = entries[pickle].second;
  int refused = 0;
  for (std::size_t place = 0; place < good.size(); ++place) {
    for (const int mask : {0x01, 0x40}) {
      entries[pickle].second[place] = static_cast<char>(good[place] ^ mask);
      test::write_zip(folder / "changed.pth", entries);
      refused += error_of_reading(folder / "changed.pth") == "no error" ? 0 : 1;
    }
    entries[pickle].second = good;
  }
  CHECK(refused > 100);
}
