// Grad-CAM (Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization"): where in
// an image a network sees what speaks for a class.
//
//   alpha[n,k]  = mean over p, q of d logit[n, class] / d A[n,p,q,k]
//   heat[n,p,q] = max(0, sum over k of alpha[n,k] A[n,p,q,k])
//
// A [N,P,Q,K]: what a stage of the network gives, after its ReLU; commonly the last one, whose places are a thirty-second of the
// image's side: 7 x 7 of an image of 224 pixels, but 2 x 2 of one of 64, which show nothing. Where a linear head follows the
// mean over places, alpha is its weights divided by P Q, and heat is CAM (Zhou et al. 2016).
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "models/heads.h"

namespace tern {

/// f32 on the CPU, [N,P,Q], of one class an image, for any function of maps [N,P,Q,K] (f32 or bf16, on any device) to
/// logits [N, classes]. Throws Error{"grad_cam", ...} for a class out of range, or not one an image. Gradients of the
/// function's own parameters are added to them as by any backward().
Tensor grad_cam(const Tensor& maps, const std::function<Variable(const Variable&)>& logits_of,
                std::span<const std::int32_t> classes);

/// Places a side that a heat map should have.
inline constexpr std::int64_t kLeastHeatExtent = 4;

/// The last stage whose maps of images of `side` pixels have as many places a side, or the first if none has.
int heat_map_stage(std::int64_t side);

/// Of the logits of a model's head, by its place in the spec, over the maps of a stage (1..kStages). For evaluation mode only.
/// images [N,H,W,3]. The gradients of the model's parameters are cleared after.
Tensor grad_cam(Model& model, const Tensor& images, std::size_t head, std::span<const std::int32_t> classes,
                int stage = kStages);

}  // namespace tern
