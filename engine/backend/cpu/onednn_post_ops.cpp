#include "engine/backend/cpu/onednn_post_ops.h"

namespace tern {
namespace {

void append_elementwise(dnnl::post_ops& after, dnnl::algorithm algorithm, float alpha) {
#if DNNL_VERSION_MAJOR >= 3
  after.append_eltwise(algorithm, alpha, 0.0f);
#else
  after.append_eltwise(1.0f, algorithm, alpha, 0.0f);
#endif
}

}  // namespace

void append_relu(dnnl::post_ops& after) {
  append_elementwise(after, dnnl::algorithm::eltwise_relu, 0x1p-100f);
  append_elementwise(after, dnnl::algorithm::eltwise_abs, 0.0f);
}

}  // namespace tern
