// What oneDNN does to a result on the way out. For the sources of this folder.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

namespace tern {

/// ReLU that hands NaN on, and gives |x| 2^-100 for x < 0.
///
/// oneDNN's own ReLU is max(x, 0) by an instruction that turns NaN into 0: a broken network would answer as if nothing were wrong. With a
/// slope for the negative it multiplies by the slope what is not above 0, NaN too. So the slope is one that no sum notices, and then the
/// absolute value is taken, so that nothing is below 0: |x| 2^-100 stands where 0 should. (A smaller slope would make subnormal numbers,
/// which are slow.) -infinity, which only an overflow makes, becomes infinity. oneDNN has the same kernels for it, as fast as its own ReLU.
void append_relu(dnnl::post_ops& after);

}  // namespace tern
