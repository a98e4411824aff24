"""What is wanted of every page, whatever it shows."""

from checks import check


def check_quiet(page, url):
    """It has nothing to say to the console, and asks for nothing but itself."""
    check(not page.problems, "the console said:", page.problems)
    outside = [request for request in page.requests if request != url and not request.startswith("data:")]
    check(not outside, "the page asked for", outside)


def check_widths(browser, url, folder, name):
    """It fits a desk's screen, a telephone's and a small one's; a screenshot of each goes to the folder."""
    for width, height in ((1280, 900), (390, 844), (320, 640)):
        page = browser.open(url, width, height)
        page.settle()
        wide = page.evaluate("document.documentElement.scrollWidth")
        check(wide <= width, f"{width} pixels wide, the page scrolls sideways to {wide}")
        page.screenshot(folder / f"{name}-{width}.png")
        check_quiet(page, url)
