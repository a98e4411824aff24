// A step's account (benchmarks/account) against the same step on the emulated device, which does what the other only counts.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "benchmarks/step.h"
#include "kernels/common/emulator/emulator.h"
#include "tests/emulated_device/recording.h"

using namespace tern;

namespace {

/// What account_step prints.
nlohmann::json account_of(const std::string& arguments) {
  std::FILE* const pipe = popen((TERN_ACCOUNT_STEP " --json " + arguments).c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string text;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) text += static_cast<char>(c);
  REQUIRE(pclose(pipe) == 0);
  return nlohmann::json::parse(text);
}

std::int64_t count_where(const nlohmann::json& account, const char* key, const nlohmann::json& value) {
  const auto& operations = account.at("operations");
  return std::count_if(operations.begin(), operations.end(),
                       [&](const nlohmann::json& one) { return one.at(key) == value; });
}

/// Of a step that is replayed.
struct Done {
  std::int64_t kernels = 0, replayed = 0;
};

Done emulated(const bench::StepOptions& options) {
  bench::Step step(options, Device::cuda());
  for (int i = 0; i < bench::kWarmUps; ++i) step();
  REQUIRE(step.is_recorded());
  const std::int64_t kernels = emulator::launch_count(), replayed = test::replayed_count();
  step();
  return {emulator::launch_count() - kernels, test::replayed_count() - replayed};
}

void compare(const std::string& mode, const std::string& precision) {
  CAPTURE(mode);
  CAPTURE(precision);
  const Done done =
      emulated({.arch = "resnet18", .mode = mode, .precision = precision, .batch = 2, .size = 32});
  const nlohmann::json account =
      account_of("--arch resnet18 --batch 2 --size 32 --mode " + mode + " --precision " + precision);
  CHECK(count_where(account, "kind", "kernel") == done.kernels);
  CHECK(count_where(account, "is_replayed", true) == done.replayed);
  CHECK(account.at("total").at("launches") == account.at("operations").size());
  CHECK(count_where(account, "family", "other") == 0);  // each kernel is known
}

}  // namespace

TEST_CASE("step account: as many launches as the emulated device does, in training") {
  compare("train", "fp32");
  compare("train", "bf16");
}

TEST_CASE("step account: as many launches as the emulated device does, in inference") {
  compare("inference", "bf16");
}

TEST_CASE("step account: a ResNet's 20 convolutions in each pass, and the sums of its families") {
  const nlohmann::json account = account_of("--arch resnet18 --batch 2 --size 32 --precision bf16");
  CHECK(count_where(account, "family", "convolution forward") == 20);
  CHECK(count_where(account, "family", "convolution dgrad") == 19);  // images need no gradient
  CHECK(count_where(account, "family", "convolution wgrad") == 20);
  CHECK(count_where(account, "family", "adds") == 0);
  std::int64_t launches = 0, bytes = 0;
  for (const auto& family : account.at("families")) {
    launches += family.at("launches").get<std::int64_t>();
    bytes += family.at("bytes_read").get<std::int64_t>() + family.at("bytes_written").get<std::int64_t>();
  }
  CHECK(launches == account.at("total").at("launches"));
  CHECK(bytes == account.at("total").at("bytes_read").get<std::int64_t>() +
                     account.at("total").at("bytes_written").get<std::int64_t>());
}

TEST_CASE("step account: what bf16 copies and added gradients save") {
  const std::string setting = "--arch resnet18 --batch 2 --size 32 --precision bf16 ";
  const nlohmann::json with = account_of(setting),
                       without = account_of(setting + "--without-bf16-copies --without-added-gradients");
  // Each of 20 convolutions rounds its weights, and each of 8 blocks adds its shortcut's gradient.
  CHECK(count_where(without, "family", "copies and casts") -
            count_where(with, "family", "copies and casts") ==
        20);
  CHECK(count_where(without, "family", "adds") == 8);
}
