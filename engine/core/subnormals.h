// Subnormal numbers: those below 1.2e-38 in magnitude, which have fewer bits than the others. Processors of Intel's need a
// hundred cycles and more for one. Networks meet them: weight decay as a part of the gradient (Adam's) takes the weights of a unit that
// no image makes active through all magnitudes down to 0, and convolutions with such weights, and Adam's moments of them, slow a training
// down to a third (benchmarks/results/subnormals-2026-12-01.md).
#pragma once

namespace tern {

/// From now on they count as 0, as operands and as results, in this thread, in OpenMP's threads of it and in all that these start; or,
/// with false, no longer. A program calls it as it begins: tern does, a program that links the engine chooses. Does nothing on
/// processors other than x86-64 and AArch64.
void flush_subnormals(bool flush = true);

}  // namespace tern
