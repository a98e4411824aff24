#!/usr/bin/env bash
# What becomes of a NaN in onnxruntime 1.32.0 and OpenVINO 2026.4.1 (CPU, f32), on x86-64.
#
# A NaN in a network's activations ought to reach the logits, where somebody sees it: PyTorch's relu, clamp, max_pool2d, amax,
# softmax and argmax all hand it on, as NumPy's maximum and ONNX's own reference evaluator do. Seen here instead:
#   OpenVINO     Relu, Clip, MaxPool and Conv+Relu turn it into a number (Conv alone keeps it, LeakyRelu keeps it); Softmax of
#                a row with one NaN is that NaN and a 0 for every other class, so the row's largest finite probability is 0
#   onnxruntime  Relu, Clip, Conv+Relu, Softmax keep it, but MaxPool, GlobalMaxPool and ArgMax pass over it, and ReduceMax of a row
#                of 16 was neither NaN nor the largest number: what stood before the NaN was forgotten (shown, not checked,
#                since it depends on the width of the vectors)
# So a network with damaged weights names a class with a probability in both, and "no NaN in the output" proves nothing.
#   findings/nan_in_inference_engines.sh        needs Python 3.11 to 3.13 with venv, and pip; 0 if all is still so, 1 if not
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q onnxruntime==1.32.0 openvino==2026.4.1 onnx==1.23.2 numpy==2.4.6
cat >"$folder/nan.py" <<'PYTHON'
import sys
import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

core = openvino.Core()
results = {}


def run(op, x, attributes={}, constants={}, then=None):
    """The op's output by the reference, onnxruntime and OpenVINO; `then`: an op behind it."""
    tensors = [helper.make_tensor(name, TensorProto.FLOAT, v.shape, v.ravel()) for name, v in constants.items()]
    nodes = [helper.make_node(op, ["x", *constants], ["h" if then else "y"], **attributes)]
    if then:
        nodes.append(helper.make_node(then, ["h"], ["y"]))
    kind = TensorProto.INT64 if op == "ArgMax" else TensorProto.FLOAT
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
                              [helper.make_tensor_value_info("y", kind, None)], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    raw = model.SerializeToString()
    session = onnxruntime.InferenceSession(raw, providers=["CPUExecutionProvider"])
    compiled = core.compile_model(core.read_model(raw), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    name = op + ("+" + then if then else "")
    results[name] = [ReferenceEvaluator(model).run(None, {"x": x})[0], session.run(None, {"x": x})[0], compiled([x])[0]]


rng = np.random.default_rng(0)
images = rng.normal(size=(1, 8, 8, 8)).astype(np.float32)
images[0, 3, 4, 4] = np.nan
rows = rng.normal(size=(2, 1000)).astype(np.float32)
rows[1, 2] = np.nan
weight = rng.normal(size=(16, 8, 1, 1)).astype(np.float32)
short = np.random.default_rng(16).normal(size=(3, 16)).astype(np.float32)
short[1, 2] = short[2, 15] = np.nan
run("ReduceMax", short, {"axes": [1], "keepdims": 0})
maxima = results.pop("ReduceMax")
run("Relu", images)
run("LeakyRelu", images, {"alpha": 0.1})
run("Clip", images, {}, {"low": np.array(0, np.float32), "high": np.array(6, np.float32)})
run("MaxPool", images, {"kernel_shape": [2, 2], "strides": [2, 2]})
run("GlobalMaxPool", images)
run("Conv", images, {}, {"w": weight})
run("Conv", images, {}, {"w": weight}, then="Relu")
run("Softmax", rows, {"axis": 1})
run("ReduceMax", rows, {"axes": [1], "keepdims": 0})
run("ArgMax", rows, {"axis": 1, "keepdims": 0})

print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}, OpenVINO {openvino.__version__}")
print(f"{'op':14} {'reference':>11} {'onnxruntime':>11} {'OpenVINO':>11}   (NaNs in the output)")
counts = {}
for name, outputs in results.items():
    counts[name] = [int(np.isnan(np.asarray(y, np.float64)).sum()) for y in outputs]
    print(f"{name:14} {counts[name][0]:11} {counts[name][1]:11} {counts[name][2]:11}")
classes = [int(y[1]) for y in results["ArgMax"]]
softmax = results["Softmax"][2][1]
rest = float(np.nansum(softmax))
print(f"ArgMax of the row whose element 2 is NaN: {classes[1]} and {classes[2]} (argmax of NumPy and PyTorch: 2)")
print(f"ReduceMax of three rows of 16, the last two with a NaN: onnxruntime {maxima[1]}, OpenVINO {maxima[2]}")
print(f"  (the largest numbers of these rows: {np.nanmax(short, axis=1)})")
print(f"OpenVINO's softmax of that row: the finite probabilities add up to {rest}")

still = (
    counts["Relu"][1:] == [1, 0] and counts["LeakyRelu"][1:] == [1, 1] and counts["Clip"][1:] == [1, 0]
    and counts["MaxPool"] == [1, 0, 0] and counts["GlobalMaxPool"][1:] == [0, 0]
    and counts["Conv"][1:] == [16, 16] and counts["Conv+Relu"][1:] == [16, 0]
    and counts["Softmax"] == [1000, 1000, 1] and rest == 0.0
    and counts["ReduceMax"][1] == 0 and 2 not in classes[1:]
)
print("still so" if still else "CHANGED")
sys.exit(0 if still else 1)
PYTHON
"$folder/venv/bin/python" "$folder/nan.py"
