#include "models/resnet.h"

#include <algorithm>
#include <span>

#include "engine/core/check.h"
#include "engine/core/parallel.h"
#include "engine/ops/cast.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/fold_batch_norm.h"
#include "engine/ops/global_average_pool.h"
#include "engine/ops/max_pool.h"

namespace tern {
namespace {

constexpr Window kStemWindow{7, 2, 3};
constexpr Window kHalvingWindow{3, 2, 1};  // of the first block of stages 1..3

std::span<const ResNetArchitecture> architectures() {
  static const ResNetArchitecture all[] = {
      // blocks of each stage, bottleneck, groups, width per group, width
      {"resnet18", {2, 2, 2, 2}},
      {"resnet34", {3, 4, 6, 3}},
      {"resnet50", {3, 4, 6, 3}, true},
      {"resnet101", {3, 4, 23, 3}, true},
      {"resnet152", {3, 8, 36, 3}, true},
      {"wide_resnet50_2", {3, 4, 6, 3}, true, 1, 128},
      {"resnext50_32x4d", {3, 4, 6, 3}, true, 32, 4},
      {"narrow_resnet10_4", {1, 1, 1, 1}, false, 1, 64, 16},
  };
  return all;
}

/// Block `index` of stage `stage`: channels double and the extent halves at the first block of stages 1..3.
ResNetBlock make_block(const ResNetArchitecture& architecture, int stage, int index,
                       Initialiser& initialiser) {
  const std::int64_t channels = std::int64_t{architecture.width} << stage;
  const std::int64_t out = architecture.bottleneck ? 4 * channels : channels;
  const bool first = index == 0;
  const std::int64_t in = !first ? out : stage == 0 ? channels : out / 2;
  const int stride = first && stage > 0 ? 2 : 1;

  ResNetBlock block;
  if (architecture.bottleneck) {
    const std::int64_t width = std::int64_t{architecture.groups} * architecture.width_per_group << stage;
    block.path.emplace_back(in, width, Window{1, 1, 0}, initialiser);
    block.path.emplace_back(width, width, Convolution(Window{3, stride, 1}, architecture.groups),
                            initialiser);
    block.path.emplace_back(width, out, Window{1, 1, 0}, initialiser);
  } else {
    block.path.emplace_back(in, out, Window{3, stride, 1}, initialiser);
    block.path.emplace_back(out, out, Window{3, 1, 1}, initialiser);
  }
  if (stride != 1 || in != out) block.downsample.emplace(in, out, Window{1, stride, 0}, initialiser);
  return block;
}

void visit_block(const ResNetBlock& block, const std::string& prefix, StateVisitor& visitor) {
  for (std::size_t i = 0; i < block.path.size(); ++i) {
    const std::string number = std::to_string(i + 1);
    block.path[i].conv.visit(prefix + "conv" + number + ".", visitor);
    block.path[i].norm.visit(prefix + "bn" + number + ".", visitor);
  }
  if (block.downsample) {
    block.downsample->conv.visit(prefix + "downsample.0.", visitor);
    block.downsample->norm.visit(prefix + "downsample.1.", visitor);
  }
}

}  // namespace

std::vector<std::string> resnet_names() {
  std::vector<std::string> names;
  for (const ResNetArchitecture& architecture : architectures()) names.push_back(architecture.name);
  return names;
}

const ResNetArchitecture& resnet_architecture(const std::string& name) {
  std::string known;
  for (const ResNetArchitecture& architecture : architectures()) {
    if (architecture.name == name) return architecture;
    known += (known.empty() ? "'" : ", '") + architecture.name + "'";
  }
  throw Error("architecture", "one of " + known, "'" + name + "'");
}

std::size_t ResNetArchitecture::blocks_until(int stage) const {
  std::size_t count = 0;
  for (int s = 0; s < stage; ++s) count += static_cast<std::size_t>(blocks[static_cast<std::size_t>(s)]);
  return count;
}

Variable ResNetBlock::forward(const Variable& x) {
  const Variable shortcut = downsample ? downsample->forward(x, /*relu=*/false) : x;
  Variable y = x;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) y = path[i].forward(y, /*relu=*/true);
  return path.back().forward(y, /*relu=*/true, shortcut);
}

ResNet::ResNet(const ResNetArchitecture& architecture, Initialiser& initialiser)
    : architecture_(architecture), stem_(3, architecture.width, kStemWindow, initialiser) {
  for (int stage = 0; stage < kStages; ++stage) {
    for (int index = 0; index < architecture_.blocks[static_cast<std::size_t>(stage)]; ++index) {
      blocks_.push_back(make_block(architecture_, stage, index, initialiser));
    }
  }
}

Variable ResNet::forward(const Variable& images) {
  check_rank("resnet", images.data(), 4, "[N, height, width, 3]");
  Variable x = cast(images, activation_type(precision_));
  x = max_pool(stem_.forward(x, /*relu=*/true), kStemPool);
  return forward_from(0, x);
}

Variable ResNet::forward_from(int stage, const Variable& maps) {
  const std::size_t first = architecture_.blocks_until(stage);
  Variable x = first < blocks_.size() ? cast(maps, activation_type(precision_)) : maps;
  for (std::size_t block = first; block < blocks_.size(); ++block) x = blocks_[block].forward(x);
  return global_average_pool(x);
}

void ResNet::visit(const std::string& prefix, StateVisitor& visitor) const {
  stem_.conv.visit(prefix + "conv1.", visitor);
  stem_.norm.visit(prefix + "bn1.", visitor);
  std::size_t block = 0;
  for (std::size_t stage = 0; stage < kStages; ++stage) {
    for (int index = 0; index < architecture_.blocks[stage]; ++index) {
      const std::string name = "layer" + std::to_string(stage + 1) + "." + std::to_string(index) + ".";
      visit_block(blocks_[block++], prefix + name, visitor);
    }
  }
}

template <typename Visit>
void ResNet::for_layers(Visit visit) {
  visit(stem_);
  for (ResNetBlock& block : blocks_) {
    for (ConvNorm& layer : block.path) visit(layer);
    if (block.downsample) visit(*block.downsample);
  }
}

void ResNet::set_training(bool training) {
  for_layers([training](ConvNorm& layer) { layer.norm.set_training(training); });
}

void ResNet::synchronise_batch_norm(Communicator& ranks) {
  for_layers([&ranks](ConvNorm& layer) { layer.norm.synchronise(ranks); });
}

void ResNet::set_precision(Precision precision) {
  check_precision(stem_.conv.weight().data().device(), precision);
  precision_ = precision;
  for_layers([precision](ConvNorm& layer) { layer.conv.set_tf32(precision == Precision::tf32); });
}

void ResNet::count_batch() {
  for_layers([](ConvNorm& layer) { layer.norm.count_batch(); });
}

std::int64_t stage_extent(std::int64_t side, int stage) {
  std::int64_t extent = kStemPool.output_extent(kStemWindow.output_extent(side));
  for (int before = 1; before < stage; ++before) extent = kHalvingWindow.output_extent(extent);
  return extent;
}

ResNet make_resnet(const std::string& architecture, std::uint64_t seed, Device device) {
  Initialiser initialiser(seed, device);
  return ResNet(resnet_architecture(architecture), initialiser);
}

FoldedResNet::FoldedResNet(const ResNet& network)
    : architecture_(network.architecture()),
      activations_(activation_type(network.precision())),
      stem_(make_conv(network.stem())) {
  for (const ResNetBlock& block : network.blocks()) {
    Block folded;
    for (const ConvNorm& layer : block.path) folded.path.push_back(make_conv(layer));
    if (block.downsample) folded.downsample = make_conv(*block.downsample);
    blocks_.push_back(std::move(folded));
  }
  update(network);
}

FoldedResNet::Conv FoldedResNet::make_conv(const ConvNorm& layer) const {
  const Tensor& weight = layer.conv.weight().data();
  const Device device = weight.device();
  return {Tensor::empty(weight.shape(), activations_, device),
          Tensor::empty({weight.size(0)}, DType::f32, device), layer.conv.convolution()};
}

void FoldedResNet::update(const ResNet& network) {
  const auto fold = [](const ConvNorm& layer, Conv& conv) {
    fold_batch_norm(layer.conv.weight().data(), layer.norm.state(), conv.weight, conv.bias);
    conv.packed->clear();
  };
  fold(network.stem(), stem_);
  for (std::size_t b = 0; b < blocks_.size(); ++b) {
    const ResNetBlock& block = network.blocks()[b];
    for (std::size_t i = 0; i < block.path.size(); ++i) fold(block.path[i], blocks_[b].path[i]);
    if (block.downsample) fold(*block.downsample, *blocks_[b].downsample);
  }
}

Tensor FoldedResNet::run(const Conv& conv, const Tensor& x, const Epilogue& epilogue) {
  return conv2d_fused(x, conv.weight, &conv.bias, conv.convolution, epilogue, conv.packed.get());
}

Tensor FoldedResNet::forward(const Tensor& images) const {
  const NoGrad no_grad;
  return global_average_pool(Variable(maps(images))).data();
}

namespace {

/// Enough that its products are large and the weights are not read too often, and few enough that there are pieces for every thread: 32
/// of 64 x 64 pixels, two of 224 x 224. It depends on nothing else, so that an image's features do not, either.
std::int64_t images_per_piece(const Tensor& images) {
  constexpr std::int64_t kPixels = 32 * 64 * 64;
  return std::max<std::int64_t>(kPixels / std::max<std::int64_t>(images.size(1) * images.size(2), 1), 1);
}

/// [N,P,Q,C] of parts of its images in order.
Tensor join_images(const std::vector<Tensor>& parts) {
  const Tensor& part = parts.front();
  std::int64_t count = 0;
  for (const Tensor& images : parts) count += images.size(0);
  Tensor whole =
      Tensor::empty({count, part.size(1), part.size(2), part.size(3)}, part.dtype(), part.device());
  std::int64_t first = 0;
  for (const Tensor& images : parts) {
    whole.rows(first, first + images.size(0)).assign(images);
    first += images.size(0);
  }
  return whole;
}

}  // namespace

Tensor FoldedResNet::maps(const Tensor& images, int stage) const {
  check_rank("resnet", images, 4, "[N, height, width, 3]");
  const std::int64_t per_piece = images_per_piece(images), count = images.size(0);
  const std::int64_t pieces = (count + per_piece - 1) / per_piece;
  if (!images.device().is_cpu() || pieces < std::max(thread_count(), 2)) return maps_at_once(images, stage);
  std::vector<Tensor> maps(static_cast<std::size_t>(pieces));
  parallel_tasks(pieces, [&](std::int64_t piece) {
    const std::int64_t first = piece * per_piece;
    maps[static_cast<std::size_t>(piece)] =
        maps_at_once(images.rows(first, std::min(first + per_piece, count)), stage);
  });
  return join_images(maps);
}

Tensor FoldedResNet::maps_at_once(const Tensor& images, int stage) const {
  const NoGrad no_grad;
  const Tensor input = cast(Variable(images), activations_).data();
  Tensor x = max_pool(Variable(run(stem_, input, {nullptr, true})), kStemPool).data();
  for (std::size_t b = 0; b < architecture_.blocks_until(stage); ++b) {
    const Block& block = blocks_[b];
    const Tensor shortcut = block.downsample ? run(*block.downsample, x, {}) : x;
    for (std::size_t i = 0; i + 1 < block.path.size(); ++i) x = run(block.path[i], x, {nullptr, true});
    x = run(block.path.back(), x, {&shortcut, true});
  }
  return x;
}

}  // namespace tern
