#include "apps/common/runtime.h"

#include <doctest/doctest.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "engine/core/check.h"
#include "engine/core/parallel.h"
#include "engine/device/device_memory.h"

using namespace tern;

TEST_CASE("runtime: threads and devices") {
  const int before = thread_count();
  CHECK(prepare_runtime({"cpu", 1}) == Device::cpu());
  CHECK(thread_count() == 1);
  CHECK(loader_threads(Device::cpu()) >= 1);
  CHECK_THROWS_WITH_AS(prepare_runtime({"gpu", 1}),
                       doctest::Contains("--device: wanted auto, cpu or cuda, got gpu"), Error);
  CHECK_NOTHROW(prepare_runtime({"auto", 1}));
  set_thread_count(before);
}

TEST_CASE("runtime: a GPU that is there but cannot be used is named, one that is not there is not") {
  const auto choose = [](const std::function<void(Device)>& open) {
    char* text = nullptr;
    std::size_t size = 0;
    std::FILE* notes = open_memstream(&text, &size);
    const Device device = gpu_or_cpu(open, notes);
    std::fclose(notes);
    const std::string said(text, size);
    std::free(text);
    return std::pair(device, said);
  };
  CHECK(choose([](Device) {}) == std::pair(Device::cuda(), std::string()));
  CHECK(choose([](Device gpu) { throw NoDevice(gpu.text(), "a GPU", "none"); }) ==
        std::pair(Device::cpu(), std::string()));
  CHECK(choose([](Device) { throw Error("cuDNN", "libcudnn.so.9", "none"); }) ==
        std::pair(Device::cpu(), std::string("tern: going on with the CPU, since the GPU cannot be used: "
                                             "cuDNN: wanted libcudnn.so.9, got none\n")));
}

TEST_CASE("runtime: a signal sets a flag while a StopRequest lives") {
  {
    const StopRequest request;
    CHECK_FALSE(StopRequest::arrived());
    std::raise(SIGTERM);
    CHECK(StopRequest::arrived());
    CHECK(StopRequest::signal() == SIGTERM);
    CHECK(Stopped("a", "b").signal() == SIGTERM);
  }
  CHECK_FALSE(StopRequest::arrived());
}

TEST_CASE("runtime: peak memory is that of a process") {
  CHECK(peak_memory_mib() > 1);
  CHECK(peak_memory_mib() < 1e6);
}

TEST_CASE("runtime: where memory runs out in a batch, the message says what helps") {
  CHECK(with_memory_advice(64, [] { return 3; }) == 3);
  CHECK_THROWS_WITH_AS(
      with_memory_advice(64, []() -> int { throw OutOfMemory(std::size_t{12} << 20); }),
      "out of memory: wanted a block of 12 MiB, got none; lower batch_size, now 64, or close other programs",
      OutOfMemory);
  CHECK_THROWS_WITH_AS(
      with_memory_advice(64, []() -> int { throw OutOfMemory(std::size_t{12} << 20, "", "3 MiB are free"); }),
      doctest::Contains("got none; 3 MiB are free; lower batch_size, now 64"), OutOfMemory);
}
