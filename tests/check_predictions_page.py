#!/usr/bin/env python3
"""Opens the page of tern predict in headless Chromium and uses it as a reader would.

    check_predictions_page.py TERN [FOLDER]      TERN: the program; FOLDER: where to leave pages and screenshots

Without Chromium it says "skipped: no chromium" and succeeds. What the page shows is held to the CSV of the same command.
Class and file names hold markup that must stay text.
"""

import csv
import json
import os
import pathlib
import re
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))
from browser import Browser, find_chromium  # noqa: E402
from checks import check, tern  # noqa: E402
from pages import check_quiet, check_widths  # noqa: E402
from report_runs import make_one_level  # noqa: E402

EVIL_CLASS = "<img src=x onerror=alert(1)>, <b>bold</b>"
EVIL_FILE = "<b>&quot;'.png"


def edit_csv(file, edit):
    with open(file, newline="") as source:
        rows = list(csv.reader(source))
    edit(rows)
    with open(file, "w", newline="") as target:
        csv.writer(target).writerows(rows)


def make_run(program, folder):
    """A run on the synthetic set that was calibrated, with test images one of which has an evil name."""
    data = folder / "data"
    tern(program, "demo-data", "--images-per-subclass", 60, "--out", data)

    def rename_class(rows):
        rows[3][1] = EVIL_CLASS

    def rename_file(rows):
        rows[1][0] = EVIL_FILE

    edit_csv(data / "subclass_mapping.csv", rename_class)
    first = read_csv(data / "test_labels.csv")[0]["image"]
    (data / "test_images" / first).rename(data / "test_images" / EVIL_FILE)
    edit_csv(data / "test_labels.csv", rename_file)
    config = folder / "config.toml"
    config.write_text('backbone = "narrow_resnet10_4"\nimage_size = 16\nepochs = 2\ncifar = "none"\nhold_out = true\n'
                      "learning_rate = 2e-3\n")
    tern(program, "train", "--config", config, "--data", data, "--out", folder / "run", "--device", "cpu")
    tern(program, "calibrate", "--run", folder / "run")
    return data, folder / "run"


def read_csv(file):
    with open(file, newline="") as source:
        return list(csv.DictReader(source))


def predict(program, data, run, folder, name, *more):
    """The page's path, the rows of the table and what was printed."""
    page, table = folder / f"{name}.html", folder / f"{name}.csv"
    printed = tern(program, "predict", "--run", run, "--images", data / "test_images", "--out", table, "--page", page,
                   "--replace", "--allow-held-out", "--tau-super", "0.4", "--tau-sub", "0.3", "--details", "--names", *more)
    return page, read_csv(table), printed


SHOWN = """[...document.querySelectorAll('#groups section:not([hidden])')].map((section) => ({
  name: section.querySelector('h2').firstChild.textContent,
  items: [...section.querySelectorAll('figure:not([hidden])')].map((figure) => ({
    name: figure.querySelector('.name').textContent, wrong: figure.querySelector('.verdict.wrong') !== null,
    number: figure.querySelector('.number').textContent, alt: figure.querySelector('img').alt}))}))"""


def check_groups(page, rows, truth):
    """Every image is there once, with what the table says, and each group goes from the most novel on."""
    shown = page.evaluate(SHOWN)
    of = {row["image"]: row for row in rows}
    seen = [item["name"] for group in shown for item in group["items"]]
    check(sorted(seen) == sorted(of), "pictures:", len(seen), "rows:", len(of))
    for group in shown:
        before = -1.0
        for item in group["items"]:
            row = of[item["name"]]
            if row["superclass"] == "novel":
                name = "Novel superclass"
            elif row["subclass"] == "novel":
                name = "Novel subclass of " + row["superclass"]
            else:
                name = row["subclass"].split(",")[0]
                name = name[0].upper() + name[1:]
            check(group["name"] == name, item["name"], "is in", group["name"], "not in", name)
            confidence = min(float(row["superclass_confidence"]), float(row["subclass_confidence"]))
            check(confidence >= before - 1e-6, item["name"], "is out of order in", group["name"])
            before = confidence
            level = "super" if float(row["superclass_confidence"]) < float(row["subclass_confidence"]) else "sub"
            p = float(row[f"{level}class_p_value"])
            check(abs(float(item["number"].replace("\u00a0", " ").split(" p ")[1].replace("< ", "")) - p) <= 0.0011, item["name"], item["number"], "p", p)
            # A line is broken after the separator alone.
            check(len(item["number"].split(" ")) == 2 and "\u00a0· " in item["number"], "broken elsewhere:", repr(item["number"]))
            right = (row["superclass_index"], row["subclass_index"]) == truth[item["name"]]
            check(item["wrong"] != right, item["name"], "is marked", "wrong" if item["wrong"] else "right")
            check(("right" if right else "wrong: it is") in item["alt"], "alt text:", item["alt"])


def check_counts(page, rows, printed):
    """The page counts the images of each kind as the terminal and the table do, in the terminal's words."""
    novel_super = sum(row["superclass"] == "novel" for row in rows)
    novel_sub = sum(row["subclass"] == "novel" and row["superclass"] != "novel" for row in rows)
    tiles = page.evaluate("""[...document.querySelectorAll('#counts .tile')].map((tile) =>
      [tile.querySelector('.name').textContent, tile.querySelector('.value').textContent])""")
    wanted = [["Of a known class", str(len(rows) - novel_super - novel_sub)],
              ["Of a novel subclass of a known superclass", str(novel_sub)], ["Of a novel superclass", str(novel_super)]]
    check(tiles[:3] == wanted, "counts:", tiles, "not", wanted)
    words = ", ".join(f"{value} {name[0].lower()}{name[1:]}" for name, value in tiles[:3])
    check(f"{len(rows)} images: {words}; written to" in printed, "printed:", printed, "on the page:", words)
    right = re.search(r"both       accuracy: overall +([0-9.]+) %", printed)
    check(right and f"{float(right.group(1)):.1f} %" == tiles[3][1], "right:", tiles[3], "printed:", printed)


def names_shown(page):
    page.settle()
    return {item["name"] for group in page.evaluate(SHOWN) for item in group["items"]}


def choose(page, id_, value):
    page.evaluate(f"""{{const one = document.getElementById('{id_}'); one.value = {json.dumps(value)};
      one.dispatchEvent(new Event('input', {{bubbles: true}}))}}""")


def check_filters(page, rows, truth):
    everything = names_shown(page)
    choose(page, "group", "novel")
    novel = {row["image"] for row in rows if row["superclass"] == "novel" or row["subclass"] == "novel"}
    check(names_shown(page) == novel and 0 < len(novel) < len(rows), "novel ones:", len(novel))
    choose(page, "group", "known")
    check(names_shown(page) == everything - novel, "known ones")
    choose(page, "group", "0")
    first = page.evaluate("page.groups[0].items.map((item) => item.name)")
    check(names_shown(page) == set(first), "the first group")
    choose(page, "group", "")
    page.evaluate("document.getElementById('search').focus()")
    page.call("Input.insertText", text="1.PNG")
    check(names_shown(page) == {name for name in everything if "1.png" in name}, "searched for 1.PNG")
    count = page.evaluate("document.getElementById('shown').textContent")
    check(count.startswith(f"{len(names_shown(page))} picture") and count.endswith(f"of {len(rows)}"), "counted:", count)
    choose(page, "search", "")
    choose(page, "verdict", "wrong")
    wrong = {row["image"] for row in rows if (row["superclass_index"], row["subclass_index"]) != truth[row["image"]]}
    check(names_shown(page) == wrong, "wrong ones")
    choose(page, "verdict", "")
    check(names_shown(page) == everything, "all again")


def check_detail(page):
    """By keyboard: Enter opens, arrows move, Escape closes and gives the focus to the picture that was last shown."""
    name = "document.getElementById('detail-name').textContent"
    page.evaluate("document.querySelector('figure button').focus()")
    page.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
    page.call("Input.dispatchKeyEvent", type="keyUp", key="Enter", code="Enter", windowsVirtualKeyCode=13)
    page.settle()
    check(page.evaluate("document.getElementById('detail').open"), "Enter does not open a picture")
    names = page.evaluate("pictures.map((one) => one.item.name)")
    check(page.evaluate(name) == names[0], "in detail:", page.evaluate(name))
    page.press("ArrowRight", 39)
    check(page.evaluate(name) == names[1], "after the arrow:", page.evaluate(name))
    page.press("ArrowLeft", 37)
    page.press("ArrowLeft", 37)  # nothing is before the first
    check(page.evaluate(name) == names[0], "back:", page.evaluate(name))
    text = page.evaluate("document.getElementById('detail-body').textContent")
    check("subclass confidence" in text and "truth" in text and "subclass p" in text, "in detail:", text)
    page.press("Escape", 27)
    check(not page.evaluate("document.getElementById('detail').open"), "Escape does not close it")
    check(page.evaluate("pictures[0].figure.contains(document.activeElement)"), "the focus is lost")


def check_markup(page, file):
    check(page.evaluate("document.querySelectorAll('#groups b, img[onerror], img[src=x], h2 img').length") == 0, "a name became markup")
    check(EVIL_FILE in names_shown(page), "no", EVIL_FILE)
    text = file.read_text(encoding="utf-8")
    check("http:" not in text and "https:" not in text, "the page names an address")


def check_accessible(page):
    nameless = page.evaluate("""[...document.querySelectorAll('img, input, select, button')].filter((one) =>
      !(one.getAttribute('aria-label') || one.alt || (one.labels && one.labels.length) || one.textContent ||
        one.querySelector('img[alt]'))).map((one) => one.outerHTML.slice(0, 100))""")
    check(not nameless, "without a name:", nameless)


def check_layout(browser, url, folder):
    check_widths(browser, url, folder, "predictions")
    page = browser.open(url, dark=True)
    page.settle()
    page.screenshot(folder / "predictions-dark.png")
    page.pdf(folder / "predictions.pdf")


def check_nearest(browser, program, data, run, folder):
    """A page says which of its pictures have nearest images, and so does a picture without them."""
    file, rows, _ = predict(program, data, run, folder, "nearest", "--page-nearest", "7")
    page = browser.open(file.resolve().as_uri())
    page.settle()
    check(page.evaluate("document.querySelectorAll('#groups .near').length") == 7, "pictures with nearest images")
    lead = page.evaluate("document.getElementById('what').textContent")
    check("Below the 7 most novel pictures, and no others, are the training images" in lead, "lead:", lead)
    for has in (True, False):
        page.evaluate(f"pictures.find((one) => Boolean(one.item.nearest) === {json.dumps(has)}).figure.querySelector('button').click()")
        text = page.evaluate("document.getElementById('detail-body').textContent")
        check(("cosine" in text) == has and ("of the 7 most novel pictures alone" in text) != has, "in detail:", text)
        page.evaluate("document.getElementById('close').click()")
    for more, wanted in (("0", ""), (str(len(rows)), "Below each picture are the training images")):
        file, _, _ = predict(program, data, run, folder, "nearest", "--page-nearest", more)
        lead = browser.open(file.resolve().as_uri()).evaluate("document.getElementById('what').textContent")
        check(wanted in lead and ("training images" in lead) == bool(wanted), "of", more, "lead:", lead)


def check_one_level(browser, program, folder):
    """Of classes without superclasses the page, and the terminal, speak of classes alone."""
    source, data = folder / "data", folder / "one_level"
    make_one_level(source, data, 4)
    tern(program, "train", "--config", folder / "config.toml", "--set", "hold_out=false", "--data", data,
         "--out", folder / "one_run", "--device", "cpu")
    for command in ("calibrate", "evaluate"):
        printed = tern(program, command, "--run", folder / "one_run", "--quiet")
        check("superclass" not in printed and "subclass" not in printed.split("settings:")[0], command, "printed:", printed)
    printed = tern(program, "predict", "--run", folder / "one_run", "--images", source / "test_images", "--out", folder / "one.csv",
                   "--page", folder / "one.html", "--tau-sub", "0.4")
    page = browser.open((folder / "one.html").resolve().as_uri())
    page.settle()
    tiles = page.evaluate("[...document.querySelectorAll('#counts .name')].map((name) => name.textContent)")
    check(tiles == ["Of a known class", "Of a novel class"], "tiles:", tiles)
    page.evaluate("document.querySelector('figure button').click()")
    text = page.evaluate("document.body.innerText")
    for said in (text, printed):
        check("superclass" not in said.lower() and "subclass" not in said.lower(), "with one level it says:", said)
    check("of a novel class; written to" in printed, "printed:", printed)


def check_limit(browser, program, data, run, folder, count):
    """A page of fewer pictures says how many were left out, on the terminal too."""
    file, rows, printed = predict(program, data, run, folder, "limited", "--page-limit", "10")
    check(f"10 of {count} pictures, {count - 10} left out (--page-limit): the 5 most novel" in printed, "printed:", printed)
    page = browser.open(file.resolve().as_uri())
    check(len(names_shown(page)) == 10, "pictures:", len(names_shown(page)))
    notes = page.evaluate("document.getElementById('notes').textContent")
    check(f"{count - 10} images are left out. Shown are the 5 most novel" in notes, "notes:", notes)
    least = sorted(rows, key=lambda row: min(float(row["superclass_confidence"]), float(row["subclass_confidence"])))[:5]
    check({row["image"] for row in least} <= names_shown(page), "the most novel are not there")
    check(page.evaluate("document.getElementById('verdict-label').offsetWidth") == 0, "compares with labels that were not given")


def check_thousands(browser, file, folder):
    """A page of 5,000 pictures, made of this one's, is there in seconds."""
    text = file.read_text(encoding="utf-8")
    start = '<script type="application/json" id="data">'
    begin = text.index(start) + len(start)
    end = text.index("</script>", begin)
    data = json.loads(text[begin:end])
    group = data["groups"][-1]
    group["items"] = [dict(group["items"][i % len(group["items"])], name=f"{i}.jpg") for i in range(5000)]
    many = folder / "many.html"
    many.write_text(text[:begin] + json.dumps(data).replace("<", "\\u003c") + text[end:], encoding="utf-8")
    began = time.monotonic()
    page = browser.open(many.resolve().as_uri())
    page.settle()
    took = time.monotonic() - began
    check(took < 30, "a page of 5,000 pictures took", took, "s")
    began = time.monotonic()
    choose(page, "search", "4999")
    check(len(names_shown(page)) == 1, "searched for 4999")
    check(time.monotonic() - began < 10, "a search among 5,000 took", time.monotonic() - began, "s")
    return took


def main():
    check(len(sys.argv) in (2, 3), "wanted TERN and maybe a folder")
    chromium = find_chromium()
    if chromium is None:
        print("skipped: no chromium")
        return
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="tern_predictions_") as temporary:
        folder = pathlib.Path(temporary)
        shots = pathlib.Path(sys.argv[2]) if len(sys.argv) == 3 else folder
        data, run = make_run(program, folder)
        file, rows, printed = predict(program, data, run, shots, "predictions", "--labels", data / "test_labels.csv")
        check(f"{len(rows)} pictures, " in printed, "printed:", printed)
        truth = {row["image"]: (row["superclass_index"], row["subclass_index"]) for row in read_csv(data / "test_labels.csv")}
        url = file.resolve().as_uri()
        with Browser(chromium) as browser:
            page = browser.open(url)
            page.settle()
            check_groups(page, rows, truth)
            check_counts(page, rows, printed)
            check_filters(page, rows, truth)
            check_detail(page)
            check_markup(page, file)
            check_accessible(page)
            check_quiet(page, url)
            check_limit(browser, program, data, run, shots, len(rows))
            check_nearest(browser, program, data, run, shots)
            check_one_level(browser, program, folder)
            took = check_thousands(browser, file, folder)
            check_layout(browser, url, shots)
    print(f"check_predictions_page: groups, order, filters, details and layout are as they should be; 5,000 pictures in {took:.1f} s")


if __name__ == "__main__":
    main()
