// The stand-in for a GPU keeps its promise: only kernels and copies may touch its memory.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "engine/autograd/tape.h"
#include "engine/backend/backend.h"
#include "engine/backend/elementwise.h"
#include "engine/core/check.h"
#include "engine/device/device_memory.h"
#include "engine/ops/cosine_head.h"
#include "engine/ops/linear.h"
#include "engine/ops/relu.h"
#include "engine/ops/sum.h"
#include "models/heads.h"
#include "tests/support/tensors.h"

using namespace tern;

namespace {

/// The signal that ends a process which runs `body`; 0 if it comes to its end.
int signal_of(const std::function<void()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGSEGV, SIG_DFL);
    body();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

}  // namespace

TEST_CASE("emulated device: the host may not touch its memory, before and after it worked") {
  Tensor x = test::uniform({64}, -1, 1, 1, Device::cuda());
  const auto read = [&] {
    volatile float value = x.data<float>()[3];
    static_cast<void>(value);
  };
  const auto write = [&] { x.data<float>()[3] = 1; };
  for (int round = 0; round < 2; ++round) {
    CHECK(signal_of(read) == SIGSEGV);
    CHECK(signal_of(write) == SIGSEGV);
    CHECK(signal_of([&] { x.to_vector<float>(); }) == 0);
    relu_forward(x, x);
  }
}

TEST_CASE("emulated device: a copy that names the wrong side is refused") {
  Tensor there = Tensor::zeros({4}, DType::f32, Device::cuda()), here = Tensor::zeros({4});
  DeviceMemory& memory = cuda_memory(0);
  CHECK_THROWS_AS(memory.copy_from_host(here.raw(), here.raw(), 16), Error);
  CHECK_THROWS_AS(memory.copy_to_host(there.raw(), there.raw(), 16), Error);
  CHECK_THROWS_AS(memory.copy_within(there.raw(), here.raw(), 16), Error);
  CHECK_THROWS_AS(cuda_memory(1), Error);
}

TEST_CASE("emulated device: memory is cached, counted and given back") {
  DeviceMemory& memory = cuda_memory(0);
  memory.release_cached();
  const AllocatorStatistics before = memory.statistics();
  { const Tensor x = Tensor::zeros({1000}, DType::f32, Device::cuda()); }
  { const Tensor x = Tensor::zeros({1000}, DType::f32, Device::cuda()); }
  const AllocatorStatistics after = memory.statistics();
  CHECK(after.system_allocations == before.system_allocations + 1);
  CHECK(after.bytes_in_use == before.bytes_in_use);
  CHECK(after.bytes_cached >= 4000);
  release_cached_memory(Device::cuda());
  CHECK(memory.statistics().bytes_cached == 0);
}

TEST_CASE("emulated device: TF32 rounds the factors of products, and only where it is asked for") {
  const Device device = Device::cuda();
  Backend& backend = backend_of(device);
  const auto value = [device](const Shape& shape, float number) {
    return Tensor::full(shape, number).to(device);
  };
  const float over = 1 + 0x1p-12f;  // 1 in TF32
  const Tensor a = value({1, 1}, over), b = value({1, 1}, 1), x = value({1, 1, 1, 1}, over),
               w = value({1, 1, 1, 1}, 1);
  for (const bool tf32 : {false, true}) {
    const float wanted = tf32 ? 1 : over;
    Tensor c = Tensor::empty({1, 1}, DType::f32, device), y = Tensor::empty({1, 1, 1, 1}, DType::f32, device);
    backend.matmul(a, b, {.tf32 = tf32}, c);
    CHECK(c.item() == wanted);
    backend.matmul(b, a, {.tf32 = tf32}, c);
    CHECK(c.item() == wanted);
    const Convolution convolution(Window{1, 1, 0}, tf32);
    CHECK(backend.conv2d_forward(x, w, nullptr, convolution, {}, y));
    CHECK(y.item() == wanted);
    backend.conv2d_backward_data(x, w, convolution, y);
    CHECK(y.item() == wanted);
    backend.conv2d_backward_weight(w, x, convolution, y);
    CHECK(y.item() == wanted);
  }
}

TEST_CASE("emulated device: TF32 reaches the products of heads, and of their gradients") {
  const Device device = Device::cuda();
  const auto results = [device](bool cosine, bool tf32) {
    Variable x(test::uniform({5, 40}, -1, 1, 1, device), true),
        w(test::uniform({7, 40}, -1, 1, 2, device), true);
    const Variable y =
        cosine ? cosine_head(x, w, Variable(Tensor::full({1}, 30).to(device)), tf32) : linear(x, w, {}, tf32);
    backward(y, test::uniform({5, 7}, -1, 1, 3, device));
    return std::vector<Tensor>{y.data(), x.grad(), w.grad()};
  };
  for (const bool cosine : {false, true}) {
    const std::vector<Tensor> exact = results(cosine, false), rounded = results(cosine, true);
    for (std::size_t i = 0; i < exact.size(); ++i) {
      CAPTURE(cosine);
      CAPTURE(i);
      const double error = test::relative_norm({rounded[i]}, {exact[i]});
      CHECK(error > 1e-5);
      CHECK(error < 2e-3);
    }
  }
  for (const HeadKind kind : {HeadKind::linear, HeadKind::cosine, HeadKind::cosine_relu_linear}) {
    Model model({"narrow_resnet10_4", {{"head", kind, 3}}}, Initialiser(1, device));
    model.set_training(false);
    const Tensor features = test::uniform({2, 128}, 0, 1, 1, device), exact = model.head_logits(features)[0];
    model.set_precision(Precision::tf32);
    CHECK_FALSE(test::same_bytes(model.head_logits(features)[0], exact));
    model.set_precision(Precision::fp32);
    CHECK(test::same_bytes(model.head_logits(features)[0], exact));
  }
}

TEST_CASE("emulated device: what is recorded is not done yet, and then done at each run") {
  Backend& backend = backend_of(Device::cuda());
  Tensor x = Tensor::zeros({8}, DType::f32, Device::cuda());
  const Tensor one = Tensor::full({8}, 1).to(Device::cuda());
  Tensor made;
  const auto recorded = backend.capture([&] {
    add(x, one, x);
    made = Tensor::empty_like(x);
    fill(2, made);
  });
  CHECK(x.to_vector<float>() == std::vector<float>(8, 0.0f));
  CHECK(made.to_vector<float>() != std::vector<float>(8, 2.0f));
  for (int runs = 1; runs < 3; ++runs) {
    recorded->run();
    CHECK(x.to_vector<float>() == std::vector<float>(8, static_cast<float>(runs)));
  }
}

TEST_CASE(
    "emulated device: as on a GPU, no copy to or from the host is recorded, and no kernel's first call") {
  Backend& backend = backend_of(Device::cuda());
  Tensor x = Tensor::zeros({640, 8}, DType::f32, Device::cuda()),
         sum = Tensor::zeros({8}, DType::f32, Device::cuda());
  CHECK_THROWS_WITH_AS(backend.capture([&] { x.to_vector<float>(); }), doctest::Contains("to host memory"),
                       Error);
  CHECK_THROWS_WITH_AS(backend.capture([&] {
    x.assign(Tensor::zeros({640, 8}).to(Device::cuda()));
  }),
                       doctest::Contains("from host memory"), Error);
  const auto work = [&] { sum_rows(x, sum); };
  CHECK_THROWS_WITH_AS(backend.capture(work), doctest::Contains("the first sum_rows of its shape"), Error);
  fill(1, x);
  work();  // on a workspace of zeros, whatever the attempt left behind
  CHECK(sum.to_vector<float>() == std::vector<float>(8, 640.0f));
  CHECK(backend.capture(work) != nullptr);
}
