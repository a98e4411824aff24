#!/usr/bin/env python3
"""Opens a profiler's page in headless Chromium and uses it as a reader would.

    check_profile_page.py TEST [FOLDER]      TEST: test_profile_report, which writes the page; FOLDER: where to leave screenshots

Without Chromium it says "skipped: no chromium" and succeeds.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))
from browser import Browser, find_chromium  # noqa: E402
from checks import check  # noqa: E402
from pages import check_quiet, check_widths  # noqa: E402


def check_kernels(page):
    names = page.evaluate("[...document.querySelectorAll('section h2')].map((one) => one.textContent)")
    check(sorted(names) == ["sums", "transposes", "transposes_by_tiles<32>"], "kernels:", names)
    check(page.evaluate("document.querySelectorAll('h1 script').length") == 0, "the title became markup")
    section = "[...document.querySelectorAll('section')].find((one) => one.querySelector('h2').textContent === 'NAME')"
    naive, tiles = (section.replace("NAME", name) for name in ("transposes", "transposes_by_tiles<32>"))
    check(page.evaluate(f"{naive}.querySelectorAll('.bar.is-largest').length") == 1, "no largest bound")
    # The worst line is shown at once: its store's 32 sectors beside the load's 4.
    counts = page.evaluate(f"[...{naive}.querySelectorAll('.choice .sectors')].map((row) => row.children.length)")
    check(sorted(counts) == [4, 32], "sectors drawn:", counts)
    # 32 words in one bank.
    highest = page.evaluate(f"Math.max(...[...{tiles}.querySelectorAll('.bank')].map((bank) => bank.querySelectorAll('i').length))")
    check(highest == 32, "words of the fullest bank:", highest)
    # Another line is chosen in the listing.
    buttons = page.evaluate(f"[...{tiles}.querySelectorAll('button.number')].map((one) => one.textContent)")
    check(len(buttons) == 2, "lines that can be chosen:", buttons)
    for number in buttons:
        page.evaluate(f"[...{tiles}.querySelectorAll('button.number')].find((one) => one.textContent === '{number}').click()")
        page.settle()
        check(page.evaluate(f"{tiles}.querySelector('.choice h4').textContent").endswith(f":{number}"), "line", number, "is not shown")
        check(page.evaluate(f"{tiles}.querySelector('.row.chosen').dataset.line") == number, "line", number, "is not marked")


def check_trace(page):
    check(page.evaluate("document.querySelectorAll('.trace').length") == 1, "wanted one trace")
    step = "document.querySelector('.trace p b').textContent"
    count = int(page.evaluate("document.querySelector('.trace input').max"))
    seen = [page.evaluate(step)]
    for _ in range(count - 1):
        page.evaluate("document.querySelectorAll('.steps button')[1].click()")
        seen.append(page.evaluate(step))
    check(seen[:3] == ["load", "store shared", "__syncthreads"] and seen[-1] == "store", "steps:", seen)
    lanes = page.evaluate("document.querySelectorAll('.trace .lane.on').length")
    check(lanes == 1, "lanes of the last step:", lanes)
    page.evaluate("document.querySelector('.trace input').focus()")
    page.press("Home", 36)
    page.settle()
    check(page.evaluate("document.querySelectorAll('.trace .lane.on').length") == 32, "Home does not go to the first step")
    check("matrix[0] … matrix[31]" in page.evaluate("document.querySelector('.trace').textContent"), "no addresses")


def main():
    check(len(sys.argv) in (2, 3), "wanted TEST and maybe a folder")
    chromium = find_chromium()
    if chromium is None:
        print("skipped: no chromium")
        return
    with tempfile.TemporaryDirectory(prefix="tern_profile_") as temporary:
        folder = pathlib.Path(sys.argv[2] if len(sys.argv) == 3 else temporary).resolve()
        file = folder / "profile.html"
        done = subprocess.run([sys.argv[1], "--test-case=*page*"], env={**os.environ, "TERN_PROFILE_PAGE": str(file)})
        check(done.returncode == 0 and file.exists(), "no page")
        url = file.as_uri()
        with Browser(chromium) as browser:
            page = browser.open(url)
            page.settle()
            check_kernels(page)
            check_trace(page)
            check_quiet(page, url)
            check_widths(browser, url, folder, "profile")
    print("check_profile_page: kernels, lines, sectors, banks, steps and layout are as they should be")


if __name__ == "__main__":
    main()
