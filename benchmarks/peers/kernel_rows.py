"""What each kernel of bench_kernels is in PyTorch: its data, its run, and its fp64 reference."""
import torch
import torch.nn.functional as F


class Row:
    """One slot. inputs: tensors of the row's type; function(*inputs) -> tensors; bytes: what a run touches.

    With `backward` the function's output is differentiated with respect to the inputs that require a gradient: a run is
    forward and backward if `backward` is "both", else the backward alone. `capturable`: a CUDA graph may record it.
    most_slots: for those so slow that no cache matters.
    """

    most_slots = 64

    def __init__(self, inputs, function, backward=None, upstream=None, capturable=True):
        self.inputs, self.function, self.backward, self.upstream = inputs, function, backward, upstream
        self.capturable = capturable
        self.elements = sum(tensor.numel() for tensor in inputs)
        self.bytes = 2 * sum(tensor.numel() * tensor.element_size() for tensor in inputs)

    def leaves(self, inputs):
        return [tensor for tensor in inputs if tensor.requires_grad]

    def differentiate(self, function, inputs, upstream):
        def run():
            outputs = function(*inputs)
            return (outputs, *torch.autograd.grad(outputs, self.leaves(inputs), upstream))

        if self.backward == "both":
            return run
        outputs = function(*inputs)
        return lambda: torch.autograd.grad(outputs, self.leaves(inputs), upstream, retain_graph=True)

    def prepare(self, function):
        if self.backward:
            return self.differentiate(function, self.inputs, self.upstream)

        def run():
            with torch.no_grad():
                outputs = function(*self.inputs)
            return outputs if isinstance(outputs, tuple) else (outputs,)

        return run

    def for_graph(self, run):
        """What a CUDA graph records in place of run()."""
        return run

    def error(self, run):
        """The largest difference from fp64 over the largest magnitude, of the worst output."""
        wide = [tensor.detach().cpu().double().requires_grad_(tensor.requires_grad) if tensor.is_floating_point()
                else tensor.cpu() for tensor in self.inputs]
        upstream = None if self.upstream is None else self.upstream.cpu().double()
        if self.backward:
            wanted = self.differentiate(self.function, wide, upstream)()
        else:
            with torch.no_grad():
                wanted = self.function(*wide)
            wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        errors = []
        for got, value in zip(run(), wanted):
            got = got.detach().cpu().double()
            errors.append(((got - value).abs().max() / value.abs().max().clamp_min(1e-30)).item())
        return max(errors)


class Steps(Row):
    """An optimiser's step or the clipping norm, on parameters of a network: no function of its inputs alone."""

    def __init__(self, parameters, step, make_step_for_graph=None):
        super().__init__(parameters, None)
        self.bytes *= 4
        self.elements = 1 << 62  # not compared
        self.step, self.make_step_for_graph = step, make_step_for_graph

    def prepare(self, function):
        return self.step

    def for_graph(self, run):
        return self.make_step_for_graph() if self.make_step_for_graph else run


def numbers(text):
    return [int(part) for part in text.replace("+", "x").replace("to", "x").split("x")]


def resnet_sizes(name):
    """Elements of the parameters of ResNet-18 or -50 with 1000 classes, as in bench_optimizer_step.cpp."""
    bottleneck = name == "resnet50"
    sizes, width_in = [], 64

    def convolution(inputs, outputs, kernel):
        sizes.extend([inputs * outputs * kernel * kernel, outputs, outputs])

    convolution(3, 64, 7)
    for stage, blocks in enumerate([3, 4, 6, 3] if bottleneck else [2, 2, 2, 2]):
        width = 64 << stage
        out = 4 * width if bottleneck else width
        for _ in range(blocks):
            if bottleneck:
                convolution(width_in, width, 1)
                convolution(width, width, 3)
                convolution(width, out, 1)
            else:
                convolution(width_in, width, 3)
                convolution(width, width, 3)
            if width_in != out:
                convolution(width_in, out, 1)
            width_in = out
    return sizes + [width_in * 1000, 1000]


def softmax(kernel, shape, uniform):
    rows, cols = numbers(shape)
    function = (lambda x: F.log_softmax(x, 1)) if kernel.startswith("log_") else (lambda x: F.softmax(x, 1))
    if kernel.endswith("forward"):
        return Row([uniform((rows, cols), -4, 4)], function)
    return Row([uniform((rows, cols), -4, 4, True)], function, "backward", uniform((rows, cols), -1, 1))


def cross_entropy(kernel, shape, uniform):
    rows, cols = numbers(shape)
    return Row([uniform((rows, cols), -4, 4, True), uniform.classes(rows, cols)], F.cross_entropy, "both")


def hierarchical_kl(kernel, shape, uniform):
    rows, supers, subs = numbers(shape)
    epsilon = 1e-8
    of = torch.arange(subs, device=uniform.device) % supers

    def divergence(head, sub):
        s = F.softmax(sub, 1)
        implied = torch.zeros(rows, supers, dtype=s.dtype, device=s.device).index_add(1, of.to(s.device), s)
        implied = implied / (implied.sum(1, keepdim=True) + epsilon)
        return F.kl_div(F.log_softmax(head, 1), implied + epsilon, reduction="batchmean")

    return Row([uniform((rows, supers), -3, 3, True), uniform((rows, subs), -3, 3, True)], divergence, "both")


def cosine_head(kernel, shape, uniform):
    rows, classes, width = numbers(shape)
    backward = kernel.endswith("backward")

    def head(x, w, scale):
        return scale * F.linear(F.normalize(x, eps=1e-12), F.normalize(w, eps=1e-12))

    inputs = [uniform((rows, width), -1, 2, backward), uniform((classes, width), -1, 1, backward),
              uniform((1,), 16, 16, backward)]
    return Row(inputs, head, "backward" if backward else None, uniform((rows, classes), -1, 1) if backward else None)


def top1(kernel, shape, uniform):
    rows, cols = numbers(shape)

    def answer(x):
        probability, best = F.softmax(x.float() if x.dtype == torch.bfloat16 else x, 1).max(1)
        return probability, torch.where(probability >= 0.5, best, torch.full_like(best, -7))

    return Row([uniform((rows, cols), -8, 8)], answer)


def batch_norm(kernel, shape, uniform):
    images, height, width, channels = numbers(shape)
    backward, training, add = "backward" in kernel, "inference" not in kernel, "_add" in kernel

    def images_of(low, high):
        return uniform((images, height, width, channels), low, high).permute(0, 3, 1, 2).requires_grad_(backward)

    def parameters(low, high):
        return uniform((channels,), low, high, dtype=torch.float32).requires_grad_(backward)

    statistics = [uniform((channels,), 0.5, 1.5, dtype=torch.float32) for _ in range(2)]

    def normalise(x, gamma, beta, *residual):
        mean, variance = (tensor.to(x.device, gamma.dtype).clone() if x.dtype == torch.float64 else tensor
                          for tensor in statistics)
        y = F.batch_norm(x, mean, variance, gamma, beta, training, 0.1, 1e-5)
        return F.relu(y + residual[0] if residual else y)

    inputs = [images_of(-1, 3), parameters(0.5, 1.5), parameters(-0.5, 0.5)] + ([images_of(-1, 1)] if add else [])
    return Row(inputs, normalise, "backward" if backward else None,
               images_of(-1, 1).detach() if backward else None)


def pool(kernel, shape, uniform):
    images, height, width, channels = numbers(shape)
    backward = kernel.endswith("backward")
    x = uniform((images, height, width, channels), -4, 4).permute(0, 3, 1, 2).requires_grad_(backward)
    if kernel.startswith("max"):
        function = (lambda x: F.max_pool2d(x, 3, 2, 1)) if backward else (
            lambda x: F.max_pool2d(x, 3, 2, 1, return_indices=True)[0])
    else:
        function = lambda x: F.adaptive_avg_pool2d(x, 1)
    if not backward:
        return Row([x], function)
    with torch.no_grad():
        upstream = torch.rand_like(function(x))
    return Row([x], function, "backward", upstream)


def augment_each(kernel, shape, uniform):
    """Image by image with torchvision's transforms, as one would write it."""
    try:
        from torchvision.transforms.v2 import functional as transforms
    except ImportError as error:
        raise NotImplementedError("no torchvision with transforms.v2") from error
    count, source, size = numbers(shape)
    images = uniform((count, 3, source, source), 0, 256, dtype=torch.uint8)

    def batch(pixels):
        done = []
        for i, image in enumerate(pixels):
            if source != size:
                image = transforms.resize(image, [size, size])
            if i % 2:
                image = transforms.horizontal_flip(image)
            image = transforms.to_dtype(transforms.rotate(image, i * 7 % 21 - 10.0), torch.float32, scale=True)
            done.append(transforms.normalize(image, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
        return torch.stack(done).to(uniform.dtype).contiguous(memory_format=torch.channels_last)

    row = Row([images], batch, capturable=False)  # rotate() copies its matrix from the host
    row.elements = 1 << 62
    row.most_slots = 2  # 20 ms a slot, of which a cold cache is nothing
    return row


def augment(kernel, shape, uniform):
    """A batch resized, mirrored, turned (one sampling grid for all) and normalised: the fastest eager way we know."""
    count, source, size = numbers(shape)
    images = uniform((count, 3, source, source), 0, 256, dtype=torch.uint8)
    index = torch.arange(count, device=uniform.device)
    angle = ((index * 7 % 21) - 10) * (torch.pi / 180)
    mirror = 1 - 2 * (index % 2)
    cosine, sine, zero = torch.cos(angle), torch.sin(angle), torch.zeros_like(angle)
    rows = [torch.stack([cosine * mirror, sine * mirror, zero], 1), torch.stack([-sine, cosine, zero], 1)]
    turn = torch.stack(rows, 1)
    mean = torch.tensor([0.485, 0.456, 0.406], device=uniform.device).view(1, 3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225], device=uniform.device).view(1, 3, 1, 1)

    def batch(pixels):
        x = pixels.float() / 255
        if source != size:
            x = F.interpolate(x, size=(size, size), mode="bilinear", align_corners=False)
        grid = F.affine_grid(turn, x.shape, align_corners=False)
        x = F.grid_sample(x, grid, mode="nearest", padding_mode="zeros", align_corners=False)
        return ((x - mean) / deviation).to(uniform.dtype).contiguous(memory_format=torch.channels_last)

    row = Row([images], batch)
    row.elements = 1 << 62  # its rounding of coordinates is another: not compared
    return row


def optimizer(kernel, shape, uniform, side):
    parameters = [uniform((size,), -1, 1, dtype=torch.float32).requires_grad_() for size in resnet_sizes(shape)]
    for parameter in parameters:
        parameter.grad = torch.rand_like(parameter) - 0.5
    if kernel == "clip_scale":
        # The gradients are clipped, too: PyTorch has no way to get the factor alone.
        return Steps(parameters, lambda: torch.nn.utils.clip_grad_norm_(parameters, 1e6))
    if kernel == "sgd_step":
        made = torch.optim.SGD(parameters, lr=1e-4, momentum=0.9)
        return Steps(parameters, made.step)

    def adam(capturable):
        kind = {"fused": True} if side == "fused" else {"foreach": True}
        return torch.optim.Adam(parameters, lr=1e-4, capturable=capturable, **kind).step

    return Steps(parameters, adam(False), lambda: adam(True))  # capturable is slower outside a graph


# By a kernel's name, or what it begins with before a "_": function(kernel, shape, uniform) -> Row. `uniform`: an Uniform.
MAKERS = {
    "softmax": softmax, "log_softmax": softmax, "cross_entropy": cross_entropy, "hierarchical_kl": hierarchical_kl,
    "cosine_head": cosine_head, "top1": top1, "batch_norm": batch_norm, "max_pool": pool, "average_pool": pool,
    "augment": augment,
}


class Uniform:
    """Random tensors of a row's type."""

    def __init__(self, dtype, device, seed):
        self.dtype, self.device = dtype, device
        self.generator = torch.Generator(device=device).manual_seed(seed)

    def __call__(self, shape, low, high, gradient=False, dtype=None):
        values = torch.rand(shape, generator=self.generator, device=self.device) * (high - low) + low
        return values.to(dtype or self.dtype).requires_grad_(gradient)

    def classes(self, rows, cols):
        return torch.randint(cols, (rows,), generator=self.generator, device=self.device)


def maker(kernel, shape, dtype, side, device):
    """make(slot) -> Row. Throws NotImplementedError for kernels without a peer."""
    def make(slot):
        uniform = Uniform(getattr(torch, dtype), device, slot + 1)
        if kernel in ("adam_step", "sgd_step", "clip_scale"):
            if dtype != "float32":
                raise NotImplementedError("no optimiser with bfloat16 gradients of float32 parameters")
            return optimizer(kernel, shape, uniform, side)
        if side == "torchvision":
            return augment_each(kernel, shape, uniform)
        for stem, of in MAKERS.items():
            if kernel == stem or kernel.startswith(stem + "_"):
                return of(kernel, shape, uniform)
        raise NotImplementedError("no such kernel here")

    return make
