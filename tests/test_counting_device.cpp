// The device that counts a step without doing it (benchmarks/account): its bytes against those that one can work out by hand.
#include <doctest/doctest.h>

#include <functional>
#include <vector>

#include "benchmarks/account/counting_backend.h"
#include "benchmarks/account/roofline.h"
#include "benchmarks/account/step_account.h"
#include "engine/autograd/tape.h"
#include "engine/backend/elementwise.h"
#include "engine/core/check.h"
#include "engine/ops/batch_norm.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/max_pool.h"
#include "engine/ops/relu.h"
#include "kernels/batch_norm.h"

using namespace tern;
using account::Family;
using account::Operation;
using account::StepAccount;

namespace {

std::vector<Operation> counted(const std::function<void()>& work) {
  const StepAccount account;
  work();
  return account.operations();
}

Tensor on_device(const Shape& shape, DType type = DType::f32) {
  return Tensor::empty(shape, type, Device::cuda());
}

void check_bytes(const Operation& operation, Family family, std::int64_t read, std::int64_t written) {
  CAPTURE(operation.name);
  CHECK(name_of(operation.family) == std::string(name_of(family)));
  CHECK(operation.bytes_read == read);
  CHECK(operation.bytes_written == written);
}

BatchNormState norm_of(std::int64_t channels) {
  BatchNormState state;
  state.gamma = Variable(on_device({channels}), true);
  state.beta = Variable(on_device({channels}), true);
  state.running_mean = on_device({channels});
  state.running_variance = on_device({channels});
  return state;
}

}  // namespace

TEST_CASE("counting device: values one by one") {
  const Tensor x = on_device({64, 64}), other = on_device({64, 64});
  Tensor y = on_device({64, 64}), half = on_device({64, 64}, DType::bf16);
  const auto operations = counted([&] {
    relu_forward(x, y);
    add(x, other, y);
    convert(x, half);
    y.assign(x);
  });
  REQUIRE(operations.size() == 4);
  check_bytes(operations[0], Family::relu, 16384, 16384);
  check_bytes(operations[1], Family::add, 2 * 16384, 16384);
  check_bytes(operations[2], Family::copy, 16384, 8192);
  check_bytes(operations[3], Family::copy, 16384, 16384);
  CHECK(operations[3].kind == account::OperationKind::copy);
}

TEST_CASE("counting device: convolutions read the pixels that their windows touch") {
  const std::int64_t x = 2 * 8 * 8 * 16 * 2, w = 32 * 9 * 16 * 2, y = 2 * 4 * 4 * 32 * 2;
  const Tensor images = on_device({2, 8, 8, 16}, DType::bf16), dy = on_device({2, 4, 4, 32}, DType::bf16);
  const Tensor filters = on_device({32, 3, 3, 16}, DType::bf16),
               points = on_device({32, 1, 1, 16}, DType::bf16);
  Tensor out = on_device({2, 4, 4, 32}, DType::bf16), dx = on_device({2, 8, 8, 16}, DType::bf16),
         dw = on_device({32, 3, 3, 16}, DType::bf16);
  Backend& backend = backend_of(images);
  const Convolution window(Window{3, 2, 1}), point(Window{1, 2, 0});
  const auto operations = counted([&] {
    CHECK(backend.conv2d_forward(images, filters, nullptr, window, {}, out));
    CHECK(backend.conv2d_forward(images, points, nullptr, point, {}, out));
    backend.conv2d_backward_data(dy, filters, window, dx);
    CHECK(backend.conv2d_add_backward_data(dy, filters, window, dx));
    backend.conv2d_backward_weight(images, dy, window, dw);
  });
  REQUIRE(operations.size() == 5);
  check_bytes(operations[0], Family::convolution_forward, x + w, y);
  check_bytes(operations[1], Family::convolution_forward, x / 4 + w / 9, y);
  check_bytes(operations[2], Family::convolution_dgrad, y + w, x);
  check_bytes(operations[3], Family::convolution_dgrad, y + w + x, x);
  check_bytes(operations[4], Family::convolution_wgrad, x + y, w);
  const double flop = 2.0 * (2 * 4 * 4 * 32) * (9 * 16);
  for (const int i : {0, 2, 3, 4}) CHECK(operations[static_cast<std::size_t>(i)].flop == flop);
  CHECK(operations[1].flop == flop / 9);
}

TEST_CASE("counting device: products") {
  Tensor c = on_device({5, 7});
  const Tensor a = on_device({5, 40}), b = on_device({7, 40});
  const auto operations = counted([&] { backend_of(a).matmul(a, b, {.transpose_b = true}, c); });
  REQUIRE(operations.size() == 1);
  check_bytes(operations[0], Family::head, 4 * (5 * 40 + 7 * 40), 4 * 5 * 7);
  CHECK(operations[0].flop == 2 * 5 * 40 * 7);
}

// 16 rows of 64 channels are 4,096 bytes, and a number a channel 256.
TEST_CASE("counting device: batch norm of few rows moves each array once") {
  BatchNormState state = norm_of(64);
  const Variable x(on_device({16, 64}), true), residual(on_device({16, 64}), true);
  const Tensor dy = on_device({16, 64});
  const auto step = [&](const Variable& shortcut) {
    backward(batch_norm(x, state, /*training=*/true, shortcut, /*relu=*/true), dy);
  };
  step({});
  step(residual);  // workspaces are there, and so are the leaves' gradients
  const auto operations = counted([&] { step({}); });
  REQUIRE(operations.size() >= 2);
  // gamma, beta, the running statistics and the batch's, of which all but the first two are written.
  check_bytes(operations[0], Family::batch_norm_forward, 4096 + 6 * 256, 4096 + 4 * 256);
  check_bytes(operations[1], Family::batch_norm_backward, 2 * 4096 + 6 * 256, 4096 + 2 * 256);
  const auto with_residual = counted([&] { step(residual); });
  REQUIRE(with_residual.size() >= 2);
  check_bytes(with_residual[0], Family::batch_norm_forward, 2 * 4096 + 6 * 256, 4096 + 4 * 256);
  check_bytes(with_residual[1], Family::batch_norm_backward, 3 * 4096 + 5 * 256,
              2 * 4096 + 2 * 256);  // y; dresidual
}

TEST_CASE("counting device: batch norm in two launches reads x twice, and back x and dy twice") {
  const Tensor x = on_device({16, 64}), dy = on_device({16, 64}), gamma = on_device({64}),
               beta = on_device({64});
  Tensor y = on_device({16, 64}), dx = on_device({16, 64}), dresidual = on_device({16, 64}),
         mean = on_device({64}), inverse_std = on_device({64}), running = on_device({2, 64}),
         sums = on_device({2, 64});
  Tensor workspace = Tensor::zeros({static_cast<std::int64_t>(kernels::batch_norm_workspace_bytes(16, 64))},
                                   DType::u8, Device::cuda());
  const auto back = [&](const float* mask, const float* from_beta, float* to_residual) {
    kernels::batch_norm_backward(x.data<float>(), mask, dy.data<float>(), gamma.data<float>(), from_beta,
                                 mean.data<float>(), inverse_std.data<float>(), true, dx.data<float>(),
                                 sums.data<float>(), sums.data<float>() + 64, to_residual, workspace.raw(),
                                 16, 64, nullptr, /*one_launch_rows=*/0);
  };
  const auto operations = counted([&] {
    kernels::batch_norm_training<float>(x.data<float>(), gamma.data<float>(), beta.data<float>(), nullptr,
                                        true, 1e-5f, 0.1f, running.data<float>(), running.data<float>() + 64,
                                        mean.data<float>(), inverse_std.data<float>(), y.data<float>(),
                                        workspace.raw(), 16, 64, nullptr,
                                        /*one_launch_rows=*/0);
    back(nullptr, beta.data<float>(), nullptr);
    back(y.data<float>(), nullptr, dresidual.data<float>());
  });
  REQUIRE(operations.size() == 6);
  check_bytes(operations[0], Family::batch_norm_forward, 4096 + 2 * 256,
              4 * 256);  // the running statistics, and both
  check_bytes(operations[1], Family::batch_norm_forward, 4096 + 4 * 256, 4096);
  check_bytes(operations[2], Family::batch_norm_backward, 2 * 4096 + 4 * 256, 2 * 256);
  check_bytes(operations[3], Family::batch_norm_backward, 2 * 4096 + 6 * 256, 4096);
  check_bytes(operations[4], Family::batch_norm_backward, 3 * 4096 + 2 * 256,
              4096 + 2 * 256);  // y too; dresidual
  check_bytes(operations[5], Family::batch_norm_backward, 2 * 4096 + 5 * 256, 4096);
}

TEST_CASE("counting device: a large launch is counted from some of its blocks") {
  const Tensor x = on_device({64, 32, 32, 64}, DType::bf16);
  const auto run = [&] {
    const NoGrad no_grad;
    max_pool(Variable(x), {3, 2, 1});  // rows of windows overlap
  };
  const auto whole = counted(run);
  const StepAccount few(1000);
  run();
  REQUIRE(whole.size() == 1);
  REQUIRE(few.operations().size() == 1);
  CHECK(whole[0].bytes_read == 64 * 32 * 32 * 64 * 2);
  CHECK(static_cast<double>(few.operations()[0].bytes_read) ==
        doctest::Approx(static_cast<double>(whole[0].bytes_read))
            .epsilon(0.15));  // 4 blocks count 9 rows of pixels for 8
  CHECK(few.operations()[0].bytes_written == whole[0].bytes_written);
}

TEST_CASE("counting device: tensors that no machine could hold") {
  const std::int64_t elements = std::int64_t{1} << 35;
  const Tensor x = on_device({elements}, DType::bf16);
  Tensor y = on_device({elements}, DType::bf16);
  const auto operations = counted([&] { relu_forward(x, y); });
  REQUIRE(operations.size() == 1);
  check_bytes(operations[0], Family::relu, 2 * elements, 2 * elements);
}

TEST_CASE("counting device: what is recorded counts when it is replayed, each time") {
  const Tensor x = on_device({64});
  Tensor y = on_device({64});
  const StepAccount account;
  const auto recorded = backend_of(x).capture([&] { relu_forward(x, y); });
  CHECK(account.operations().empty());
  recorded->run();
  recorded->run();
  relu_forward(x, y);
  REQUIRE(account.operations().size() == 3);
  CHECK(account.operations()[1].is_replayed);
  CHECK_FALSE(account.operations()[2].is_replayed);
  CHECK_THROWS_AS(backend_of(x).capture([&] { x.to_vector<float>(); }), Error);  // as on a GPU
}

TEST_CASE("counting device: kernels' results are forgotten, the host's copies are not") {
  const Tensor ones = Tensor::full({64}, 1).to(Device::cuda());
  Tensor y = on_device({64});
  counted([&] { fill(2, y); });
  CHECK(y.to_vector<float>() == std::vector<float>(64, 0.0f));
  CHECK(ones.to_vector<float>() == std::vector<float>(64, 1.0f));
}

TEST_CASE("counting device: a roof is bytes or products, whichever takes longer") {
  const emulator::Device& gpu = emulator::device("H200");
  Operation operation;
  operation.bytes_read = 4'800'000;
  CHECK(roof_of(operation, gpu).us() == doctest::Approx(1));
  operation.flop = 2 * 989.4e6;
  operation.arithmetic = account::Arithmetic::bf16;
  CHECK(roof_of(operation, gpu).us() == doctest::Approx(2));
  CHECK_THROWS_AS(tflops_of(account::Arithmetic::bf16, emulator::device("T4")), Error);
}
