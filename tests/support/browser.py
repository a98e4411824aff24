"""Headless Chromium over its DevTools protocol, by a pipe: Python's standard library is enough, and no port is opened.

    with Browser(find_chromium()) as browser:
        page = browser.open("file:///tmp/report.html", width=390, height=844)
        page.evaluate("document.title")
        page.problems      what the console said and what failed
        page.requests      every address that the page asked for
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time


def find_chromium():
    """The path of a Chromium, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Browser:
    def __init__(self, program, timeout=60):
        self.timeout = timeout
        self.profile = tempfile.mkdtemp(prefix="tern_chromium_")
        to_read, self._out = os.pipe()
        self._in, to_write = os.pipe()
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-dev-shm-usage",
                 "--disable-background-networking", "--remote-debugging-pipe", f"--user-data-dir={self.profile}"]
        # Chromium reads commands from descriptor 3 and writes answers to 4.
        self.process = subprocess.Popen(["bash", "-c", f'exec "$@" 3<&{to_read} 4>&{to_write}', "chromium", program, *flags],
                                        pass_fds=(to_read, to_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self._buffer, self._last_id, self.pages = b"", 0, {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def _receive(self, deadline):
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError("Chromium did not answer")
            read = os.read(self._in, 1 << 20)
            if not read:
                raise EOFError("Chromium ended")
            self._buffer += read
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session=None, **params):
        self._last_id += 1
        wanted = self._last_id
        command = {"id": wanted, "method": method, "params": params, **({"sessionId": session} if session else {})}
        data = json.dumps(command).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data):]
        deadline = time.monotonic() + self.timeout
        while True:
            message = self._receive(deadline)
            if message.get("id") == wanted:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self._note(message)

    def wait_for_load(self, page, loader):
        deadline = time.monotonic() + self.timeout
        while loader not in page.loaded:
            self._note(self._receive(deadline))

    def _note(self, message):
        page = self.pages.get(message.get("sessionId"))
        if page:
            page.note(message.get("method", ""), message.get("params", {}))

    def open(self, url, width=1280, height=900, dark=False):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        self.pages[session] = page
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(domain + ".enable")
        page.call("Page.setLifecycleEventsEnabled", enabled=True)
        page.resize(width, height)
        page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        page.go(url)
        return page


class Page:
    def __init__(self, browser, session):
        self.browser, self.session = browser, session
        self.loaded, self.problems, self.requests = set(), [], []

    def note(self, method, params):
        if method == "Page.lifecycleEvent" and params["name"] == "load":
            self.loaded.add(params["loaderId"])
        if method == "Page.javascriptDialogOpening":  # which would wait for an answer for ever
            raise RuntimeError(f"the page opened a dialog: {params['message']}")
        if method == "Runtime.consoleAPICalled":
            self.problems.append(("console", params["type"], [a.get("value", a.get("description")) for a in params["args"]]))
        elif method == "Runtime.exceptionThrown":
            self.problems.append(("exception", params["exceptionDetails"].get("exception", {}).get("description", "?")))
        elif method == "Log.entryAdded":
            self.problems.append(("log", params["entry"]["level"], params["entry"]["text"]))
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def resize(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def go(self, url):
        """Opens another address in its place, and waits until that one has loaded: the load of the page before may be told late."""
        self.browser.wait_for_load(self, self.call("Page.navigate", url=url)["loaderId"])

    def evaluate(self, expression):
        """The value of a JavaScript expression; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description", "?"))
        return answer["result"].get("value")

    def settle(self):
        """Waits until the page has drawn twice."""
        self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def press(self, key, code=0):
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)
        self.settle()

    def screenshot(self, path, whole=False):
        shot = {"format": "png"}
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            shot.update(captureBeyondViewport=True, clip={"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1})
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("Page.captureScreenshot", **shot)["data"]))

    def pdf(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"]))
