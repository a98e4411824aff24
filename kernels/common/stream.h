// The order in which a device works: what is issued to one stream is done in that order.
#pragma once

struct CUstream_st;

namespace tern {

/// CUDA's cudaStream_t, without CUDA's headers. The emulator works at once and takes nullptr.
using Stream = CUstream_st*;

}  // namespace tern
