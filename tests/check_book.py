#!/usr/bin/env python3
"""The book is made without a warning, every link in it leads somewhere, and every page opens in headless Chromium, on a desk and on a
phone, without a word on the console, without a request outside, and no wider than the window.

    check_book.py BUILD [SITE]      BUILD has tern-profile; SITE: where the book goes and stays, BUILD/book by default

Without Sphinx, MyST and Furo, or without Chromium, it says "skipped: no ..." and succeeds. What it looks for is planted into a page of
its own first, and must be found.
"""
import html.parser
import os
import pathlib
import subprocess
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))
from browser import Browser, find_chromium  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
WIDTHS = ((1280, 900), (360, 740))
PLANTED = ('<a href="nowhere.html">a</a><a href="#nowhere">b</a><a href="puzzles.html#nowhere">c</a><img src="none.png">'
           '<div id="wide" style="width: 1300px">d</div><script>console.error("planted")</script>')


class Links(html.parser.HTMLParser):
    """What a page links to, and which anchors it has."""

    def __init__(self, text):
        super().__init__()
        self.targets, self.anchors = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("id", "name") and tag != "meta":
                self.anchors.add(value)
            elif name in ("href", "src") and value:
                self.targets.append(value)


def has_sphinx():
    """As scripts/book.sh looks for it."""
    return any(subprocess.run([python, "-c", "import furo, myst_parser, sphinx"], capture_output=True).returncode == 0
               for python in ("python3", "/usr/bin/python3"))


def faults_of_links(pages, read):
    """Links of the pages to files or anchors that are not there. `read`: pages by path, kept."""
    faults = []
    for page in pages:
        for target in read(page).targets:
            url = urllib.parse.urlsplit(target)
            if url.scheme or url.netloc:
                continue
            path = (page.parent / urllib.parse.unquote(url.path)).resolve() if url.path else page
            if not path.is_file():
                faults.append(f"{page}: links to {target}, which is not there")
            elif url.fragment and path.suffix == ".html" and urllib.parse.unquote(url.fragment) not in read(path).anchors:
                faults.append(f"{page}: links to {target}, an anchor that is not there")
    return faults


def reader():
    kept = {}

    def read(path):
        if path not in kept:
            kept[path] = Links(path.read_text(encoding="utf-8"))
        return kept[path]
    return read


# How far to the right a page reaches, and the element that reaches so far. What is wider than its own scrolling box may be so; what a
# box of the theme cuts off may not.
REACH = """(() => {
  let reach = document.documentElement.scrollWidth, of = document.documentElement;
  const visit = (element) => {
    const right = element.getBoundingClientRect().right;
    if (right > reach) [reach, of] = [right, element];
    if (!['auto', 'scroll'].includes(getComputedStyle(element).overflowX)) [...element.children].forEach(visit);
  };
  document.querySelectorAll('article').forEach(visit);
  return [Math.floor(reach), of.outerHTML.slice(0, 160)];
})()"""


def faults_of_page(page, path):
    """What goes wrong when a page is opened at each width."""
    faults = []
    page.problems.clear()
    page.requests.clear()
    page.go(path.as_uri())  # at the width of the page before, which is the last one that it was looked at
    for width, height in sorted(WIDTHS, key=lambda size: size[0] != page.evaluate("innerWidth")):
        page.resize(width, height)
        reach, element = page.evaluate(REACH)
        if reach > width:
            faults.append(f"{path}: in {width} pixels it reaches to {reach}: {element}")
    faults += [f"{path}: the console said {problem}" for problem in page.problems if problem[:2] != ("console", "log")]
    faults += [f"{path}: asked for {request}" for request in page.requests if not request.startswith(("file:", "data:"))]
    return faults


def check_that_faults_are_found(page, site, read):
    path = site / "learn/book/planted.html"
    path.write_text((site / "learn/book/index.html").read_text(encoding="utf-8").replace("</article>", PLANTED + "</article>"))
    try:
        links, seen = faults_of_links([path], read), faults_of_page(page, path)
    finally:
        path.unlink()
    wanted = (("nowhere.html,", links), ("#nowhere,", links), ("puzzles.html#nowhere,", links), ("none.png,", links),
              ("in 1280 pixels", seen), ("in 360 pixels", seen), ('id="wide"', seen), ("'planted'", seen), ("ERR_FILE_NOT_FOUND", seen))
    missed = [text for text, faults in wanted if not any(text in fault for fault in faults)]
    if missed:
        sys.exit(f"check_book: wanted {', '.join(missed)} of a page with such faults, got {links + seen}")


SMALLEST = """Math.min(...[...document.querySelectorAll('.drawn svg')].map((one) =>
  parseFloat(getComputedStyle(one).fontSize) * one.getBoundingClientRect().width / one.viewBox.baseVal.width))"""
IS_DARK = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every((value) => value < 60)"


def check_reading(browser, site):
    """As a reader would: figures on a phone, a dark system, the button for light and dark, the search."""
    page = browser.open((site / "learn/book/shared_memory.html").as_uri(), *WIDTHS[1], dark=True)
    smallest = page.evaluate(SMALLEST)
    if not 11 <= smallest < 20:
        sys.exit(f"check_book: wanted letters of 11 pixels in the figures on a phone, got {smallest}")
    if not page.evaluate(IS_DARK):
        sys.exit("check_book: wanted a dark page on a dark system, got a light one")
    page.evaluate("document.querySelector('.theme-toggle').click()")
    if page.evaluate(IS_DARK):
        sys.exit("check_book: wanted a light page after the button, got a dark one")
    page = browser.open((site / "search.html").as_uri() + "?q=swizzle", *WIDTHS[1])
    page.evaluate("""new Promise((done, fail) => {
      const end = Date.now() + 20000;
      const look = () => document.querySelector('#search-results li a[href*="shared_memory"]') ? done()
        : Date.now() > end ? fail(new Error('the search found nothing')) : setTimeout(look, 50);
      look();
    })""")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit("check_book: wanted BUILD and maybe a folder")
    build = pathlib.Path(sys.argv[1]).resolve()
    site = pathlib.Path(sys.argv[2]).resolve() if len(sys.argv) == 3 else build / "book"
    chromium = find_chromium()
    missing = [name for name, is_there in (("sphinx, myst_parser and furo", has_sphinx()), ("chromium", chromium)) if not is_there]
    if missing:
        print("skipped: no", missing[0])
        return
    made = subprocess.run([ROOT / "scripts/book.sh", site], env={**os.environ, "TERN_BUILD": str(build)})
    if made.returncode != 0:
        sys.exit("check_book: scripts/book.sh failed")
    pages, read = sorted(site.rglob("*.html")), reader()
    faults = faults_of_links(pages, read)
    with Browser(chromium) as browser:
        page = browser.open("about:blank")
        check_that_faults_are_found(page, site, read)
        check_reading(browser, site)
        for path in pages:
            faults += faults_of_page(page, path)
    if faults or len(pages) < 50:
        sys.exit("\n".join([*faults[:40], f"check_book: {len(faults)} faults in {len(pages)} pages"]))
    print(f"check_book: {len(pages)} pages, {sum(len(read(path).targets) for path in pages)} links")


if __name__ == "__main__":
    main()
