"""Data sets and runs that pages are made of. Class names hold markup that must stay text."""

import csv
import shutil
import struct

from checks import tern

EVIL = {"super": '</script><script>document.title = "broken"</script>', "sub": "<img src=x onerror=alert(1)>, <b>bold</b>"}


def rename_class(file, index, name):
    with open(file, newline="") as source:
        rows = list(csv.reader(source))
    for row in rows[1:]:
        if row[0] == str(index):
            row[1] = name
    with open(file, "w", newline="") as target:
        csv.writer(target).writerows(rows)


def make_runs(program, folder):
    """Two runs on the synthetic set, the first with thresholds of tern calibrate."""
    data = folder / "data"
    tern(program, "demo-data", "--images-per-subclass", 60, "--out", data)
    rename_class(data / "superclass_mapping.csv", 1, EVIL["super"])
    rename_class(data / "subclass_mapping.csv", 2, EVIL["sub"])
    config = folder / "config.toml"
    config.write_text('backbone = "narrow_resnet10_4"\nimage_size = 16\nepochs = 2\ncifar = "small"\ncifar_count = 100\n'
                      "hold_out = true\nlearning_rate = 2e-3\ntau_super = 0.6\ntau_sub = 0.3\n")
    for name, more in (("first", []), ("second", ["--set", "hold_out=false", "--set", "epochs=1"])):
        tern(program, "train", "--config", config, *more, "--data", data, "--out", folder / name, "--device", "cpu")
    tern(program, "calibrate", "--run", folder / "first")
    return folder / "first", folder / "second"


def make_run_of_many_classes(program, folder):
    """Three superclasses, one of them held out whole, with eight subclasses each: more than a table shows."""
    data = folder / "many"
    (data / "train_images").mkdir(parents=True)
    rows = ["image,superclass_index,subclass_index,description"]
    for image in range(24 * 8):
        subclass, shade = image // 8, image % 8
        pixel = bytes(((subclass * 37 + shade) % 256, (subclass * 91 + 3 * shade) % 256, 10 * subclass))
        header = struct.pack("<2sIHHI", b"BM", 54 + 768, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 16, 16, 1, 24, 0, 768, 0, 0, 0, 0)
        (data / "train_images" / f"{image}.bmp").write_bytes(header + pixel * 256)
        rows.append(f"{image}.bmp,{subclass // 8},{subclass},x")
    (data / "train_data.csv").write_text("\n".join(rows) + "\n")
    (data / "superclass_mapping.csv").write_text("index,class\n0,one\n1,two\n2,three\n3,novel\n")
    names = "".join(f"{i},kind {i}\n" for i in range(24))
    (data / "subclass_mapping.csv").write_text("index,class\n" + names + "24,novel\n")
    config = folder / "many.toml"
    # Of 64 pixels a side: of other heat maps than those of 16.
    config.write_text('backbone = "narrow_resnet10_4"\nimage_size = 64\nepochs = 1\nhold_out = true\n'
                      'hold_out_superclass = "three"\nlearning_rate = 2e-3\n'
                      "tau_super = 0.4\ntau_sub = 0.06\n")
    tern(program, "train", "--config", config, "--data", data, "--out", folder / "many-run", "--device", "cpu")
    return folder / "many-run"


def make_one_level(source, data, count):
    """The first `count` subclasses of a data set of tern demo-data as folders class/, without superclasses."""
    with open(source / "train_data.csv", newline="") as table:
        for row in csv.DictReader(table):
            if int(row["subclass_index"]) < count:
                to = data / f"class {row['subclass_index']}"
                to.mkdir(parents=True, exist_ok=True)
                shutil.copy(source / "train_images" / row["image"], to)
