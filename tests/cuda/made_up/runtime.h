// A CUDA runtime that is made up, on the emulator: enough for benchmarks/kernels/gpu_bench.cpp to run where there is no GPU. Streams do
// everything at once, graphs keep what was launched, events read this machine's clock. Its times mean nothing.
#pragma once

#include <string>

namespace tern::test {

inline constexpr std::size_t kMadeUpMemory = 1 << 20;  ///< bytes, all of them free

/// What was done since the last call, a letter each: f a read of the flush's memory, e an event, s a wait for the stream, g a graph.
std::string take_made_up_log();

}  // namespace tern::test
