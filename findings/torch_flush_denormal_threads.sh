#!/usr/bin/env bash
# torch.set_flush_denormal(True) reaches one thread of PyTorch 2.15.0 (CPU) if anything was computed in parallel before it.
#
# The documentation says that it "disables denormal floating numbers on CPU". It sets two bits of the calling thread's control
# register; threads that are started later inherit them, those of the pool that run already do not, and it returns True all the
# same. Called first it holds everywhere; called after one parallel operation (filling a large tensor is one) the calling thread's
# half of a tensor is flushed to 0 and the other thread's keeps its subnormal numbers, of an elementwise product, a matrix product,
# a sum of rows and a convolution alike. So the same row of a batch has another value by its place, and a small tensor (computed
# by one thread) another than a large one; where subnormal weights slow a training down (Adam with weight decay leads those of
# dead units there), the threads that were missed stay slow. Call it before anything is computed.
#   findings/torch_flush_denormal_threads.sh    downloads PyTorch with its CUDA libraries (gigabytes); needs x86-64, two
#                                               cores, Python 3.11 to 3.13 with venv, and pip; 0 if all is still so, 1 if not
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.15.0 numpy==2.4.6
cat >"$folder/flush.py" <<'PYTHON'
import sys
import torch

order = sys.argv[1]
torch.set_num_threads(2)
if order == "an operation before":
    torch.ones(1 << 20).mul(2)
assert torch.set_flush_denormal(True)


def tiny(*shape):  # 2^-133, a subnormal number, made of its bits: the thread that computes it must not flush it
    return torch.full(shape, 1 << 16, dtype=torch.int32).view(torch.float32)


def kept(tensor):  # the share of subnormal numbers in the first and in the second half, by their bits
    halves = tensor.contiguous().view(torch.int32).reshape(2, -1)
    return tuple((half != 0).double().mean().item() for half in halves)


small = torch.full((512, 512), 2.0**-66)
results = {
    "product of 2^20 elements": kept(tiny(1 << 20) * 1.0),
    "product of 1,000 elements": kept(tiny(1000) * 1.0),
    "matrix product": kept(small @ torch.full((512, 512), 2.0**-76)),
    "sum of rows": kept(tiny(4096, 512).sum(1)),
    "convolution": kept(torch.nn.functional.conv2d(torch.full((8, 16, 32, 32), 2.0**-66), torch.full((16, 16, 3, 3), 2.0**-76), padding=1)),
}
print(f"{order}: subnormal numbers left in the first and the second half")
for name, halves in results.items():
    print(f"  {name:26} {halves[0]:4.0%} {halves[1]:4.0%}")
wanted = {name: (0.0, 0.0 if order == "nothing before" or "1,000" in name else 1.0) for name in results}
sys.exit(0 if results == wanted else f"wanted {wanted}")
PYTHON
for order in "nothing before" "an operation before"; do
  "$folder/venv/bin/python" "$folder/flush.py" "$order"
done
# nothing before: subnormal numbers left in the first and the second half
#   product of 2^20 elements     0%   0%
#   ...
# an operation before: subnormal numbers left in the first and the second half
#   product of 2^20 elements     0% 100%
#   product of 1,000 elements    0%   0%
#   matrix product               0% 100%
#   sum of rows                  0% 100%
#   convolution                  0% 100%
