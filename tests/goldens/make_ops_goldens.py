#!/usr/bin/env python3
"""Writes ops.txt beside this script: what PyTorch (2.15) makes of every op, forward and backward, in double.

Inputs are multiples of 1/32, so that they are exact in f32. Layouts are tern's: NHWC and KRSC. `dy` is the gradient
given to backward, d<name> the gradient of input <name>.
"""
import os

import torch
import torch.nn.functional as F

torch.manual_seed(7)
torch.set_default_dtype(torch.float64)
lines = []


def case(name):
    lines.append(f"case {name}")


def put(**arrays):
    for name, value in arrays.items():
        value = torch.as_tensor(value).detach()
        if value.dim() == 0:
            value = value.reshape(1)
        numbers = " ".join(f"{v:.9g}" for v in value.reshape(-1).tolist())
        lines.append(f"{name} {value.dim()} {' '.join(map(str, value.shape))} {numbers}")


def grid(*shape, low=-2.0, high=2.0):
    """Random multiples of 1/32 that want a gradient."""
    return (torch.randint(int(low * 32), int(high * 32) + 1, shape) / 32).requires_grad_()


def nhwc(x):
    return x.permute(0, 2, 3, 1)


def backward(y, **inputs):
    """Puts a random dy, and the gradients of the inputs."""
    dy = grid(*y.shape).detach()
    y.backward(dy)
    put(dy=dy, **{"d" + name: value.grad for name, value in inputs.items()})


def conv2d(name, n, size, c, k, kernel, stride, padding, bias, groups=1):
    case(name)
    x, w = grid(n, size, size + 1, c), grid(k, kernel, kernel, c // groups)
    b = grid(k) if bias else None
    y = nhwc(F.conv2d(x.permute(0, 3, 1, 2), w.permute(0, 3, 1, 2), b, stride, padding, groups=groups))
    put(x=x, w=w, window=[kernel, stride, padding, groups], y=y)
    if bias:
        put(b=b)
    backward(y, x=x, w=w, **({"b": b} if bias else {}))


conv2d("conv2d_3x3_stride2_padding1_bias", 2, 5, 3, 4, 3, 2, 1, True)
conv2d("conv2d_1x1", 2, 3, 5, 3, 1, 1, 0, False)
conv2d("conv2d_7x7_stride2_padding3", 1, 8, 2, 2, 7, 2, 3, False)


def batch_norm(name, training, residual, relu):
    case(name)
    gamma, beta = grid(3), grid(3)
    mean, variance = grid(3).detach(), grid(3, low=0.5).detach()
    put(gamma=gamma, beta=beta, mean=mean, variance=variance)
    x = None
    for _ in range(2):  # two steps of running statistics; the second is recorded
        if x is not None:
            put(x0=x)
        x = grid(2, 3, 2, 3)
        r = grid(2, 3, 2, 3)
        gamma.grad = beta.grad = None
        y = nhwc(F.batch_norm(x.permute(0, 3, 1, 2), mean, variance, gamma, beta, training, 0.1, 1e-5))
        if residual:
            y = y + r
        if relu:
            y = F.relu(y)
    put(x=x, y=y, running_mean=mean, running_variance=variance)
    inputs = dict(x=x, gamma=gamma, beta=beta)
    if residual:
        put(r=r)
        inputs["r"] = r
    backward(y, **inputs)


batch_norm("batch_norm_training", True, False, False)
batch_norm("batch_norm_training_relu", True, False, True)
batch_norm("batch_norm_training_add_relu", True, True, True)
batch_norm("batch_norm_evaluation_add_relu", False, True, True)

case("max_pool")
x = grid(2, 5, 6, 3)  # coarse numbers: many windows have equal values
y = nhwc(F.max_pool2d(x.permute(0, 3, 1, 2), 3, 2, 1))
put(x=x, y=y)
backward(y, x=x)

case("global_average_pool")
x = grid(2, 3, 2, 3)
y = F.adaptive_avg_pool2d(x.permute(0, 3, 1, 2), 1).flatten(1)
put(x=x, y=y)
backward(y, x=x)

case("linear")
x, w, b = grid(3, 4), grid(5, 4), grid(5)
y = F.linear(x, w, b)
put(x=x, w=w, b=b, y=y)
backward(y, x=x, w=w, b=b)

for name, function in (("softmax", lambda t: F.softmax(t, 1)), ("log_softmax", lambda t: F.log_softmax(t, 1)),
                       ("l2_normalize", lambda t: F.normalize(t, p=2, dim=1)), ("relu", F.relu)):
    case(name)
    x = grid(4, 5, low=-4, high=4)
    y = function(x)
    put(x=x, y=y)
    backward(y, x=x)

case("cross_entropy")
x, targets = grid(6, 5, low=-4, high=4), torch.tensor([0, 4, -1, 2, -1, 1])
y = F.cross_entropy(x, targets, ignore_index=-1, label_smoothing=0.1)
put(x=x, targets=targets, smoothing=0.1, y=y)
backward(y.reshape(1), x=x)

case("cross_entropy_plain")
x, targets = grid(4, 3, low=-30, high=30), torch.tensor([0, 2, 2, 1])
y = F.cross_entropy(x, targets)
put(x=x, targets=targets, smoothing=0.0, y=y)
backward(y.reshape(1), x=x)


def implied(child_probs, mapping, parents):
    """The children's probabilities, summed for each parent and divided by their sum."""
    probs = torch.zeros(child_probs.shape[0], parents)
    for child, parent in enumerate(mapping):
        if parent >= 0:
            probs[:, parent] = probs[:, parent] + child_probs[:, child]
    return probs / (probs.sum(dim=1, keepdim=True) + 1e-8)


def hierarchical_kl(name, mapping, version, detach, temperature=1.0, squared=False, detached=False, spread=4):
    """version 1: KL(head || implied); 2: KL(implied || head). detached: everything under no_grad."""
    case(name)
    parent, child = grid(5, 3, low=-spread, high=spread), grid(5, len(mapping), low=-spread, high=spread)
    # A child that is left out takes its parent with it, if it was the only one.
    kept_children = [i for i, k in enumerate(mapping) if k >= 0]
    kept = sorted({k for k in mapping if k >= 0})
    column = {k: i for i, k in enumerate(kept)}
    with torch.set_grad_enabled(not detached):
        head = (parent.detach() if detach == "head" else parent)[:, kept] / temperature
        implying = (child.detach() if detach == "implied" else child)[:, kept_children] / temperature
        q = implied(F.softmax(implying, dim=1), [column[mapping[i]] for i in kept_children], len(kept))
        if version == 1:
            loss = F.kl_div(torch.log(q + 1e-8), F.softmax(head, dim=1), reduction="batchmean")
        else:
            loss = F.kl_div(F.log_softmax(head, dim=1), (q + 1e-8).log(), reduction="batchmean", log_target=True)
        if squared:
            loss = loss * temperature ** 2
    zero = 0 * (parent.sum() + child.sum())  # so that a detached side has a gradient, of zeros
    y = loss.reshape(1) + zero
    put(parent=parent, child=child, parent_of=mapping, y=y, forward=float(version == 1), temperature=temperature,
        squared=float(squared), detach={"none": 0.0, "head": 1.0, "implied": 2.0, "both": 3.0}[detach])
    backward(y, parent=parent, child=child)


novel_to_novel = [0, 0, 1, 1, 1, 0, 2]  # child 6 and parent 2 are "novel"
novel_left_out = [0, 0, 1, 1, 1, 0, -1]
hierarchical_kl("hierarchical_kl_head_to_implied", novel_to_novel, 1, "head")
hierarchical_kl("hierarchical_kl_head_to_implied_saturated", novel_to_novel, 1, "head", spread=12)
hierarchical_kl("hierarchical_kl_implied_to_head", novel_to_novel, 2, "none")
hierarchical_kl("hierarchical_kl_detached", novel_to_novel, 1, "both", detached=True)
hierarchical_kl("hierarchical_kl_temperature2", novel_to_novel, 2, "none", 2.0, True)
hierarchical_kl("hierarchical_kl_left_out1", novel_left_out, 1, "none")
hierarchical_kl("hierarchical_kl_left_out2", novel_left_out, 2, "implied", 2.0, False)

case("cosine_head")
x, w, scale = grid(3, 6), grid(4, 6), torch.tensor([30.0], requires_grad=True)
y = F.normalize(x, p=2, dim=1) @ F.normalize(w, p=2, dim=1).t() * scale
put(x=x, w=w, scale=scale, y=y)
backward(y, x=x, w=w, scale=scale)


def optimizer(name, make, steps=5):
    case(name)
    p = torch.nn.Parameter(grid(7).detach())
    start = p.detach().clone()
    gradients = grid(steps, 7).detach()
    stepper = make([p])
    for gradient in gradients:
        p.grad = gradient.clone()
        stepper.step()
    put(start=start, gradients=gradients, end=p)


optimizer("adam", lambda p: torch.optim.Adam(p, lr=0.0625, weight_decay=0.125))
optimizer("adamw", lambda p: torch.optim.AdamW(p, lr=0.0625, weight_decay=0.125))
optimizer("sgd", lambda p: torch.optim.SGD(p, lr=0.0625, weight_decay=0.125))
optimizer("sgd_momentum", lambda p: torch.optim.SGD(p, lr=0.0625, momentum=0.875, weight_decay=0.125))
optimizer("sgd_nesterov", lambda p: torch.optim.SGD(p, lr=0.0625, momentum=0.875, weight_decay=0.125, nesterov=True))

case("clip")
gradients = [grid(5).detach(), grid(3, 2).detach()]
parameters = [torch.nn.Parameter(torch.zeros_like(g)) for g in gradients]
for parameter, gradient in zip(parameters, gradients):
    parameter.grad = gradient.clone()
norm = torch.nn.utils.clip_grad_norm_(parameters, 1.5)
put(a=gradients[0], b=gradients[1], norm=norm, clipped_a=parameters[0].grad, clipped_b=parameters[1].grad)

conv2d("conv2d_3x3_groups2_bias", 1, 3, 4, 6, 3, 1, 1, True, groups=2)  # here, so that the numbers above stay

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "ops.txt"), "w", encoding="ascii") as file:
    file.write("# Written by make_ops_goldens.py.\n" + "\n".join(lines) + "\n")
