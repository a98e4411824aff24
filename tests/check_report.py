#!/usr/bin/env python3
"""Opens reports of tiny runs in headless Chromium and uses them as a reader would.

    check_report.py TERN [FOLDER]      TERN: the program; FOLDER: where to leave reports and screenshots

Without Chromium it says "skipped: no chromium" and succeeds. Rates are counted here again, in double precision, from
the logits of `tern dump`. Class names of the runs hold markup that must stay text.
"""

import json
import os
import pathlib
import re
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))
from browser import Browser, find_chromium  # noqa: E402
from checks import check, tern  # noqa: E402
from pages import check_quiet, check_widths  # noqa: E402
from recount import Independent  # noqa: E402
from report_runs import EVIL, make_one_level, make_run_of_many_classes, make_runs  # noqa: E402


SHOWN_RATES = """Object.fromEntries([...document.querySelectorAll('[data-rate^="LEVEL."]')].map((tile) =>
  [tile.dataset.rate.split('.')[1], tile.querySelector('output').textContent]))"""


def compare_rates(page, independent, level):
    """The rates that the page shows at the tau that it shows, against those counted here. Returns that tau."""
    page.settle()
    tau = float(page.evaluate(f"document.getElementById('tau-{level}').value"))
    shown = page.evaluate(SHOWN_RATES.replace("LEVEL", level))
    wanted = independent.rates(tau)
    check(shown.keys() == wanted.keys(), level, "rates shown:", sorted(shown), "wanted:", sorted(wanted))
    if independent.safe(tau):
        for name, value in wanted.items():
            check(abs(float(shown[name].rstrip(" %")) - value) < 0.0051, level, name, "at tau", tau, "shown", shown[name],
                  "counted", value)
    return tau, shown


def check_sliders(page, independent):
    for level in ("super", "sub"):
        slider = f"document.getElementById('tau-{level}-slider')"
        page.evaluate(f"{slider}.focus()")
        tau, before = compare_rates(page, independent[level], level)
        check(tau == {"super": 0.6, "sub": 0.3}[level], "the slider of", level, "begins at", tau)
        taus, differing = {tau}, 0
        for key, code, times in (("Home", 36, 1), ("ArrowRight", 39, 3), ("PageUp", 33, 4), ("ArrowLeft", 37, 7), ("End", 35, 1)):
            for _ in range(times):
                page.press(key, code)
                tau, shown = compare_rates(page, independent[level], level)
                taus.add(tau)
                differing += shown != before
        check(len(taus) > 10 and differing > 8, level, "the keys hardly moved tau:", taus)
        # Dragging: what the browser does to the slider, at twenty places.
        for place in range(0, 1001, 50):
            page.evaluate(f"{slider}.value = {place}; {slider}.dispatchEvent(new Event('input', {{bubbles: true}}))")
            compare_rates(page, independent[level], level)
        # An exact number, typed.
        number = f"document.getElementById('tau-{level}')"
        page.evaluate(f"{number}.focus(); {number}.select()")
        page.call("Input.insertText", text="0.4321")
        tau, _ = compare_rates(page, independent[level], level)
        check(tau == 0.4321, "typed 0.4321, got", tau)
        # Numbers that are no thresholds leave tau where it was.
        page.evaluate(f"{number}.select()")
        page.call("Input.insertText", text="7")
        page.settle()
        check(page.evaluate(f"state.taus[0].{level}") == 0.4321, "took a tau of 7")
        page.evaluate(f"{number}.blur()")
        check(float(page.evaluate(f"{number}.value")) == 0.4321, "still shows a tau of 7")


def check_candidates(page, run, independent):
    calibration = json.loads((run / "calibration.json").read_text())
    for level in ("super", "sub"):
        candidates = calibration[level]["candidates"]
        buttons = f"[...document.querySelectorAll('#panel-{level} .candidates button')]"
        texts = page.evaluate(f"{buttons}.map((button) => button.textContent)")
        check(len(texts) == len(candidates) + 1, "candidates shown:", texts)
        for index, candidate in enumerate(candidates, start=1):
            check(texts[index].startswith(candidate["rule"]), texts[index], "is not", candidate["rule"])
            page.evaluate(f"{buttons}[{index}].click()")
            tau, _ = compare_rates(page, independent[level], level)
            check(tau == candidate["tau"], candidate["rule"], "gave", tau, "wanted", candidate["tau"])
            check(page.evaluate(f"{buttons}[{index}].getAttribute('aria-pressed')") == "true", candidate["rule"], "not pressed")


def check_charts(page, independent):
    """The point on each ROC and OSCR curve, the line in the histograms, and the bars' sum, at the tau of the moment."""
    page.evaluate("moveTau('sub', 0.35)")
    page.settle()
    rates = independent["sub"].rates(0.35)
    marks = page.evaluate("""[...charts.keys()].filter((chart) => document.getElementById('panel-sub').contains(chart.canvas))
      .flatMap((chart) => chart.data.datasets.filter((set) => set.label.endsWith('at tau'))
        .map((set) => [set.label, chart.options.scales.x.title.text, set.data[0].x, set.data[0].y]))""")
    check(len(marks) == 4, "wanted a point on two ROC and two OSCR curves, got", marks)
    for label, axis, x, y in marks:
        key = label.split()[0]
        wanted = ((rates["false_novel"], rates[key + "_found"]) if axis == "false-novel rate"
                  else (100 - rates[key + "_found"], rates["seen_right"]))
        check(abs(100 * x - wanted[0]) < 1e-9 and abs(100 * y - wanted[1]) < 1e-9, label, axis, x, y, "wanted", wanted)
    bars = page.evaluate("""[...charts.keys()].filter((chart) => chart.canvas.closest('#panel-sub .histograms'))
      .map((chart) => [chart.options.plugins.tauLine.u, chart.data.datasets[0].data.reduce((sum, bar) => sum + bar.y, 0)])""")
    scale = page.evaluate("scales[state.scale.sub].to(0.35)")
    check(len(bars) == 3 and all(abs(u - scale) < 1e-12 and abs(total - 100) < 1e-6 for u, total in bars), "histograms:", bars)
    page.evaluate("document.getElementById('tau-sub-stretch').click()")
    page.settle()
    after = page.evaluate("[...charts.keys()].find((chart) => chart.canvas.closest('#panel-sub .histograms')).options.plugins.tauLine.u")
    check(abs(after - scale) > 1e-3, "stretching the scale moved nothing")
    check(page.evaluate("state.taus[0].sub") == 0.35, "stretching the scale moved tau")


COLUMN = """[...document.querySelectorAll('#classes-sub tbody tr')].map((row) => row.children[INDEX].textContent)"""


def number(text):
    return None if text == "–" else float(re.sub(r"[^\d.].*", "", text))


def check_class_table(page, level, tau, wanted):
    """The table behind the page, against that of tern evaluate."""
    shown = page.evaluate(f"classTableAt(runs[0], levelOf(runs[0], '{level}'), {tau!r})")
    wanted = [row for row in wanted if row["images"] > 0]
    check(len(shown) == len(wanted), level, "classes:", len(shown), "wanted", len(wanted))
    for one, row in zip(shown, wanted):
        for mine, theirs in (("images", "images"), ("right", "right"), ("novel", "called_novel"), ("answers", "answers"),
                             ("recall", "recall_percent"), ("precision", "precision_percent"), ("f1", "f1_percent"),
                             ("heldOut", "held_out")):
            equal = one[mine] == row.get(theirs) or one[mine] is not None and abs(one[mine] - row[theirs]) < 1e-9
            check(equal, level, row["name"], mine, one[mine], "wanted", row.get(theirs))
        check(one["takenFor"] == row.get("most_taken_for", -1), level, row["name"], "taken for", one["takenFor"], row)


def check_ties(page, program, run):
    """tau exactly at an image's confidence keeps it: as tern evaluate counts."""
    for level in ("super", "sub"):
        tau = page.evaluate(f"median(findGroup(levelOf(runs[0], '{level}'), 'seen').confidence)")
        tern(program, "evaluate", "--run", run, f"--tau-{level}", repr(tau), "--no-novelty-scores")
        wanted = json.loads((run / "evaluation.json").read_text())["validation"][level]
        page.evaluate(f"moveTau('{level}', {tau!r})")
        page.settle()
        shown = page.evaluate(SHOWN_RATES.replace("LEVEL", level))
        check_class_table(page, level, tau, json.loads((run / "evaluation.json").read_text())["classes"][level])
        for name, key in (("seen_right", "accuracy_seen_percent"), ("false_novel", "false_novel_rate_percent"),
                          ("misclassified", "misclassified_rate_percent"), ("far_found", "accuracy_novel_percent")):
            check(abs(float(shown[name].rstrip(" %")) - wanted[key]) < 0.0051, level, name, "at the tie", tau, shown[name], wanted)


def check_heat_map(page):
    """Arrow keys over the map of many classes; every count that they meet is that of the data."""
    page.evaluate("moveTau('sub', 0)")
    page.evaluate("document.querySelector('canvas.heat').focus()")
    page.settle()
    rows = page.evaluate("confusionAt(runs[0], runs[0].levels[1], 0).length")
    kept = page.evaluate("findGroup(runs[0].levels[1], 'far_held_out').truth.length")
    check(kept == 64, "images of the superclass that was held out:", kept)
    check("Far held out found" in page.evaluate("document.getElementById('panel-super').textContent"),
          "no rate of the superclass that was held out")
    told, counted = [], 0
    page.press("ArrowDown", 40)
    for row in range(rows):
        for step in range(25):
            text = page.evaluate("document.querySelector('.told').textContent")
            told.append(text)
            counted += int(re.search(r": (\d+) of \d+ images", text).group(1))
            if step < 24:
                page.evaluate("""document.querySelector('canvas.heat').dispatchEvent(
                  new KeyboardEvent('keydown', {key: 'ARROW', bubbles: true, cancelable: true}))""".replace(
                      "ARROW", "ArrowRight" if row % 2 == 0 else "ArrowLeft"))
        page.press("ArrowDown", 40)
    total = page.evaluate("runs[0].levels[1].groups.reduce((sum, group) => sum + group.truth.length, 0)")
    check(len(set(told)) == rows * 25 and counted == total, "the map told", len(set(told)), "cells and", counted, "images of", total)


def check_pictures(page, layer):
    """Beside each picture its heat map, of which the page names the layer, and three nearest training images; tau fades what it calls novel."""
    for section, key in (("mistakes", "pictures"), ("most-novel", "novel_pictures")):
        figures = f"[...document.querySelectorAll('#{section} figure')]"
        wanted = page.evaluate(f"runs[0].levels.flatMap((level) => level.{key}.flatMap((set) => set.items)).length")
        check(page.evaluate(f"{figures}.length") == wanted, section, "wanted", wanted, "pictures")
        check(wanted > 0 or section == "mistakes", "no pictures among the most novel")
        heat = page.evaluate(f"{figures}.filter((one) => one.querySelector('.with-heat img + img[alt^=where]')).length")
        check(heat == wanted, section, "heat maps:", heat, "of", wanted)
        nearest = page.evaluate(f"{figures}.map((one) => one.querySelectorAll('.near img[alt^=\"nearest known: \"]').length)")
        check(nearest == [3] * wanted, section, "nearest known images:", nearest)
        for level in ("super", "sub"):
            page.evaluate(f"moveTau('{level}', 0)")
        page.settle()
        check(page.evaluate(f"document.querySelectorAll('#{section} figure.faded').length") == 0, "faded at tau 0")
        for level in ("super", "sub"):
            page.evaluate(f"moveTau('{level}', 1)")
        page.settle()
        faded = page.evaluate(f"document.querySelectorAll('#{section} figure.faded').length")
        kept = page.evaluate(f"runs[0].levels.flatMap((level) => level.{key}.flatMap((set) => set.items)).filter((one) => one.confidence >= 1).length")
        check(faded == wanted - kept, section, "faded at tau 1:", faded, "of", wanted)
    text = page.evaluate("document.getElementById('most-novel').textContent")
    check(f"(Grad-CAM of {layer}, which sees the image as 4 × 4 places)" in text, "said of heat maps:", text[:400])


def check_sorting(page):
    heads = page.evaluate("[...document.querySelectorAll('#classes-sub thead button')].map((button) => button.textContent)")
    for index, name in enumerate(heads):
        button = f"document.querySelectorAll('#classes-sub thead button')[{index}]"
        page.evaluate(f"{button}.focus()")
        for press in range(2):
            page.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
            page.call("Input.dispatchKeyEvent", type="keyUp", key="Enter", code="Enter", windowsVirtualKeyCode=13)
            page.settle()
            order = page.evaluate(f"{button}.parentElement.getAttribute('aria-sort')")
            column = page.evaluate(COLUMN.replace("INDEX", str(index)))
            values = [value for value in (number(text) for text in column) if value is not None] \
                if name in ("images", "recall", "precision", "F1", "called novel") else \
                [text.lower() for text in column if text != "–"]
            if name == "most taken for":
                values = [re.sub(r" \(\d+\)$", "", text) for text in values]
            ordered = page.evaluate(f"{json.dumps(values)}.sort((a, b) => typeof a === 'string' ? a.localeCompare(b, 'en') : a - b)")
            if name == "class":
                values, ordered = ([re.sub(r" \(held out\)$", "", text) for text in list_] for list_ in (values, ordered))
            check(values == (ordered if order == "ascending" else ordered[::-1]), f"sorted by {name}, {order}:", values)
            if press == 1:
                check(order != first, "a second press did not turn the order of", name)
            first = order


def check_markup(page, file):
    check(page.evaluate("document.title").endswith("tern report"), "a class name changed the title:", page.evaluate("document.title"))
    check(page.evaluate("document.querySelectorAll('b b, img[onerror], img[src=x]').length") == 0, "a class name became markup")
    text = page.evaluate("document.getElementById('classes').textContent")
    check(EVIL["super"].split(",")[0] in text and "<img src=x onerror=alert(1)>" in text, "class names are not shown as they are")
    page_text = file.read_text(encoding="utf-8")
    library = page_text.index("/*!\n * Chart.js v3")
    rest = page_text[:library] + page_text[page_text.index("</script>", library):]
    check(not re.search(r"https?://", rest), "the page names an address")


def check_confusion(page, independent):
    page.evaluate("moveTau('super', 0.5)")
    page.settle()
    rows = page.evaluate("""[...document.querySelectorAll('#confusion table tbody')][0].innerText.trim().split('\\n')
      .map((line) => line.split('\\t').slice(1).map(Number))""")
    wanted = {}
    order = ["seen", "known", "far"]
    for key in order:
        for truth, answer, confidence in independent["super"].groups[key]:
            row = wanted.setdefault((order.index(key), truth), [0] * (independent["super"].novel + 1))
            row[answer if confidence >= 0.5 else independent["super"].novel] += 1
    check(rows == [wanted[key] + [sum(wanted[key])] for key in sorted(wanted)], "confusion matrix:", rows, wanted)


def check_layout(browser, url, folder):
    check_widths(browser, url, folder, "report")
    page = browser.open(url, dark=True)
    page.screenshot(folder / "report-dark.png")
    page.pdf(folder / "report.pdf")
    page.settle()
    check((folder / "report.pdf").stat().st_size > 20000, "hardly anything was printed")
    check_quiet(page, url)


def check_comparison(page, first, second, folder, program):
    check(page.evaluate("document.getElementById('run').options.length") == 2, "no choice of two runs")
    row = lambda metric: page.evaluate(f"""[...document.querySelectorAll('[data-metric="{metric}"] td')].map((cell) => cell.textContent)""")
    runs = [Independent(program, run, folder, "super") for run in (first, second)]
    page.evaluate("moveTau('super', 0.45)")
    page.settle()
    check(row("super.tau") == ["0.45", "0.45"], "taus:", row("super.tau"))
    for name in ("seen_right", "far_found"):
        for shown, run in zip(row("super." + name), runs):
            check(abs(float(shown.rstrip(" %")) - run.rates(0.45)[name]) < 0.0051, name, shown, run.rates(0.45))
    check(row("super.known_right")[1] == "–", "a rate that the second run has not:", row("super.known_right"))
    page.evaluate("document.getElementById('together').click(); moveTau('super', 0.7)")
    page.settle()
    check(row("super.tau") == ["0.7", "0.45"], "taus moved alone:", row("super.tau"))
    page.evaluate("{const run = document.getElementById('run'); run.value = 1; run.dispatchEvent(new Event('change'))}")
    page.settle()
    check(page.evaluate("document.getElementById('title').textContent") == "second", "the second run is not shown")
    compare_rates(page, runs[1], "super")
    check("No subclasses were held out" in page.evaluate("document.getElementById('facts').textContent"), "no word of what is missing")
    check("No calibration.json" in page.evaluate("document.getElementById('panel-sub').textContent"), "no word of no thresholds")


def check_accessible(page):
    """Everything that is drawn or can be moved has a name."""
    nameless = page.evaluate("""[...document.querySelectorAll('canvas, img, input, select, button')].filter((one) =>
      !(one.getAttribute('aria-label') || one.alt || (one.labels && one.labels.length) || one.tagName === 'BUTTON' && one.textContent))
      .map((one) => one.outerHTML.slice(0, 100))""")
    check(not nameless, "without a name:", nameless)
    check(page.evaluate("document.documentElement.lang") == "en", "no language")


def with_classes(file, out, count):
    """The page as if its subclasses were `count`, with two images of each, in twenty superclasses."""
    text = file.read_text(encoding="utf-8")
    begin = text.index('<script type="application/json" id="data">') + len('<script type="application/json" id="data">')
    end = text.index("</script>", begin)
    data = json.loads(text[begin:end])
    run = data["runs"][0]
    known = 20
    run["superclass_names"] = [f"super {i}" for i in range(known)] + ["novel"]
    run["subclass_names"] = [f"class {i}" for i in range(count)] + ["novel"]
    run["subclass_to_super"] = [i % known for i in range(count)] + [known]
    for level, classes in zip(run["levels"], (known, count)):
        truth = [i // 2 % classes for i in range(2 * count)]
        level["novel"] = classes
        level["groups"] = [{"key": "seen", "novel": False, "truth": truth,
                            "answer": [c if i % 2 else 7 for i, c in enumerate(truth)], "confidence": [1] * (2 * count)}]
        level["curves"] = []
    out.write_text(text[:begin] + json.dumps(data).replace("<", "\\u003c") + text[end:], encoding="utf-8")


def check_thousands(browser, file, out):
    """A page of thousands of classes has no map of millions of cells, and tables that a browser can draw."""
    with_classes(file, out, 5000)
    page = browser.open(out.resolve().as_uri())
    text = page.evaluate("document.getElementById('confusion').textContent")
    check("5000 classes are too many for a map" in text, "no word of the map that is left out")
    check("taken for class 7 1 of 2" in text, "no mix-ups:", text[:300])
    maps = page.evaluate("[...document.querySelectorAll('canvas.heat')].map((map) => map.getAttribute('aria-label'))")
    check(len(maps) == 1 and maps[0].startswith("Superclasses: truth by answer"), "wanted a map of the superclasses alone, got", maps)
    check(page.evaluate("document.querySelectorAll('#classes-sub tbody tr').length") == 500, "rows of the table of classes")
    check("The first 500 of 5000 in this order." in page.evaluate("document.getElementById('classes-sub').textContent"),
          "no word of the rows that are left out")
    page.evaluate("moveTau('sub', 0.5)")
    page.settle()
    check_quiet(page, out.resolve().as_uri())


def check_contents(browser, url):
    """Every link to a section is within the window, on as many lines as that takes."""
    for width in (700, 1000, 1300):
        page = browser.open(url, width=width)
        page.settle()
        cut = page.evaluate("""[...document.querySelectorAll('#contents a')].filter((link) => {
          const box = link.getBoundingClientRect(); return box.left < 0 || box.right > innerWidth}).map((link) => link.textContent)""")
        links = page.evaluate("document.querySelectorAll('#contents a').length")
        check(not cut and links == 9, links, "links, cut at", width, ":", cut)


def check_one_level(browser, program, folder):
    """Of classes without superclasses the page speaks of classes alone; with images of none of them, of any class, too."""
    source, data = folder / "data", folder / "one_level"
    make_one_level(source, data, 5)
    for cifar, headings in (("none", ["Classes"]), ("small", ["Any class", "Classes"])):
        run, file = folder / f"one_{cifar}", folder / f"one_{cifar}.html"
        config = folder / f"one_{cifar}.toml"
        config.write_text('backbone = "narrow_resnet10_4"\nimage_size = 16\nepochs = 2\nhold_out = true\nhold_out_fraction = 0.2\n'
                          f'cifar = "{cifar}"\ncifar_count = 60\n')
        tern(program, "train", "--config", config, "--data", data, "--out", run, "--device", "cpu",
             *(() if cifar == "none" else ("--cifar", source / "cifar-100-binary")))
        tern(program, "report", run, "--out", file)
        page = browser.open(file.resolve().as_uri())
        page.settle()
        shown = page.evaluate("[...document.querySelectorAll('#thresholds h3')].map((title) => title.textContent)")
        check(shown == headings, "levels:", shown)
        text = page.evaluate("""[...document.querySelectorAll('header.page, main > section:not(#settings), footer.page')]
          .map((part) => part.innerText).join(' ')""")
        found = re.findall(r".{0,60}(?:super|sub)class.{0,40}", text, re.IGNORECASE)
        check(not found, "with one level it says:", found)
        check_quiet(page, file.resolve().as_uri())


def check_mixed(browser, program, folder):
    """Runs of two levels beside those of one: each level has the runs that have it, and is called what these call it."""
    file = folder / "mixed.html"
    tern(program, "report", folder / "first", folder / "one_none", folder / "one_small", "--tau-super", "0.123456789", "--out", file)
    page = browser.open(file.resolve().as_uri())
    page.settle()
    tables = page.evaluate("""[...document.querySelectorAll('#comparison table.comparison')].map((table) => [
      table.caption.textContent.split(':')[0], [...table.querySelectorAll('thead th')].map((cell) => cell.textContent)])""")
    check(tables == [["Superclasses, or any class", ["first", "one_small"]],
                     ["Subclasses, or classes", ["first", "one_none", "one_small"]],
                     ["Settings that differ", ["first", "one_none", "one_small"]]], "tables:", tables)
    taus = page.evaluate("""[...document.querySelectorAll('[data-metric="super.tau"] td')].map((cell) => cell.textContent)""")
    check(taus == ["0.1235", "0.1235"], "taus:", taus)
    empty = page.evaluate("""[...document.querySelectorAll('#comparison tbody:has([data-metric])')].flatMap((part) =>
      [...part.rows[0].cells].map((_, i) => [...part.rows].every((row) => row.cells[i].textContent === '–')))""")
    check(not any(empty), "a column without numbers")
    choices = page.evaluate("[...document.querySelectorAll('#comparison option')].map((option) => option.textContent)")
    check("accuracy of subclasses, or classes, seen, %" in choices and not re.search("undefined|null", str(choices)), choices)
    headings = []
    for index in range(3):
        page.evaluate(f"{{const run = document.getElementById('run'); run.value = {index}; run.dispatchEvent(new Event('change'))}}")
        page.settle()
        headings.append(page.evaluate("[...document.querySelectorAll('#thresholds h3')].map((title) => title.textContent)"))
    check(headings == [["Superclasses", "Subclasses"], ["Classes"], ["Any class", "Classes"]], "levels:", headings)
    check_quiet(page, file.resolve().as_uri())


NARROWEST_BAR = """Math.min(...[...charts.keys()].filter((chart) => chart.config.type === 'bar').flatMap((chart) =>
  chart.data.datasets.flatMap((_, i) => chart.getDatasetMeta(i)).filter((meta) => meta.type === 'bar')
    .flatMap((meta) => meta.data.map((bar) => bar.width))))"""


def check_bars(browser, url):
    page = browser.open(url, 320, 640)
    page.settle()
    narrowest = page.evaluate(NARROWEST_BAR)
    check(narrowest > 4, "bars on a small telephone are", narrowest, "pixels wide")


def check_policy(browser, url):
    """That the policy in the page, not luck, keeps it from asking for anything."""
    page = browser.open(url)
    got = page.evaluate("fetch('data:text/plain,x').then(() => 'fetched', () => 'refused')")
    check(got == "refused", "the page may fetch")


def main():
    check(len(sys.argv) in (2, 3), "wanted TERN and maybe a folder")
    chromium = find_chromium()
    if chromium is None:
        print("skipped: no chromium")
        return
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="tern_report_") as temporary:
        folder = pathlib.Path(temporary)
        shots = pathlib.Path(sys.argv[2]) if len(sys.argv) == 3 else folder
        first, second = make_runs(program, folder)
        tern(program, "report", first, "--out", shots / "one.html")
        tern(program, "report", first, second, "--out", shots / "two.html")
        tern(program, "report", make_run_of_many_classes(program, folder), "--out", shots / "many.html")
        one, two, many = ((shots / name).resolve().as_uri() for name in ("one.html", "two.html", "many.html"))
        independent = {level: Independent(program, first, folder, level) for level in ("super", "sub")}
        with Browser(chromium) as browser:
            page = browser.open(one)
            check_sliders(page, independent)
            check_candidates(page, first, independent)
            check_charts(page, independent)
            check_ties(page, program, first)
            check_confusion(page, independent)
            check_sorting(page)
            check_markup(page, shots / "one.html")
            check_pictures(page, "layer1")
            check_quiet(page, one)
            page = browser.open(many)
            check_heat_map(page)
            check_pictures(page, "layer3")
            page.evaluate("document.getElementById('most-novel').scrollIntoView({behavior: 'instant'})")
            page.settle()
            page.screenshot(shots / "report-novel.png")
            check_quiet(page, many)
            page = browser.open(two)
            check_accessible(page)
            check_comparison(page, first, second, folder, program)
            check_quiet(page, two)
            check_layout(browser, two, shots)
            check_contents(browser, two)
            check_one_level(browser, program, folder)
            check_mixed(browser, program, folder)
            check_bars(browser, two)
            check_policy(browser, one)
            check_thousands(browser, shots / "many.html", shots / "thousands.html")
    print("check_report: sliders, thresholds, charts, tables, comparison, layout and print are as they should be")


if __name__ == "__main__":
    main()
