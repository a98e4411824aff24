#include "apps/weights/inspect.h"

#include <doctest/doctest.h>

#include <string>
#include <system_error>

#include "engine/core/check.h"
#include "engine/io/safetensors.h"
#include "support/files.h"

using namespace tern;

TEST_CASE("inspect: a table in the file's layout, and the counts") {
  CHECK(inspect(test::golden("torch_checkpoint_state_dict.pth")) ==
        "name                    type  shape\n"
        "conv.weight             f32   [3, 2, 1, 2]\n"
        "conv.bias               f32   [3]\n"
        "bn.weight               f32   [3]\n"
        "bn.bias                 f32   [3]\n"
        "bn.running_mean         f32   [3]\n"
        "bn.running_var          f32   [3]\n"
        "bn.num_batches_tracked  i64   []\n"
        "\n"
        "tensors     7\n"
        "parameters  21\n"
        "bytes       116\n"
        "format      PyTorch (zip)\n");
}

TEST_CASE("inspect: the same as JSON") {
  const auto file = test::golden("torch_checkpoint_state_dict.pth");
  const Json json = inspect_json(file);
  CHECK(json.at("file") == file.string());
  CHECK(json.at("format") == "PyTorch (zip)");
  CHECK(json.at("parameters") == 21);
  CHECK(json.at("bytes") == 116);
  CHECK(json.at("tensors").size() == 7);
  CHECK(json.at("tensors")[0] == Json{{"name", "conv.weight"}, {"type", "f32"}, {"shape", {3, 2, 1, 2}}});
  CHECK(json.at("tensors")[6].at("shape") == Json::array());
  CHECK_FALSE(json.contains("taken"));
  const auto timm = test::golden("checkpoint_2026_timm.pth");
  CHECK(inspect_json(timm).at("taken") ==
        "state dict \"state_dict\", passing over \"state_dict_ema\" (--key takes another)");
}

TEST_CASE("inspect: types that tern does not compute with, and which state dict of several") {
  CHECK(inspect(test::golden("checkpoint_2026_types.safetensors"))
            .find("u64              u64          [1]\n") != std::string::npos);
  const std::string listed = inspect(test::golden("checkpoint_2026_types.pth"));
  for (const char* line :
       {"bool             bool         [3]\n", "f4               f4           [2, 6]\n",
        "float8_e4m3fn    f8_e4m3      [3]\n", "c64              c64          [1]\n", "bytes       68\n"}) {
    CHECK(listed.find(line) != std::string::npos);
  }
  const auto timm = test::golden("checkpoint_2026_timm.pth");
  CHECK(
      inspect(timm).ends_with("format      PyTorch (zip)\n"
                              "taken       state dict \"state_dict\", passing over \"state_dict_ema\" "
                              "(--key takes another)\n"));
  CHECK(inspect(timm, "state_dict_ema").find("taken       state dict \"state_dict_ema\"") !=
        std::string::npos);
}

TEST_CASE("inspect: metadata, and names that would upset a terminal") {
  const test::TemporaryFolder folder;
  write_safetensors(folder / "t", {{"a\x1b[31m\n", Tensor::zeros({2}, DType::bf16)}},
                    {{"config", std::string(300, 'x')}, {"epoch", "3\n4"}});
  CHECK(inspect(folder / "t") ==
        "name     type  shape\n"
        "a?[31m?  bf16  [2]\n"
        "\n"
        "metadata    config = " +
            std::string(100, 'x') +
            "...\n"
            "metadata    epoch = 3?4\n"
            "tensors     1\n"
            "parameters  2\n"
            "bytes       4\n"
            "format      safetensors\n");
}

TEST_CASE("inspect: takes little memory for a large file") {
  const test::TemporaryFolder folder;
  const std::string header =
      R"({"a":{"dtype":"U8","shape":[1099511627776],"data_offsets":[0,1099511627776]}})";
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size());
  test::write_quickly(folder / "terabyte", bytes + header);
  std::error_code sparse;  // not every file system takes it
  std::filesystem::resize_file(folder / "terabyte", 8 + header.size() + (std::uint64_t{1} << 40), sparse);
  if (sparse) return;
  CHECK(inspect(folder / "terabyte").find("bytes       1099511627776") != std::string::npos);
}

TEST_CASE("inspect: passes on what is wrong with a file") {
  CHECK(test::error_of([] {
          inspect(test::golden("torch_checkpoint_old.pth"));
        }).find("before version 1.6") != std::string::npos);
}
