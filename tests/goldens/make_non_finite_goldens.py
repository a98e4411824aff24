#!/usr/bin/env python3
"""Writes non_finite.txt beside this script: what PyTorch (2.15) makes of NaN and infinities, forward and backward.

Layouts are tern's: NHWC. `dy` is the gradient given to backward, d<name> the gradient of input <name>. In double, on the
CPU, in tensors that lie as torch's own do (channels first).
"""
import os

import torch
import torch.nn.functional as F

torch.manual_seed(11)
torch.set_default_dtype(torch.float64)
NAN, INF = float("nan"), float("inf")
lines = []


def case(name, **arrays):
    lines.append(f"case {name}")
    for name, value in arrays.items():
        value = torch.as_tensor(value).detach()
        numbers = " ".join(f"{v:.9g}" for v in value.reshape(-1).tolist())
        lines.append(f"{name} {value.dim()} {' '.join(map(str, value.shape))} {numbers}")


def grid(*shape):
    """Random multiples of 1/32, none of them 0."""
    return (2 * torch.randint(-32, 32, shape) + 1) / 32


def with_values(x, places):
    for place, value in places.items():
        x[place] = value
    return x.requires_grad_()


def gradients(y, **inputs):
    dy = grid(*y.shape)
    y.backward(dy)
    return {"dy": dy} | {"d" + name: value.grad for name, value in inputs.items()}


def nchw(x):
    return x.permute(0, 3, 1, 2)


def nhwc(x):
    return x.permute(0, 2, 3, 1)


# Wider than a vector, with every special value in vectors and in what is left over.
x = with_values(grid(45), {0: NAN, 5: INF, 9: -INF, 17: 0.0, 22: NAN, 43: -INF, 44: NAN})
y = torch.relu(x)
case("relu", x=x, y=y, **gradients(y, x=x))

# Channels: NaN in the middle; two NaNs in a window; NaN beside infinity; all -infinity; -infinity but for one; infinity;
# NaN at the corner; as it came; all NaN.
x = grid(2, 5, 6, 9)
x[:, :, :, 3] = -INF
x[:, :, :, 4] = -INF
x[:, :, :, 8] = NAN
x = with_values(x, {(0, 2, 3, 0): NAN, (0, 2, 2, 1): NAN, (0, 3, 2, 1): NAN, (1, 1, 1, 2): NAN, (1, 1, 2, 2): INF,
                    (0, 4, 5, 4): 1.0, (1, 0, 0, 5): INF, (1, 4, 5, 6): NAN, (0, 0, 0, 6): NAN})
y = nhwc(F.max_pool2d(nchw(x).contiguous(), 3, 2, 1))
case("max_pool", x=x, y=y, **gradients(y, x=x))
y = nchw(x.detach()).mean((2, 3))
case("global_average_pool", x=x, y=y)

for training in (True, False):
    gamma, beta, mean, variance = grid(5).abs(), grid(5), grid(5), grid(5).abs()
    x = with_values(grid(3, 2, 2, 5), {(0, 1, 1, 0): NAN, (1, 0, 0, 1): INF, (2, 1, 0, 2): -INF})
    r = with_values(grid(3, 2, 2, 5), {(0, 0, 1, 3): NAN, (1, 0, 0, 3): -INF, (1, 1, 1, 3): INF})
    before = {"gamma": gamma, "beta": beta, "mean": mean.clone(), "variance": variance.clone()}
    y = torch.relu(nhwc(F.batch_norm(nchw(x), mean, variance, gamma, beta, training, 0.1, 1e-5)) + r)
    case("batch_norm_" + ("training" if training else "evaluation"), **before, x=x, residual=r, y=y,
         mean_after=mean, variance_after=variance, **gradients(y, x=x, residual=r))

# One row each: as it came, NaN first, NaN last, infinity, two of them, -infinity, all of them, NaN beside infinity.
ROWS = 8
x = grid(ROWS, 37)
x[6, :] = -INF
x = with_values(x, {(1, 0): NAN, (2, 36): NAN, (3, 20): INF, (4, 3): INF, (4, 30): INF, (5, 11): -INF, (7, 4): INF,
                    (7, 19): NAN})
for name, op in {"softmax": F.softmax, "log_softmax": F.log_softmax, "l2_normalize": F.normalize}.items():
    y = op(x, dim=1)
    case(name, x=x, y=y)
x = x.detach()
targets = [5, 5, 5, 20, 3, 11, 0, 0]
losses = [F.cross_entropy(x[i:i + 1], torch.tensor(targets[i:i + 1])) for i in range(ROWS)]
case("cross_entropy", x=x, targets=targets, loss=losses)
case("top1", x=x, best=x.argmax(1), probability=x.softmax(1).gather(1, x.argmax(1, keepdim=True)))
w = grid(4, 37)
case("cosine_head", x=x, w=w, y=3 * F.normalize(x) @ F.normalize(w).T)

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "non_finite.txt"), "w", encoding="ascii") as file:
    file.write("# Written by make_non_finite_goldens.py.\n" + "\n".join(lines) + "\n")
