#!/usr/bin/env python3
"""Runs what `tern export` writes in onnxruntime, OpenVINO and PyTorch, and compares with tern's own numbers.

    check_export.py TERN [FOLDER]      TERN: the program; FOLDER: where to leave data, runs and models

Takes the runtimes that are there; without onnxruntime and OpenVINO it says "skipped: no onnxruntime" and succeeds. TERN_PYTHON
in the environment may name a Python that has them. Trains runs of every kind of head on the synthetic set, for an epoch, and
calibrates every novelty score that a graph can hold. The loader is the one in docs/export.md, taken from there.
"""
import csv
import json
import os
import pathlib
import re
import sys
import tempfile

python = os.environ.get("TERN_PYTHON")
if python and python != sys.executable and "TERN_PYTHON_STARTED" not in os.environ:
    os.environ["TERN_PYTHON_STARTED"] = "1"
    os.execvp(python, [python, "-B", *sys.argv])

try:
    import numpy as np
    from PIL import Image
except ImportError:
    print("skipped: no onnxruntime and OpenVINO with NumPy and Pillow")
    sys.exit(0)

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))
from checks import check, tern  # noqa: E402
from report_runs import make_one_level  # noqa: E402

SOURCE = pathlib.Path(__file__).parent.parent
LIMIT = 1e-5  # of logits, relative to an image's largest; of probabilities and confidences
FEATURE_LIMIT = 5e-5  # of features, relative to an image's largest: few are as large
SCORE_LIMIT = 2e-4  # of confidences by scores that tern computes in double precision, and a graph in f32
SIDE = 32

COMMON = {"image_size": SIDE, "epochs": 1, "learning_rate": 2e-3, "tau_super": 0.5, "tau_sub": 0.2}
RUNS = {
    "two-heads": {"super_head": "linear", "sub_head": "cosine", "hold_out": True},
    "two-models": {"approach": "two_models", "super_head": "cosine_relu_linear", "cifar": "small", "cifar_count": 100},
    "grouped": {"approach": "two_models", "levels": "sub", "backbone": "resnext50_32x4d"},
    "classes": {"approach": "two_models", "cifar": "small", "cifar_count": 100},  # on folders class/: of one level
    # At the others' rate so deep a network is so far off that rounding errors grow tenfold in it.
    "bottleneck": {"backbone": "resnet50", "mask_untrained_logits": False, "learning_rate": 2e-4},
}
# Superclasses are learned so well that the best temperature makes every probability 1: nothing to decide by.
SCORES = ["max_softmax+energy", "sub=temperature_scaled", "max_logit", "react", "knn", "mahalanobis", "relative_mahalanobis",
          "normalized_mahalanobis+normalized_relative_mahalanobis", "vim"]


def read_safetensors(path):
    """({name: array}, metadata) for the types that tern writes."""
    data = pathlib.Path(path).read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    kinds = {"F32": "<f4", "I32": "<i4", "U8": "u1", "I64": "<i8"}
    tensors = {}
    for name, about in header.items():
        if name == "__metadata__":
            continue
        begin, end = about["data_offsets"]
        part = np.frombuffer(data[8 + length + begin:8 + length + end], dtype=kinds[about["dtype"]])
        tensors[name] = part.reshape(about["shape"])
    return tensors, header["__metadata__"]


def load_images(files, side):
    """[n, 3, side, side] in 0 .. 1, as a file's metadata ask for."""
    pictures = [Image.open(file).convert("RGB").resize((side, side), Image.BILINEAR) for file in files]
    return np.stack([np.asarray(picture, dtype=np.float32).transpose(2, 0, 1) / np.float32(255) for picture in pictures])


def find_runtimes():
    """{name: function of (model file, images) that gives {output: array}}."""
    runtimes = {}
    try:
        import onnxruntime

        def run_onnxruntime(model, images):
            session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
            names = [output.name for output in session.get_outputs()]
            return dict(zip(names, session.run(names, {"images": images})))

        runtimes["onnxruntime " + onnxruntime.__version__] = run_onnxruntime
    except ImportError:
        pass
    try:
        import openvino

        def run_openvino(model, images):
            # Where the processor has bf16, OpenVINO would compute in it.
            compiled = openvino.Core().compile_model(str(model), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
            results = compiled(images)
            return {output.get_any_name(): results[output] for output in compiled.outputs}

        runtimes["OpenVINO " + openvino.__version__.split("-")[0]] = run_openvino
    except ImportError:
        pass
    return runtimes


def check_model(file):
    """By onnx itself, where it is."""
    try:
        import onnx
    except ImportError:
        return
    onnx.checker.check_model(str(file), full_check=True)


def metadata_of(file):
    try:
        import onnx
        return {entry.key: entry.value for entry in onnx.load(str(file)).metadata_props}
    except ImportError:
        return None


def relative(got, wanted):
    """The largest difference, relative to the largest number of an image or 1."""
    largest = np.maximum(np.abs(wanted).max(axis=1, keepdims=True), 1)
    return float((np.abs(got - wanted) / largest).max())


def compare_with_dump(outputs, tensors):
    """The largest relative difference of logits and features."""
    compared = {name: relative(outputs[name], tensors[name]) for name in outputs if name in tensors}
    check(any(name.endswith("_logits") for name in compared), "no logits among", list(outputs))
    return compared


def compare_with_predictions(outputs, rows, about, limit):
    """The largest difference of probabilities and confidences; answers must be the same."""
    worst = {}
    for level in json.loads(about["levels"]):
        decision = json.loads(about["decision"])[level]
        likely = outputs[f"{level}_probabilities"].argmax(axis=1)
        # Of one level an image of none of the classes is "novel", whatever its most probable class.
        plain = decision["score"] == "max_softmax" and not json.loads(about["decision"])["consistent"]
        if plain:
            wanted = np.array([float(row[f"{level}class_probability"]) for row in rows])
            worst[f"{level} probability"] = float(np.abs(outputs[f"{level}_probabilities"].max(axis=1) - wanted).max())
        wanted = np.array([float(row[f"{level}class_confidence"]) for row in rows])
        worst[f"{level} confidence"] = float(np.abs(outputs[f"{level}_confidence"] - wanted).max(initial=0))
        answers = np.array([int(row[f"{level}class_index"]) for row in rows])
        taus = decision.get("threshold", 0) if "threshold" in decision else np.array(decision["thresholds"])[likely]
        safe = np.abs(outputs[f"{level}_confidence"] - taus) > limit
        wrong = (outputs[f"{level}_class"] != answers) & safe
        check(not wrong.any(), level, "answers of", np.flatnonzero(wrong), outputs[f"{level}_class"][wrong], answers[wrong])
        check(safe.mean() > 0.9, level, "too many confidences at the threshold")
    return worst


class Comparison:
    def __init__(self, program, folder, runtimes):
        self.program, self.folder, self.runtimes = program, folder, runtimes
        self.data = folder / "data"

    def train(self, name):
        run = self.folder / name
        if not run.exists():
            config = self.folder / f"{name}.toml"
            settings = {**COMMON, **RUNS[name]}
            config.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items()))
            data = self.data
            if name == "classes":
                data = self.folder / "classes-data"
                make_one_level(self.data, data, 6)
            tern(self.program, "train", "--config", config, "--data", data, "--cifar", self.data / "cifar-100-binary",
                 "--out", run, "--device", "cpu")
        return run

    def training_images(self, run):
        """The folder that a dump's names are of."""
        return self.folder / "classes-data" if run.name == "classes" else self.data / "train_images"

    def report(self, what, runtime, differences, limits):
        text = ", ".join(f"{name} {value:.1e}" for name, value in differences.items()) or "the same"
        print(f"{what}, {runtime}: {text}", flush=True)
        for name, value in differences.items():
            check(value <= limits(name), f"{what}, {runtime}: {name} differs by {value}, wanted at most {limits(name)}")

    def with_dump(self, run, side=SIDE):
        """Features and logits of the validation images."""
        model, dump = self.folder / f"{run.name}.onnx", self.folder / f"{run.name}-dump.safetensors"
        tern(self.program, "export", "--run", run, "--out", model, "--replace")
        check_model(model)
        tern(self.program, "dump", "--run", run, "--out", dump, "--part", "validation")
        tensors, about = read_safetensors(dump)
        own = np.flatnonzero(tensors["is_extra"] == 0)  # CIFAR's are in no file of their own
        names = json.loads(about["image_names"])
        images = load_images([self.training_images(run) / names[i] for i in own], side)
        tensors = {name: values[own] for name, values in tensors.items()}
        for runtime, run_model in self.runtimes.items():
            self.report(run.name, runtime, compare_with_dump(run_model(model, images), tensors),
                        lambda name: FEATURE_LIMIT if "features" in name else LIMIT)
        return images, tensors

    def with_predictions(self, run, what, options=(), limit=LIMIT):
        """Answers for the test images."""
        model, table = self.folder / f"{run.name}-answers.onnx", self.folder / "predictions.csv"
        tern(self.program, "export", run, model, "--replace", *options)
        check_model(model)
        tern(self.program, "predict", "--run", run, "--images", self.data / "test_images", "--out", table,
             "--replace", "--allow-held-out", "--details", "--probabilities", *options)
        with open(table, newline="") as file:
            rows = list(csv.DictReader(file))
        about = metadata_of(model)
        if about is None:
            print(f"{run.name}: answers are not compared without onnx, which reads a model's metadata")
            return
        images = load_images([self.data / "test_images" / row["image"] for row in rows], SIDE)
        # The CSV has six decimals of a probability, and six digits of a confidence.
        for runtime, run_model in self.runtimes.items():
            self.report(f"{run.name} {what}", runtime, compare_with_predictions(run_model(model, images), rows, about, limit),
                        lambda name: max(limit, LIMIT))


def documented_loader():
    """The function `load` of docs/export.md."""
    text = (SOURCE / "docs/export.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.S)
    code = next(block for block in blocks if "def load(" in block)
    check(len(code.splitlines()) <= 20, "the loader of docs/export.md has over 20 lines")
    space = {}
    exec(code, space)
    return space["load"]


def compare_torch(comparison, run, images, tensors):
    try:
        import torch
        import torchvision  # noqa: F401
        import safetensors  # noqa: F401
    except ImportError:
        print("PyTorch's side is not compared without torch, torchvision and safetensors")
        return
    load = documented_loader()
    file = comparison.folder / f"{run.name}-weights.safetensors"
    tern(comparison.program, "export", "--run", run, "--out", file, "--replace")
    about = read_safetensors(file)[1]
    mean, deviation = (np.array(json.loads(about[key]), dtype=np.float32).reshape(3, 1, 1) for key in ("mean", "deviation"))
    for network in json.loads(about["networks"]):
        model, heads, _ = load(str(file), network)
        with torch.no_grad():
            got = model(torch.from_numpy((images - mean) / deviation)).numpy()
        level = network.rstrip(".")
        if f"{network}fc" in [head["name"] for head in json.loads(about["heads"])]:
            level = level or json.loads(about["levels"])[0]
            wanted = tensors[f"{level}_logits"]
        else:
            wanted = tensors[f"{level}_features" if f"{level}_features" in tensors else "features"]
            check(heads, "no heads in", file)
        comparison.report(run.name + " weights", "PyTorch " + torch.__version__, {network or "all": relative(got, wanted)},
                          lambda _: FEATURE_LIMIT)


def main():
    runtimes = find_runtimes()
    if not runtimes:
        print("skipped: no onnxruntime and no OpenVINO")
        return
    program = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else temporary)
        folder.mkdir(parents=True, exist_ok=True)
        comparison = Comparison(program, folder, runtimes)
        if not comparison.data.exists():
            # With 60, covariances are so poorly known that a distance by them differs by 1.6e-4 in f32.
            tern(program, "demo-data", "--images-per-subclass", 90, "--out", comparison.data)
        for name in RUNS:
            run = comparison.train(name)
            images, tensors = comparison.with_dump(run)
            compare_torch(comparison, run, images, tensors)
            if name == "grouped":
                continue  # of one level, which predict does not take
            plain = ["--score", "max_softmax"]  # whatever an earlier check in this folder has calibrated
            comparison.with_predictions(run, "answers", plain)
            comparison.with_predictions(run, "consistent answers", [*plain, "--consistent", "--tau-super", "0.4", "--tau-sub", "0.1"])
        run = comparison.train("two-heads")
        for score in SCORES:
            tern(program, "calibrate", "--run", run, "--score", score)
            comparison.with_predictions(run, score, limit=SCORE_LIMIT)


if __name__ == "__main__":
    main()
