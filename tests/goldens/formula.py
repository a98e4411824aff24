"""Numbers that tern and PyTorch both make from a formula, so that goldens need no weights beside them.

philox() and uniform() are engine/core/random.h's RandomStream with purpose `test`; fill() is
tests/support/formula.h's fill_by_formula().
"""
import pathlib

import numpy as np
import torch

PURPOSE_TEST = 6
FOLDER = pathlib.Path(__file__).resolve().parent


def philox(counter, key):
    """Ten rounds of Philox4x32; counter: four uint64 arrays with 32-bit values, key: two ints."""
    low = np.uint64(0xFFFFFFFF)
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        c0, c1, c2, c3 = (
            (p1 >> np.uint64(32)) ^ c1 ^ np.uint64(k0),
            p1 & low,
            (p0 >> np.uint64(32)) ^ c3 ^ np.uint64(k1),
            p0 & low,
        )
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c0, c1, c2, c3


def bits(seed, a, count):
    blocks = np.arange((count + 3) // 4, dtype=np.uint64)
    rest = [np.full_like(blocks, value) for value in (PURPOSE_TEST, a, 0)]
    words = philox([blocks, *rest], (seed & 0xFFFFFFFF, seed >> 32))
    return np.stack(words, axis=1).reshape(-1)[:count]


def uniform(seed, a, shape, low, high):
    """f32 in [low, high), row-major."""
    count = int(np.prod(shape, dtype=np.int64))
    unit = (bits(seed, a, count) >> np.uint64(8)).astype(np.float32) * np.float32(2.0**-24)
    values = np.float32(low) + (np.float32(high) - np.float32(low)) * unit
    return torch.from_numpy(values.reshape(shape))


def fill(module, seed):
    """Sets every tensor of a module's state dict; the k-th one takes stream (seed, k), in the file's layout."""
    for k, (name, value) in enumerate(module.state_dict().items()):
        if name.endswith("num_batches_tracked"):
            continue
        if value.dim() == 0:  # a cosine head's scale
            value.fill_(30)
        elif name.endswith("running_var"):
            value.copy_(uniform(seed, k, value.shape, 0.5, 1.5))
        elif value.dim() == 1:
            norm = name.endswith(".weight") or name == "weight"
            value.copy_(uniform(seed, k, value.shape, *((0.5, 1.5) if norm else (-0.25, 0.25))))
        else:
            bound = float(np.float32(np.sqrt(6.0 / value[0].numel())))
            value.copy_(uniform(seed, k, value.shape, -bound, bound))


class Goldens:
    """A file of cases of named arrays, as tests/support/goldens.h reads it."""

    def __init__(self, name, digits=9):
        self.path, self.digits, self.lines = FOLDER / name, digits, []

    def case(self, name):
        self.lines.append(f"case {name}")

    def put(self, **arrays):
        for name, value in arrays.items():
            value = torch.as_tensor(value).detach()
            value = value.reshape(1) if value.dim() == 0 else value
            numbers = " ".join(f"{v:.{self.digits}g}" for v in value.reshape(-1).tolist())
            self.lines.append(f"{name} {value.dim()} {' '.join(map(str, value.shape))} {numbers}")

    def write(self):
        self.path.write_text("\n".join(self.lines) + "\n")
