// ResNets (He et al. 2015), Wide ResNets (Zagoruyko and Komodakis 2016) and ResNeXts (Xie et al. 2017) as
// torchvision builds them, up to the pooled features; the stride of a bottleneck is in its 3x3 convolution.
//
//   images [N,H,W,3] -> 7x7/2, BN, ReLU -> max pool 3x3/2 -> four stages of blocks -> average pool -> [N,D]
//   basic block        3x3/s BN ReLU, 3x3 BN, + x, ReLU                       D = 512
//   bottleneck block   1x1 BN ReLU, 3x3/s BN ReLU, 1x1 BN, + x, ReLU          D = 2048
//
// A wide network has more channels in its 3x3 convolutions; a ResNeXt has more and divides them into groups.
// narrow_resnet10_4 is none of torchvision's: a block a stage and a quarter of the channels everywhere (D = 128), .4
// million parameters in place of ResNet-18's 11 million, to try things out in seconds.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/layers.h"
#include "models/module.h"
#include "models/precision.h"

namespace tern {

/// torchvision's layer1 .. layer4: a network's stage is a number in 1..kStages.
inline constexpr int kStages = 4;

struct ResNetArchitecture {
  std::string name;           ///< torchvision's, but for narrow_resnet10_4
  std::array<int, 4> blocks;  ///< in each stage
  bool bottleneck = false;
  int groups = 1;            ///< of a bottleneck's 3x3 convolution
  int width_per_group = 64;  ///< the channels of each of them in the first stage; they double with each stage
  int width = 64;  ///< channels after the first convolution, and of the first stage; they double, too

  std::int64_t features() const { return std::int64_t{bottleneck ? 32 : 8} * width; }
  std::size_t blocks_until(int stage) const;  ///< of the stages up to this one
};

/// Of the max pooling after the first convolution.
inline constexpr Window kStemPool{3, 2, 1};

/// Every name that resnet_architecture() takes.
std::vector<std::string> resnet_names();
/// Throws Error naming the valid ones unless `name` is one of resnet_names().
const ResNetArchitecture& resnet_architecture(const std::string& name);

/// A convolution and the normalisation after it.
struct ConvNorm {
  Conv2d conv;
  BatchNorm2d norm;

  ConvNorm(std::int64_t in, std::int64_t out, const Convolution& convolution, Initialiser& initialiser)
      : conv(in, out, convolution, /*with_bias=*/false, initialiser), norm(out, initialiser) {}
  Variable forward(const Variable& x, bool relu, const Variable& residual = {}) {
    return norm.forward(conv.forward(x), relu, residual);
  }
};

/// Two (basic) or three (bottleneck) convolutions, the last of which adds the shortcut.
struct ResNetBlock {
  std::vector<ConvNorm> path;
  std::optional<ConvNorm> downsample;  ///< of the shortcut, where its shape changes

  Variable forward(const Variable& x);
};

class ResNet : public Module {
 public:
  ResNet(const ResNetArchitecture& architecture, Initialiser& initialiser);

  /// [N,H,W,3] f32 or bf16 -> pooled features [N, features()] f32. H, W >= 1.
  Variable forward(const Variable& images);
  /// The rest of forward(): what stage `stage` gives, [N,P,Q,C] -> pooled features.
  Variable forward_from(int stage, const Variable& maps);
  void visit(const std::string& prefix, StateVisitor& visitor) const override;

  /// Of every batch normalisation. A new network is in training mode.
  void set_training(bool training);
  void synchronise_batch_norm(Communicator& ranks);  ///< BatchNorm2d::synchronise() of every layer
  /// A new network computes in fp32. Throws Error if the device of the parameters has no such precision.
  void set_precision(Precision precision);
  Precision precision() const { return precision_; }
  void count_batch();  ///< in every batch normalisation, see there

  const ResNetArchitecture& architecture() const { return architecture_; }
  std::int64_t features() const { return architecture_.features(); }
  const ConvNorm& stem() const { return stem_; }
  const std::vector<ResNetBlock>& blocks() const { return blocks_; }

 private:
  ResNetArchitecture architecture_;
  ConvNorm stem_;
  std::vector<ResNetBlock> blocks_;  ///< of all stages, in order
  Precision precision_ = Precision::fp32;

  template <typename Visit>
  void for_layers(Visit visit);
};

/// The extent of a stage's maps for images of `side` pixels a side: a quarter at the first, half as much at each further one.
std::int64_t stage_extent(std::int64_t side, int stage);

ResNet make_resnet(const std::string& architecture, std::uint64_t seed, Device device = Device::cpu());

/// A snapshot of a ResNet for evaluation: each normalisation is folded into its convolution,
///   w' = w gamma / sqrt(variance + epsilon)     b' = beta - mean gamma / sqrt(variance + epsilon)
/// and convolution, bias, shortcut and ReLU are one primitive, in the network's precision. Records no
/// history.
class FoldedResNet {
 public:
  explicit FoldedResNet(const ResNet& network);

  /// Takes the network's weights and statistics as they are now, into the same memory: recorded work that
  /// reads it goes on. The network is the same one, or one of its architecture and precision.
  void update(const ResNet& network);

  /// [N,H,W,3] -> pooled features [N, D], as ResNet::forward in evaluation mode.
  Tensor forward(const Tensor& images) const;
  /// [N,H,W,3] -> what a stage gives, [N,P,Q,C], in the precision's type; what the last one gives is pooled.
  Tensor maps(const Tensor& images, int stage = kStages) const;

 private:
  struct Conv {
    Tensor weight, bias;  ///< weight in the activations' type, bias f32
    Convolution convolution;
    std::unique_ptr<PackedWeights> packed = std::make_unique<PackedWeights>();
  };
  struct Block {
    std::vector<Conv> path;
    std::optional<Conv> downsample;
  };

  /// maps() without the division of the batch.
  Tensor maps_at_once(const Tensor& images, int stage) const;
  Conv make_conv(const ConvNorm& layer) const;
  static Tensor run(const Conv& conv, const Tensor& x, const Epilogue& epilogue);

  ResNetArchitecture architecture_;
  DType activations_;
  Conv stem_;
  std::vector<Block> blocks_;
};

}  // namespace tern
