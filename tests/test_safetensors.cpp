#include "engine/io/safetensors.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "engine/core/check.h"
#include "engine/io/file.h"
#include "support/files.h"
#include "support/full_disk.h"

using namespace tern;
using test::error_of;

namespace {

Tensor raw_tensor(const Shape& shape, DType dtype, int first) {
  Tensor tensor = Tensor::empty(shape, dtype);
  for (std::size_t i = 0; i < tensor.bytes(); ++i) {
    static_cast<std::uint8_t*>(tensor.raw())[i] = static_cast<std::uint8_t>(first + static_cast<int>(i));
  }
  return tensor;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         (a.bytes() == 0 || std::memcmp(a.raw(), b.raw(), a.bytes()) == 0);
}

// One tensor of each type, odd sizes first, so that order and alignment have something to do.
StateDict one_of_each() {
  return {{"z.u8", raw_tensor({3}, DType::u8, 1)},   {"f16", raw_tensor({3, 1}, DType::f16, 2)},
          {"bf16", raw_tensor({5}, DType::bf16, 3)}, {"f32", raw_tensor({3, 2, 1, 2}, DType::f32, 4)},
          {"i32", raw_tensor({1}, DType::i32, 5)},   {"scalar", raw_tensor({}, DType::i64, 6)},
          {"a f64", raw_tensor({2}, DType::f64, 7)}, {"empty", raw_tensor({0, 4}, DType::f32, 8)}};
}

std::string file_of(const std::string& header, std::size_t data_bytes) {
  const std::uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), 8) + header + std::string(data_bytes, '\1');
}

// What reading says of a file; reading its header alone must say the same.
std::string error_of_reading(const std::filesystem::path& path) {
  const std::string error = error_of([&] { read_safetensors(path); });
  if (error_of([&] { read_safetensors_header(path); }) != error) FAIL_CHECK("told otherwise: ", error);
  return error;
}

// The message of reading a file with that header and so many bytes of data, without the path.
std::string message(const std::string& header, std::size_t data_bytes) {
  const test::TemporaryFolder folder;
  test::write_quickly(folder / "t", file_of(header, data_bytes));
  const std::string text = error_of_reading(folder / "t");
  const std::string path = (folder / "t").string();
  return text.starts_with(path) ? text.substr(path.size()) : text;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets,
                  const std::string& name = "a") {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets +
         "}";
}

}  // namespace

TEST_CASE("safetensors: what is written comes back, in its order, with its metadata") {
  const test::TemporaryFolder folder;
  const StateDict tensors = one_of_each();
  const Metadata metadata = {{"epoch", "3"}, {"text", "a \"quoted\"\nline \xC3\xA9"}};
  write_safetensors(folder / "t", tensors, metadata);
  const SafetensorsFile back = read_safetensors(folder / "t");
  CHECK(back.metadata == metadata);
  REQUIRE(back.tensors.size() == tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    CHECK(back.tensors[i].name == tensors[i].name);
    CHECK(same_bits(back.tensors[i].tensor, tensors[i].tensor));
  }
  CHECK(folder.size() == 1);
}

TEST_CASE("safetensors: the bytes of the file") {
  const test::TemporaryFolder folder;
  write_safetensors(folder / "t",
                    {{"b", Tensor::from({1}, std::vector<std::uint8_t>{7})}, {"a", Tensor::full({1}, 1.0f)}},
                    {{"k", "v"}});
  const std::string header =
      "{\"__metadata__\":{\"k\":\"v\"},\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[4,5]},"
      "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
  const std::string padded = header + std::string((8 - header.size() % 8) % 8, ' ');
  CHECK(read_text_file(folder / "t") == file_of(padded, 0) + std::string("\0\0\x80\x3f\x07", 5));
  write_safetensors(folder / "none", {});
  CHECK(read_text_file(folder / "none") == file_of("{}      ", 0));
  CHECK(read_safetensors(folder / "none").tensors.empty());
}

TEST_CASE("safetensors: the same tensors give the same bytes, and data start at a multiple of 8") {
  const test::TemporaryFolder folder;
  write_safetensors(folder / "a", one_of_each(), {{"x", "1"}, {"y", "2"}});
  write_safetensors(folder / "b", one_of_each(), {{"y", "2"}, {"x", "1"}});
  const std::string bytes = read_text_file(folder / "a");
  CHECK(bytes == read_text_file(folder / "b"));
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  CHECK(length % 8 == 0);
  // 8-byte elements first: the scalar, then "a f64".
  CHECK(std::memcmp(bytes.data() + 8 + length, one_of_each()[5].tensor.raw(), 8) == 0);
  CHECK(std::memcmp(bytes.data() + 16 + length, one_of_each()[6].tensor.raw(), 16) == 0);
}

TEST_CASE("safetensors: a file by the Python package") {
  const SafetensorsFile file = read_safetensors(test::golden("safetensors_python.safetensors"));
  CHECK(file.tensors.size() == 9);
  CHECK(file.metadata == Metadata{{"format", "pt"}, {"note", "a \"quoted\"\nline"}});
  const auto at = [&](const char* name) -> const Tensor& {
    const Tensor* tensor = find(file.tensors, name);
    REQUIRE(tensor != nullptr);
    return *tensor;
  };
  CHECK(at("conv.weight").shape() == Shape{3, 2, 1, 2});
  CHECK(at("conv.weight").to_vector<float>() == std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  CHECK(at("double").shape() == Shape{});
  CHECK(at("double").to_vector<double>() == std::vector<double>{0.1});
  CHECK(at("bytes").to_vector<std::uint8_t>() == std::vector<std::uint8_t>{0, 7, 255});
  CHECK(at("int").to_vector<std::int32_t>() == std::vector<std::int32_t>{INT32_MIN});
  CHECK(at("long").to_vector<std::int64_t>() == std::vector<std::int64_t>{INT64_MIN, 7});
  CHECK(at("empty").shape() == Shape{0, 3});
  CHECK(at("half").dtype() == DType::f16);
  CHECK(static_cast<const std::uint16_t*>(at("half").raw())[1] == 0xc100);
  CHECK(at("brain").dtype() == DType::bf16);
  CHECK(static_cast<const std::uint16_t*>(at("brain").raw())[2] == 0x4040);
  CHECK(at("quoted \"name\"\n\xC3\xA9").item() == 1.5f);
}

TEST_CASE("safetensors: headers that do not hold, each with its tensor's name") {
  CHECK(message("{" + entry("F32", "[1,2]", "[0,8]") + "}", 8) == "no error");
  CHECK(message("{" + entry("F32", "[1]", "[4,8]") + "," + entry("F32", "[1]", "[0,4]", "b") + "}  ", 8) ==
        "no error");
  CHECK(message("{" + entry("F33", "[2]", "[0,8]") + "}", 8) ==
        ": tensor a: wanted a dtype of BOOL, F4, F6_E2M3, F6_E3M2, U8, I8, F8_E5M2, F8_E4M3, F8_E8M0, "
        "F8_E4M3FNUZ, "
        "F8_E5M2FNUZ, I16, U16, F16, BF16, I32, U32, F32, C64, F64, I64, U64, got F33");
  CHECK(message("{" + entry("F32", "[3]", "[0,8]") + "}", 8) ==
        ": tensor a: wanted as many bytes as F32 of shape [3] has, got 8");
  CHECK(contains(message("{" + entry("F32", "[2]", "[0,9]") + "}", 9), "as many bytes"));
  CHECK(message("{" + entry("F32", "[2]", "[0,8]") + "}", 7) ==
        ": tensor a: wanted data_offsets within the file's 7 bytes of data, got 0..8");
  CHECK(contains(message("{" + entry("F32", "[2]", "[8,0]") + "}", 8), "data_offsets within"));
  CHECK(message("{" + entry("F32", "[2]", "[0,8]") + "}", 9) == ": wanted 8 bytes of data, got 9");
  CHECK(contains(
      message("{" + entry("F32", "[1]", "[0,4]") + "," + entry("F32", "[1]", "[8,12]", "b") + "}", 12),
      ": tensor b: wanted bytes from 4 on, after the tensor before, got 8"));
  CHECK(contains(
      message("{" + entry("F32", "[2]", "[0,8]") + "," + entry("F32", "[2]", "[4,12]", "b") + "}", 12),
      ": tensor b: wanted bytes from 8 on"));
  CHECK(
      contains(message("{" + entry("F32", "[2]", "[0,8]") + "," + entry("F32", "[2]", "[0,8]", "b") + "}", 8),
               "bytes from 8 on"));
  CHECK(contains(message("{" + entry("F32", "[-2]", "[0,8]") + "}", 8), ": tensor a: "));
  CHECK(contains(message("{" + entry("F32", "[-2]", "[0,8]") + "}", 8), "got -2 in shape"));
  CHECK(contains(message("{" + entry("F32", "[2.0]", "[0,8]") + "}", 8), "got 2.0 in shape"));
  CHECK(contains(message("{" + entry("F32", "[\"2\"]", "[0,8]") + "}", 8), "got a text in shape"));
  CHECK(contains(message("{" + entry("F32", "2", "[0,8]") + "}", 8), "got a number in shape"));
  CHECK(contains(message("{" + entry("F32", "[[2]]", "[0,8]") + "}", 8), "got an array in shape"));
  CHECK(contains(message("{" + entry("F32", "{}", "[0,8]") + "}", 8), "got an object in shape"));
  CHECK(contains(message("{" + entry("F32", "null", "[0,8]") + "}", 8), "got null in shape"));
  CHECK(contains(message("{" + entry("F32", "[2]", "[0]") + "}", 8), "wanted two data_offsets, got 1"));
  CHECK(contains(message("{" + entry("F32", "[2]", "[0,8,9]") + "}", 8), "wanted two data_offsets, got 3"));
  CHECK(contains(message("{" + entry("F32", "[1,1,1,1,1,1,1,1,2]", "[0,8]") + "}", 8), "at most 8 axes"));
  const std::string half = "4294967296";  // 2^32: its square overflows to 0
  CHECK(contains(message("{" + entry("F32", "[" + half + "," + half + "]", "[0,0]") + "}", 0),
                 "as many bytes"));
  CHECK(contains(message("{" + entry("F32", "[18446744073709551615]", "[0,8]") + "}", 8), "as many bytes"));
  CHECK(contains(message("{" + entry("F32", "[99999999999999999999]", "[0,8]") + "}", 8), "in shape"));
  CHECK(contains(message("{" + entry("U8", "[0," + half + "," + half + "]", "[0,0]") + "}", 0),
                 "as many bytes"));
  CHECK(contains(message("{" + entry("F32", "[2]", "[0,8]") + "," + entry("F32", "[2]", "[0,8]") + "}", 8),
                 "wanted each tensor once, got two tensors a"));
  CHECK(contains(message("{" + entry("F32", "[2]", "[0,8]", "") + "}", 8), "an empty name"));
  CHECK(contains(message("{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8), "only some of them"));
  CHECK(contains(message("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", 8), "once each, got dtype"));
  CHECK(contains(message("{\"a\":{\"type\":\"F32\"}}", 8), "got type"));
  CHECK(contains(message("{\"a\":{\"dtype\":[1]}}", 8), "an array in dtype"));
  CHECK(contains(message("{\"a\":[1]}", 8), "an array"));
  CHECK(contains(message("{\"__metadata__\":{\"a\":1}}", 0), "a number in a"));
  CHECK(contains(message("{\"__metadata__\":{\"a\":{}}}", 0), "an object in a"));
  CHECK(contains(message("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0), "two of a"));
}

TEST_CASE("safetensors: headers that are no JSON, lengths that are no length") {
  CHECK(contains(message("[]", 0), "an array"));
  CHECK(contains(message("1", 0), "a number"));
  CHECK(contains(message("", 0), "wanted a JSON header"));
  CHECK(contains(message("{\"a\"", 0), "wanted a JSON header"));
  CHECK(contains(message("{} {}", 0), "wanted a JSON header"));
  CHECK(contains(message(std::string(100'000, '['), 0), "an array"));
  CHECK(contains(message(std::string(100'000, '{'), 0), "a JSON header"));
  const test::TemporaryFolder folder;
  const auto message_of = [&](const std::string& bytes) {
    test::write_quickly(folder / "t", bytes);
    return error_of_reading(folder / "t");
  };
  CHECK(contains(message_of(""), "got 0 bytes"));
  CHECK(contains(message_of("1234567"), "got 7 bytes"));
  CHECK(contains(message_of(std::string("\x40\0\0\0\0\0\0\0{}", 10)), "truncated?"));
  CHECK(contains(message_of(std::string(8, '\xff') + "{}"), "a header of at most 100 MB"));
  CHECK(contains(error_of_reading(folder / "absent"), "nothing there"));
  CHECK(contains(error_of_reading(folder.path()), "a folder"));
}

TEST_CASE("safetensors: every type of version 0.8, there and back") {
  const test::TemporaryFolder folder;
  StateDict tensors;
  for (int i = 0; i < kDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    if (dtype != DType::c32 && dtype != DType::c128)
      tensors.push_back({name_of(dtype), raw_tensor({3, 4}, dtype, i)});
  }
  CHECK(tensors.size() == 22);
  write_safetensors(folder / "t", tensors);
  const StateDict back = read_safetensors(folder / "t").tensors;
  REQUIRE(back.size() == tensors.size());
  for (std::size_t i = 0; i < back.size(); ++i) CHECK(same_bits(back[i].tensor, tensors[i].tensor));
  CHECK(error_of([&] {
          write_safetensors(folder / "t", {{"a", Tensor::zeros({1}, DType::c32)}});
        }).ends_with(": tensor a: wanted a type that safetensors has, got c32"));
}

TEST_CASE("safetensors: elements that share bytes fill them") {
  CHECK(message("{" + entry("F4", "[2,4]", "[0,4]") + "}", 4) == "no error");
  CHECK(message("{" + entry("F6_E2M3", "[4]", "[0,3]") + "}", 3) == "no error");
  CHECK(message("{" + entry("F4", "[0,3]", "[0,0]") + "}", 0) == "no error");
  CHECK(contains(message("{" + entry("F4", "[3]", "[0,2]") + "}", 2), "as many bytes as F4 of shape [3]"));
  CHECK(contains(message("{" + entry("F6_E3M2", "[5]", "[0,4]") + "}", 4), "as many bytes"));
  CHECK(contains(message("{" + entry("F4", "[4]", "[0,4]") + "}", 4), "as many bytes"));
  // 2^61 elements of 8 bytes are 2^64 of them, which is no 0.
  CHECK(contains(message("{" + entry("F64", "[2305843009213693952]", "[0,0]") + "}", 0), "as many bytes"));
}

TEST_CASE("safetensors: a header is padded with white space, before and after, as version 0.8 takes it") {
  const std::string header = "{" + entry("F32", "[2]", "[0,8]") + "}";
  for (const char* good : {"", "   ", "\n", "\t\r"}) {
    CHECK(message(header + good, 8) == "no error");
    CHECK(message(good + header, 8) == "no error");
    const test::TemporaryFolder folder;
    test::write_quickly(folder / "t", file_of(good + header, 8));
    CHECK(detect_weight_format(folder / "t") == WeightFormat::safetensors);
  }
  CHECK(message(header + std::string(1, '\0'), 8) ==
        ": wanted a JSON header, padded with spaces, got a NUL at its byte " + std::to_string(header.size()));
  for (const std::string& bad :
       {std::string(" \0", 2), std::string("x"), std::string("\v"), std::string("{}")}) {
    CHECK(contains(message(header + bad, 8), "wanted a JSON header"));
  }
  CHECK(message("{\"__metadata__\":null," + entry("F32", "[2]", "[0,8]") + "}", 8) == "no error");
}

TEST_CASE("safetensors: refuses to write what it could not read") {
  const test::TemporaryFolder folder;
  const Tensor one = Tensor::full({1}, 1);
  const auto message_of = [&](const StateDict& tensors, const Metadata& metadata = {}) {
    return error_of([&] { write_safetensors(folder / "t", tensors, metadata); });
  };
  CHECK(contains(message_of({{"a", one}, {"a", one}}), "two tensors a"));
  CHECK(contains(message_of({{"", one}}), "a name for every tensor"));
  CHECK(contains(message_of({{"__metadata__", one}}), "a name for every tensor"));
  CHECK(contains(message_of({{"a", Tensor()}}), "tensor a: wanted elements, got an undefined tensor"));
  CHECK(contains(message_of({{"\xff", one}}), "UTF-8"));
  CHECK(contains(message_of({{"a", one}}, {{"k", "\xff"}}), "UTF-8"));
  CHECK(folder.size() == 0);
}

TEST_CASE("safetensors: a full disk leaves the old file and nothing else") {
  const test::TemporaryFolder folder;
  write_safetensors(folder / "t", one_of_each());
  const std::string before = read_text_file(folder / "t");
  std::string text;
  {
    const test::FullDisk full(4096);
    text = error_of([&] { write_safetensors(folder / "t", {{"large", Tensor::zeros({5000})}}); });
  }
  CHECK(contains(text, "cannot write it: File too large"));
  CHECK(read_text_file(folder / "t") == before);
  CHECK(folder.size() == 1);
}

TEST_CASE("safetensors: every truncation is an Error; every changed byte gives tensors or an Error") {
  const test::TemporaryFolder folder;
  write_safetensors(folder / "t", one_of_each(), {{"k", "v"}});
  const std::string bytes = read_text_file(folder / "t");
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    test::write_quickly(folder / "cut", std::string_view(bytes).substr(0, length));
    CAPTURE(length);
    CHECK(error_of_reading(folder / "cut").starts_with((folder / "cut").string()));
  }
  int refused = 0;
  for (std::size_t place = 0; place < bytes.size(); ++place) {
    for (const int mask : {0x01, 0x02, 0x10, 0x80}) {
      std::string changed = bytes;
      changed[place] = static_cast<char>(changed[place] ^ mask);
      test::write_quickly(folder / "changed", changed);
      refused += error_of_reading(folder / "changed") == "no error" ? 0 : 1;
    }
  }
  CHECK(refused > 500);
}
