"""A PyTorch network in other engines for inference, in f32 on the CPU. Each is made by a function of the network, a batch
[N, 3, H, W] and a number of threads: what it is called, and the function that gives a batch's logits."""
import io


def as_onnx(model, images):
    import torch

    file = io.BytesIO()
    torch.onnx.export(model, (images.contiguous(),), file, opset_version=17, dynamo=False)
    return file.getvalue()


def onnxruntime(model, images, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(as_onnx(model, images), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    batch = images.contiguous().numpy()
    return f"onnxruntime {onnxruntime.__version__}", lambda: session.run(None, {name: batch})[0]


def openvino(model, images, threads):
    import openvino

    core = openvino.Core()
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    request = core.compile_model(core.read_model(as_onnx(model, images)), "CPU", settings).create_infer_request()
    batch = images.contiguous().numpy()
    version = openvino.__version__.split("-")[0]
    return f"OpenVINO {version}", lambda: request.infer([batch], share_inputs=True)[0]


def compiled(model, images, threads):
    """Its number of threads is PyTorch's. Weights are constants to it."""
    import torch
    import torch._inductor.config

    torch._inductor.config.freezing = True
    function = torch.compile(model, dynamic=False)

    def infer():
        with torch.no_grad():
            return function(images)

    return f"PyTorch {torch.__version__}, compiled and frozen", infer


ENGINES = {"onnxruntime": onnxruntime, "openvino": openvino, "frozen": compiled}


def checked(side, model, images, threads):
    """An engine of ENGINES, whose logits are PyTorch's."""
    import numpy
    import torch

    try:
        name, infer = ENGINES[side](model, images, threads)
    except ImportError as error:
        raise NotImplementedError(str(error)) from error
    with torch.no_grad():
        wanted = model(images).numpy()
    error = numpy.abs(numpy.asarray(infer()) - wanted).max() / numpy.abs(wanted).max()
    if not error < 1e-4:
        raise ValueError(f"{name}: logits that differ by {error:.1e} from PyTorch's")
    return name, infer
