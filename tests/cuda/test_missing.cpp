// What is said where something is missing: a driver, a GPU, a library, memory.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

#include "engine/backend/backend.h"
#include "engine/backend/cuda/dynamic_library.h"
#include "engine/core/check.h"
#include "engine/device/cuda/architectures.h"
#include "engine/device/cuda/check.h"
#include "engine/device/cuda/cuda_memory.h"
#include "engine/device/cuda/device_properties.h"
#include "engine/io/file.h"
#include "tests/support/temporary_folder.h"

using namespace tern;

namespace {

std::string device_error(cudaError_t status, int devices, int driver) {
  try {
    fail_without_device(1, status, devices, driver, 13000);
  } catch (const Error& error) {
    return error.what();
  }
}

std::string library_error(const LibraryNeed& need) {
  try {
    const DynamicLibrary library(need);
  } catch (const Error& error) {
    return error.what();
  }
  return "found";
}

}  // namespace

TEST_CASE("missing: a driver, a newer driver, a GPU") {
  CHECK(device_error(cudaErrorInsufficientDriver, 0, 0) ==
        "cuda:1: wanted an NVIDIA driver (libcuda.so.1), got none on this machine; use --device cpu, or "
        "install one");
  CHECK(device_error(cudaErrorInsufficientDriver, 0, 12020) ==
        "cuda:1: wanted a driver for CUDA 13.0 or later, got one for CUDA 12.2; update it, or build tern "
        "with that "
        "version of CUDA");
  CHECK(device_error(cudaErrorNoDevice, 0, 13000) ==
        "cuda:1: wanted a GPU, got none that the driver sees (nvidia-smi, CUDA_VISIBLE_DEVICES); use "
        "--device cpu, or "
        "attach one");
  CHECK(device_error(cudaSuccess, 1, 13000) == "cuda:1: wanted a GPU below number 1, got 1");
  CHECK_THROWS_AS(fail_without_device(0, cudaErrorNoDevice, 0, 13000, 13000),
                  NoDevice);  // no cause for a warning
  CHECK(device_error(cudaErrorStubLibrary, 0, 0).find("stub") != std::string::npos);
  CHECK(device_error(cudaErrorSystemNotReady, 0, 13000).find("cudaErrorSystemNotReady") != std::string::npos);
}

TEST_CASE("missing: on a machine without a GPU the backend says so in one line") {
  int count = 0;
  if (cudaGetDeviceCount(&count) == cudaSuccess && count > 0) return;
  try {
    backend_of(Device::cuda());
    FAIL("wanted an Error");
  } catch (const Error& error) {
    const std::string text = error.what();
    CHECK(text.starts_with("cuda:0: wanted "));
    CHECK(text.find('\n') == std::string::npos);
    CHECK(text.find("--device cpu") != std::string::npos);
  }
  CHECK_THROWS_AS(Tensor::empty({2}, DType::f32, Device::cuda()), Error);
}

TEST_CASE("missing: kernels for this GPU name those that there are") {
  CHECK_FALSE(built_architectures().empty());
  CHECK(architecture_text(90) == "9.0");
  CHECK(architecture_text(121) == "12.1");
}

TEST_CASE("missing: a library is looked for in many places, and all are told") {
  const test::TemporaryFolder folder;
  const LibraryNeed need{"cuNothing", "libcunothing.so.9", "TERN_CUNOTHING", "nvidia/cunothing/lib",
                         "install it"};
  std::string text = library_error(need);
  CHECK(text.find("cuNothing: wanted libcunothing.so.9, got none; looked in the loader's places, ") == 0);
  CHECK(text.find("install it, or name its folder in TERN_CUNOTHING") != std::string::npos);

  setenv("TERN_CUNOTHING", folder.path().c_str(), 1);  // then it is there and nowhere else
  CHECK(library_error(need) == "cuNothing: wanted libcunothing.so.9 where TERN_CUNOTHING says, got " +
                                   folder.path().string() + ", which has none");

  write_file(folder.path() / "libcunothing.so.9", "not a library");
  text = library_error(need);
  CHECK(text.find("cuNothing: wanted a library that loads, got " + folder.path().string()) == 0);
  unsetenv("TERN_CUNOTHING");

  const auto package =
      folder.path() / "lib" / "python3.11" / "site-packages" / "nvidia" / "cunothing" / "lib";
  std::filesystem::create_directories(package);
  setenv("VIRTUAL_ENV", folder.path().c_str(), 1);
  const auto folders = library_folders(need.python_folder);
  CHECK(std::find(folders.begin(), folders.end(), package) != folders.end());
  write_file(package / "libcunothing.so.9", "not a library");
  CHECK(library_error(need).find(package.string()) != std::string::npos);
  unsetenv("VIRTUAL_ENV");
}

TEST_CASE("missing: a function that an older library has not") {
  const DynamicLibrary library({"the C library", "libc.so.6", "TERN_LIBC", "none", "install it"});
  int (*function)(int) = nullptr;
  library.find("abs", function);
  REQUIRE((function != nullptr));
  CHECK(function(-3) == 3);
  CHECK_THROWS_WITH_AS(library.find("no_such_function", function), doctest::Contains("no_such_function"),
                       Error);
}

TEST_CASE("missing: memory, with the figures") {
  CHECK(memory_figures(std::size_t{300} << 20, std::size_t{81920} << 20, std::size_t{70000} << 20) ==
        "300 of the GPU's 81920 MiB are free, tern holds 70000");
}

TEST_CASE("missing: CUDA's errors name the call, the reason and what to do") {
  CHECK_NOTHROW(check_cuda(cudaSuccess, "cudaMalloc"));
  try {
    check_cuda(cudaErrorMemoryAllocation, "cudaMalloc");
    FAIL("wanted an Error");
  } catch (const Error& error) {
    CHECK(std::string(error.what())
              .starts_with("cuda: cudaMalloc failed: out of memory (cudaErrorMemoryAllocation); lower"));
  }
  CHECK(cuda_version_text(12080) == "12.8");
}
