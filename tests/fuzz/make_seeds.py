#!/usr/bin/env python3
"""Makes seeds for the fuzzers, of the tests' golden files and of what is made up here.

    tests/fuzz/make_seeds.py FOLDER      FOLDER/NAME/* for each fuzzer; build-fuzz/tests/fuzz/fuzz_seeds adds what tern writes
"""
import collections
import io
import json
import pathlib
import pickle
import struct
import sys
import types
import zipfile
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDENS = ROOT / "tests/goldens"


def main():
    if len(sys.argv) != 2:
        sys.exit("make_seeds: wanted a folder")
    out = pathlib.Path(sys.argv[1])
    for make in (pickles, checkpoints_of_torch, safetensors, zips, images, tables, settings, json_files, plan_files):
        for fuzzer, name, contents in make():
            (out / fuzzer).mkdir(parents=True, exist_ok=True)
            data = contents.encode() if isinstance(contents, str) else contents
            (out / fuzzer / name).write_bytes(data)


def parts(*texts):
    return "----\n".join(texts)


# --- weights ---


class Plain:
    """An object of a class that no reader knows."""

    def __init__(self):
        self.values = [1, 2.5]


def pickles():
    recursive = []
    recursive.append(recursive)
    values = {
        "numbers": [0, 1, -1, 255, 65535, -(2**31), 2**40, 2**70, -(2**2100), 1.5, float("inf"), float("nan"), True, None],
        "texts": ["", "a", "é", "\u2603", "\U0001f600", "a\nb\\", "x" * 300, b"", b"bytes", b"y" * 300, bytearray(b"z")],
        "containers": {"model": {"a": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)]}, 0: {1}, "f": frozenset([1, 2])},
        "classes": [Plain(), collections.OrderedDict(a=1), collections.defaultdict(list, b=[2]), complex(1, 2), Plain],
        "recursive": recursive,
        "shared": [[1]] * 3,
    }
    for name, value in values.items():
        for protocol in range(6):
            yield "pickle", f"{name}_{protocol}", pickle.dumps(value, protocol)
    # Opcodes that Python's own pickler does not write any more.
    hand = {
        "ext": b"\x80\x02\x82\x01\x83\x01\x00\x84\x01\x00\x00\x00\x87.",
        "inst": b"(I1\nI00\nI01\nios\nsystem\n.",
        "obj": b"(cos\nsystem\nS'a\\x41\\n'\no.",
        "persid": b"Pname\n0Va\\u2603\\U0001F600\n.",
        "stack": b"(I1\n2I2\n01(I3\n0(K\x01l(K\x01K\x02d(K\x03t\x87.",
        "longs": b"\x80\x02]\x8a\x00a\x8a\x01\xffa\x8b\x09\x00\x00\x00123456789aL12L\nae.",
        "memo": b"\x80\x04]\x94(K\x01p9\nq\x01r\x02\x00\x00\x00g9\nh\x01j\x02\x00\x00\x00e.",
        "strings": b"\x80\x02(T\x02\x00\x00\x00abU\x01cX\x01\x00\x00\x00d\x8d\x01\x00\x00\x00\x00\x00\x00\x00et.",
        "bytes": b"\x80\x05(\x8e\x01\x00\x00\x00\x00\x00\x00\x00a\x96\x01\x00\x00\x00\x00\x00\x00\x00b\x97\x98t.",
        "newobj": b"\x80\x04\x8c\x01a\x8c\x01B\x93)}\x92}b.",
        "state_of_object": b"\x80\x02ca\nB\n)\x81}(X\x01\x00\x00\x00kK\x01ub.",
        "frame": b"\x80\x04\x95\x02\x00\x00\x00\x00\x00\x00\x00K\x01.",
    }
    for name, data in hand.items():
        yield "pickle", name, data
    yield "pickle", "protocol0", (GOLDENS / "checkpoint_2026_protocol0.pkl").read_bytes()
    for name, data in torch_pickles():
        yield "pickle", name, data


class Storage:
    def __init__(self, kind, key, count):
        self.id = ("storage", kind, key, "cpu", count)


class Call:
    """What a function of torch's would make of arguments; pickled as its call."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


class TorchPickler(pickle.Pickler):
    def persistent_id(self, obj):
        return obj.id if isinstance(obj, Storage) else None


def fake_torch():
    """Names of torch's that can be pickled, without torch: functions and classes, by module and name."""
    names = {}
    for module, members in {
        "torch": ["FloatStorage", "HalfStorage", "LongStorage", "ComplexFloatStorage", "BoolStorage", "float32", "bfloat16",
                  "float4_e2m1fn_x2", "complex64", "int16", "Tensor", "Size"],
        "torch.storage": ["UntypedStorage"],
        "torch._utils": ["_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter",
                         "_rebuild_parameter_with_state", "_rebuild_device_tensor_from_cpu_tensor", "_rebuild_sparse_tensor",
                         "_rebuild_meta_tensor_no_storage", "_rebuild_qtensor"],
        "torch._tensor": ["_rebuild_from_type_v2"],
    }.items():
        made = sys.modules.setdefault(module, types.ModuleType(module))
        for name in members:
            thing = type(name, (), {"__module__": module, "__qualname__": name})
            setattr(made, name, thing)
            names[name] = thing
    return types.SimpleNamespace(**names)


def torch_pickles():
    for path in sorted(GOLDENS.glob("*.pth")):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                name = next(n for n in archive.namelist() if n.endswith("data.pkl"))
                yield path.stem, archive.read(name)
    torch = fake_torch()
    empty = collections.OrderedDict()
    floats, halves = Storage(torch.FloatStorage, "0", 24), Storage(torch.HalfStorage, "1", 64)
    untyped = Storage(torch.UntypedStorage, "2", 32)

    def v2(storage, offset, sizes, strides, *more):
        return Call(torch._rebuild_tensor_v2, storage, offset, sizes, strides, False, empty, *more)

    def v3(storage, kind, sizes, strides, *more):
        return Call(torch._rebuild_tensor_v3, storage, 0, sizes, strides, False, empty, kind, *more)

    plain = v2(floats, 0, (2, 3, 2, 2), (12, 4, 2, 1))
    dicts = {
        "tensors": {"a": plain, "b": v2(floats, 1, (3, 2), (2, 1)), "c": v2(floats, 0, (), ()), "d": v2(floats, 0, (0,), (1,))},
        "strided": {"t": v2(floats, 0, (2, 3), (1, 2)), "e": v2(halves, 2, (4, 5), (1, 0)), "n": v2(halves, 0, (7,), (9,))},
        "lazy": {"c": v2(Storage(torch.ComplexFloatStorage, "0", 4), 0, (4,), (1,), {"conj": True}),
                 "n": v2(floats, 0, (24,), (1,), {"neg": True}),
                 "i": v2(Storage(torch.LongStorage, "3", 4), 0, (4,), (1,), {"neg": True})},
        "typed": {"b": v3(untyped, torch.bfloat16, (16,), (1,)), "f": v3(untyped, torch.float4_e2m1fn_x2, (4, 8), (8, 1)),
                  "s": v3(untyped, torch.int16, (2, 8), (8, 1), {"neg": True})},
        "wrapped": {"p": Call(torch._rebuild_parameter, plain, True, empty),
                    "q": Call(torch._rebuild_parameter_with_state, plain, True, empty, {"x": 1}),
                    "d": Call(torch._rebuild_device_tensor_from_cpu_tensor, plain, torch.float32, "cpu", False),
                    "t": Call(torch._rebuild_from_type_v2, torch._rebuild_tensor_v2, torch.Tensor, tuple(plain.arguments), {})},
        "nested": {"model": {"state_dict": {"w": plain}}, "ema": {"w": plain}, "epoch": 3, "args": Plain()},
        "left_out": {"w": plain, "s": Call(torch._rebuild_sparse_tensor, 1, ()), "l": [plain], "m": Plain(), "v": floats},
        "old": {"w": Call(torch._rebuild_tensor, floats, 0, (4,), (1,))},
        "several": {"ema": {"w": plain}, "teacher": {"w": plain}},
    }
    for name, value in dicts.items():
        for protocol in (0, 2, 4):
            data = io.BytesIO()
            pickler = TorchPickler(data, protocol)
            try:
                pickler.dump(value)
            except pickle.PicklingError:
                continue  # protocol 0 has no persistent ids but texts
            yield f"{name}_{protocol}", data.getvalue()


def checkpoints_of_torch():
    for name, data in torch_pickles():
        yield "torch_checkpoint", name, data
        for kind in b"BCTNS":
            if name.startswith("tensors"):
                yield "torch_checkpoint", f"{name}_{chr(kind)}", data + bytes([kind])


def safetensors_file(header, data_bytes, pad=0):
    text = header if isinstance(header, str) else json.dumps(header)
    text += " " * pad
    return struct.pack("<Q", len(text.encode())) + text.encode() + bytes(i * 37 % 251 for i in range(data_bytes))


SMALL_NETWORK = [("bn1.weight", [2]), ("bn1.bias", [2]), ("bn1.running_mean", [2]), ("bn1.running_var", [2]),
                 ("fc.weight", [3, 2]), ("fc.bias", [3])]


def small_network(metadata=None, prefix="", counter=True, zeros=True):
    header = {"__metadata__": metadata} if metadata else {}
    at = 0
    for name, shape in SMALL_NETWORK:
        size = 4 * (shape[0] * (shape[1] if len(shape) > 1 else 1))
        header[prefix + name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    if counter:
        header[prefix + "bn1.num_batches_tracked"] = {"dtype": "I64", "shape": [], "data_offsets": [at, at + 8]}
        at += 8
    data = safetensors_file(header, 0)
    return data + (bytes(at) if zeros else struct.pack("<f", -1.5) * (at // 4))


def safetensors():
    for path in sorted(GOLDENS.glob("*.safetensors")):
        if path.stat().st_size < 20_000:
            yield "safetensors", path.stem, path.read_bytes()
            yield "checkpoint", path.stem, path.read_bytes()
    one = {"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}
    types_of = {"BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "F8_E8M0": 8, "U16": 16, "F16": 16, "BF16": 16,
                "I32": 32, "C64": 64, "F64": 64, "I64": 64, "U64": 64}
    many, at = {"__metadata__": {"format": "pt", "é": ""}}, 0
    for kind, bits in types_of.items():
        many[kind] = {"dtype": kind, "shape": [4, 2], "data_offsets": [at, at + bits]}
        at += bits
    files = {
        "one": safetensors_file(one, 24),
        "padded": safetensors_file(one, 24, 7),
        "many": safetensors_file(many, at),
        "empty": safetensors_file({}, 0),
        "scalar": safetensors_file({"s": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}}, 4),
        "no_elements": safetensors_file({"z": {"dtype": "F32", "shape": [0, 5], "data_offsets": [0, 0]}}, 0),
        "gap": safetensors_file({"a": {"dtype": "U8", "shape": [2], "data_offsets": [1, 3]}}, 3),
        "overlap": safetensors_file({"a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]},
                                     "b": {"dtype": "U8", "shape": [2], "data_offsets": [1, 3]}}, 3),
        "numbers": safetensors_file('{"a":{"dtype":"U8","shape":[1e1,-1,1.5],"data_offsets":[0,10]},"b":null,"c":true}', 10),
        "twice": safetensors_file('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"shape":[1]},"a":{}}', 1),
        "rank_4": safetensors_file({"conv": {"dtype": "F16", "shape": [2, 3, 1, 1], "data_offsets": [0, 12]}}, 12),
    }
    for name, data in files.items():
        yield "safetensors", name, data
    model = {"tern.content": "model 1", "tern.architecture": "resnet18", "tern.backbone_prefix": "backbone.",
             "tern.heads": '[{"name":"head","kind":"linear","classes":3}]', "part": "super", "epoch": "2"}
    cosine = {**model, "tern.heads": '[{"name":"a","kind":"cosine","classes":1},{"name":"b","kind":"cosine_relu_linear","classes":2}]'}
    state = {"tern.content": "training state 1", "tern.epoch": "2", "tern.step_in_epoch": "0", "tern.global_step": "12",
             "tern.optimizer_steps": "12", "best_score_percent": "50.5", "best_loss": "0.5", "best_epoch": "1"}
    yield "checkpoint", "small", small_network()
    yield "checkpoint", "small_without_counter", small_network(counter=False)
    yield "checkpoint", "negative", small_network(zeros=False)
    for prefix in ("module.", "_orig_mod.", "net.", "backbone.", "resnet.encoder.stages.0."):
        yield "checkpoint", "prefix_" + prefix.strip("."), small_network(prefix=prefix)
    yield "checkpoint", "model", small_network(model)
    yield "checkpoint", "cosine", small_network(cosine)
    yield "checkpoint", "state", small_network(state, prefix="model.")
    hugging_face = {"resnet.embedder.embedder.convolution.weight": [2], "resnet.embedder.embedder.normalization.running_var": [2],
                    "resnet.encoder.stages.0.layers.0.layer.0.convolution.weight": [2],
                    "resnet.encoder.stages.1.layers.0.shortcut.convolution.weight": [2], "classifier.1.weight": [2]}
    header = {name: {"dtype": "F32", "shape": shape, "data_offsets": [8 * i, 8 * i + 8]}
              for i, (name, shape) in enumerate(hugging_face.items())}
    yield "checkpoint", "hugging_face", safetensors_file(header, 0) + bytes(8 * len(header))


def zips():
    def archive(entries, comment=b"", method=zipfile.ZIP_DEFLATED):
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w", method) as made:
            for name, contents in entries:
                made.writestr(name, contents)
            made.comment = comment
        return data.getvalue()

    picture = next(data for name, data in blocks("image_io.blocks") if name == "grey_1.png")
    images_in = [("train_images/1.jpg", b"x"), ("train_images/2.png", picture), ("./a\\b.BMP", b"y" * 1000),
                 ("__MACOSX/._1.jpg", b""), (".hidden/3.jpg", b""), ("notes.txt", b"t"), ("folder/", b"")]
    yield "zip", "images", archive(images_in)
    yield "zip", "stored", archive(images_in, method=zipfile.ZIP_STORED)
    yield "zip", "bzip2", archive(images_in[:2], method=zipfile.ZIP_BZIP2)
    yield "zip", "lzma", archive(images_in[:2], method=zipfile.ZIP_LZMA)
    yield "zip", "comment", archive(images_in[:1], b"a comment")
    yield "zip", "empty", archive([])
    yield "zip", "no_images", archive([("a.txt", b"a"), ("b", b"b")])
    yield "zip", "twice", archive([("a/1.jpg", b"a"), ("b/1.jpg", b"b")])
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as made:  # zip64
        with made.open("1.jpg", "w", force_zip64=True) as entry:
            entry.write(b"zip64")
    yield "zip", "zip64", data.getvalue()
    yield "zip", "encrypted", archive(images_in[:1]).replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01")
    for path in sorted(GOLDENS.glob("*.pth")):
        if path.stat().st_size < 3000:
            yield "zip", path.stem, path.read_bytes()


# --- images ---


def blocks(name):
    data = (GOLDENS / name).read_bytes()
    at = 0
    while at < len(data):
        line = data.index(b"\n", at)
        title, _, _, size = data[at:line].split()
        yield title.decode(), data[line + 1:line + 1 + int(size)]
        at = line + 1 + int(size)


def images():
    for name, data in blocks("jpeg.blocks"):
        if not name.endswith(".rgb"):
            yield "jpeg", name, data
    for name, data in blocks("image_io.blocks"):
        if name.endswith(".png"):
            yield "png", name, data
        if name.endswith((".bmp", ".jpg", ".gif")) or name in ("grey_1.png", "colour_8.png"):
            yield "image", name, data

    def chunk(kind, contents):
        return struct.pack(">I", len(contents)) + kind + contents + struct.pack(">I", zlib.crc32(kind + contents))

    def png(width, height, depth, colour, rows, *chunks):
        return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
                + b"".join(chunks) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))

    filters = b"".join(bytes([kind]) + bytes(range(9)) for kind in range(5))  # each of the five
    yield "png", "filters", png(3, 5, 8, 2, filters)
    yield "png", "more_chunks", png(3, 5, 8, 2, filters, chunk(b"gAMA", bytes(4)), chunk(b"tEXt", b"a\0b"))
    two = png(3, 5, 8, 2, filters)
    middle = two.index(b"IDAT") - 4
    compressed = zlib.compress(filters)
    yield "png", "two_idat", (two[:middle] + chunk(b"IDAT", compressed[:9]) + chunk(b"IDAT", compressed[9:])
                              + chunk(b"IEND", b""))
    yield "png", "stored_block", (two[:middle] + chunk(b"IDAT", zlib.compress(filters, 0)) + chunk(b"IEND", b""))


# --- tables and settings ---


def tables():
    texts = {
        "plain": "image,superclass_index,subclass_index\n0.jpg,0,1\n1.jpg,1,2\n",
        "quoted": 'a,b\n"x,""y""","line\nend"\r\n,\n\n',
        "numbers": "i,r\n 5 ,1.5e3\n+7,-inf\nx,nan\n",
        "mark": "\ufeffa,b\n1,2",
        "semicolons": "a;b\n1;2\n",
        "one_column": 'a\n""\nb\n',
        "twice": "a,a\n1,2\n",
    }
    for name, text in texts.items():
        yield "csv", name, text
    supers, subs = "index,class\n0,bird\n1,dog\n2,novel\n", "index,class\n0,owl\n1,jay\n2,pug\n3,novel\n"
    by_index = "image,superclass_index,subclass_index,description\n0.jpg,0,1,x\n1.jpg,1,2,y\n2.png,2,3,z\n"
    by_name = "image,superclass,subclass\n0.jpg,bird,jay\n1.jpg,dog,pug\ntrain_images/2.png,novel,novel\n"
    one_level = "image,class\n0.jpg,é\n1.jpg,pug 10\n2.png,pug 9\n"
    labels = "image,superclass_index,subclass_index\n0.jpg,0,3\n1.jpg,2,3\n"
    yield "label_table", "by_index", parts(by_index, supers, subs, labels)
    yield "label_table", "by_name", parts(by_name, supers, subs, labels.replace("superclass_index,subclass_index", "superclass,subclass"))
    yield "label_table", "by_name_alone", by_name
    yield "label_table", "one_level", one_level
    yield "label_table", "other_image", parts(by_index.replace("0.jpg", "0.JPG"), supers, subs, labels)
    yield "label_table", "contradicting", parts(by_index + "3.jpg,1,1,\n", supers, subs)
    for name, text in {"lines": "a\nb\nc\n", "lines_crlf": "a\r\nb\r\nc\r\n\r\n", "table": "class_index,class\n0,a\n2,c\n1,b\n",
                       "one": "a", "quoted": 'class_index,class\n0,"a, b"\n0,"a, b"\n'}.items():
        yield "class_names", name, text
    yield "cifar", "small", parts("reptiles\nfish\ntrees\n", "a\nb\r\nc\n", "0 2\n1\n", "\0\1\1\2\2\0\1\1")
    yield "cifar", "indices_twice", parts("fish\n", "a\n", "0 0", "\0\0\0\0")
    yield "cifar", "half_a_record", parts("fish\n", "a\n", "0", "\0\0\0")


def settings():
    configs = ROOT / "apps/configs"
    for path in sorted(configs.glob("*.toml")):
        text = path.read_text()
        if not path.stem.startswith("study"):
            yield "config", path.stem, text
            yield "plan", "settings_" + path.stem, parts('title = "t"\n[[row]]\nname = "a"\nconfig = "a.toml"\n', text)
            continue
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        yield "plan", path.stem, "\n".join("config = \"a.toml\"" if line.startswith("config") else line for line in lines) + "\n"
    values = {"types": 'a = 1\nb = 1.5\nc = "x"\nd = [1, "y"]\ne = 1979-05-27\n[f]\n[[g]]\n', "no_toml": "a = \n", "nested": "a = [[[]]]\n",
              "sets": "epochs = 3\n----\nseed=7\nbackbone = 'resnet50'\ncifar_exclude_groups=[\"trees\"]\nx\n=1\nmixup={}\n"}
    for name, text in values.items():
        yield "config", name, text
    row = '[[row]]\nname = "{0}"\nconfig = "a.toml"\n'
    plan = ('title = "t"\nseeds = [1, 2]\nfolds = 3\nnovelty_scores = false\nleave_superclasses_out = true\n'
            '[test_mix_percent]\nseen = 20\nnovel_subclass = 50\nnovel_superclass = 30\n[settings]\nepochs = 1\nbackbone = "resnet18"\n'
            + row.format("a") + 'threshold = "best_harmonic_mean"\nscore = ["super=knn", "sub=knn+max_logit"]\nviews = "flip"\n'
            'published = {super_overall = 80, sub_seen = 90.5, sub_unseen = 10}\nnovel_superclasses = "left_out"\n'
            + row.format("b") + 'settings = {cifar_exclude_groups = ["trees"], flip = false, mixup = 0.5}\ncompare_with = "a"\nconsistent = true\n'
            '[[row]]\nname = "c"\ntitle = "both"\nmembers = ["a", "b"]\n')
    yield "plan", "all_keys", plan
    yield "plan", "retrain", row.format("r") + "retrain = false\nseeds = [3]\nfolds = 0\n----\nhold_out = true\n"


# --- JSON of runs ---


def json_files():
    level = {
        "groups": {"seen": {"images": 3, "mean": 0.9, "deviation": 0.1, "percentiles": {"p5": 0.5}}},
        "calibrated_with": ["seen", "near"],
        "candidates": [{"rule": "best_harmonic_mean", "tau": 0.5, "of_reference": False}, {"rule": "seen_p5", "tau": 0.0}],
        "class_taus": [0.5, 0.5, 0.5, 1],
        "held_out_confidences": [0.1, 0.9],
        "probability": {"mean": 0.1, "deviation": 2.0, "slope": 1.5, "intercept": -0.5, "novel_share": 0.5},
    }
    sub = {**level, "class_taus": [0.5] * 7}
    choices = {"super": "knn", "sub": "knn"}
    rules = {"super": "best_harmonic_mean", "sub": "best_harmonic_mean"}
    by_score = {"settings": {"rule": rules, "score": choices, "views": "flip", "runs": ["/a"], "mix_percent": [21, 51, 28]},
                "super": level, "sub": sub}
    plain = {"settings": {"rule": "best_harmonic_mean", "score": {"super": "max_softmax", "sub": "max_softmax"}},
             "super": level, "sub": sub}
    yield "calibration", "by_score", json.dumps(by_score, indent=1)
    yield "calibration", "plain", json.dumps(plain)
    yield "calibration", "of_before", json.dumps({"settings": {"rule": "best_harmonic_mean"}, "super": level, "sub": sub})
    yield "calibration", "one_level", json.dumps({"settings": {}, "sub": sub})

    rates = {"tau": 0.9, "accuracy_seen_percent": 90.0, "accuracy_novel_percent": 50.0, "novel_images": 7}
    both = {"super": rates, "sub": rates}
    evaluation = {"validation": both, "pseudo_novel": both, "pseudo_novel_super": both, "settings": {"held_out_subclasses": 1},
                  "classes": {"super": ["a", "novel"], "sub": ["b", "c", "novel"]}}
    measured = {name: {"seen_right_percent": 90.0, "near_right_percent": 50, "far_trained_found_percent": 3} for name in both}
    estimate = {name: {"overall_percent": 80.0, "seen_percent": 90.0, "unseen_percent": None or 10} for name in both}
    novelty = {name: {"near": {"scores": {"knn": {"auroc_percent": 90.0}, "calibrated": {"aurc_percent": 3}}}} for name in both}
    fold = {**measured, "novelty": novelty, "closed_set": {"super": {"accuracy_percent": 97.0}}}
    result = {"estimate": estimate, "estimate_by_fold": [estimate], "folds": [fold, measured], "without": {"bird": measured},
              "predictions": {"novel_superclass_percent": 20.0}, "training_seconds": 5.5}
    yield "evaluation", "both", parts(json.dumps(evaluation, indent=1), json.dumps(result, indent=1))
    yield "evaluation", "result_alone", parts("{}", json.dumps({"estimate": estimate}))

    summary = {"status": "training", "sessions": [{"epochs": 1}, {"epochs": 3, "done": {"super": 1}}], "threads": 2,
               "models": {"super": {"last": {"epoch": 1}}}, "inputs": {"data": "/d", "weights": "w.pth"}}
    yield "run_folder", "short", json.dumps(summary, indent=1)
    yield "run_folder", "no_summary_of_tern", "[1, 2.5e300, null, \"a\\u2603\"]"


def plan_files():
    def record(key, plan):
        body = f"{key}\n{plan}\n"
        return f"1 {len(key)} {len(plan)}\n{body}"

    yield "plan_file", "two", record("conv 1x1", '{"engine": 7}') + record("conv 3x3 as recommended", "{}")
    yield "plan_file", "torn", record("a", "b") + "1 5 100\nabc"
    yield "plan_file", "same", record("a", "b") + record("a", "c") + record("", "")


if __name__ == "__main__":
    main()
