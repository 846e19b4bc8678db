# SPDX-License-Identifier: LGPL-2.1-or-later
"""A headless Chromium, driven through chromedriver: the W3C WebDriver protocol, which is
JSON over HTTP.

    with Browser() as browser:
        browser.open(path)
        browser.run("return document.title")
"""

import base64
import contextlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "common"))
from tap import PATIENCE  # noqa: E402

DRIVER = "chromedriver"
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--hide-scrollbars"]
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the protocol's name for an element
KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Tab": "\ue004", "Shift": "\ue008",
        "End": "\ue010", "Home": "\ue011", "Left": "\ue012", "Up": "\ue013",
        "Right": "\ue014", "Down": "\ue015", "PageUp": "\ue00e", "PageDown": "\ue00f"}


def why_not():
    """Why no browser can be started here, or None."""
    for program, package in ((DRIVER, "chromium-driver"), ("chromium", "chromium")):
        if not shutil.which(program):
            return f"no {program} (make check installs {package})"
    return None


class Browser:
    def __init__(self, width=1280, height=900, dark=False):
        self.stack = contextlib.ExitStack()
        self.profile = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.flags = FLAGS + [f"--user-data-dir={self.profile}",
                              f"--window-size={width},{height}"]
        self.dark = dark

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.stack.close()
            raise
        return self

    def _start(self):
        self.driver = subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL, text=True)
        self.stack.callback(self._stop)
        for line in self.driver.stdout:
            port = re.search(r"started successfully on port (\d+)", line)
            if port:
                break
        else:
            raise RuntimeError("chromedriver ended without a port")
        self.base = f"http://127.0.0.1:{port[1]}"
        options = {"args": self.flags, "binary": shutil.which("chromium")}
        limits = {"script": PATIENCE * 1000, "pageLoad": PATIENCE * 1000}  # milliseconds
        session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"},
            "timeouts": limits}}})
        self.base += f"/session/{session['sessionId']}"
        self.media("dark" if self.dark else "light")

    def __exit__(self, *_):
        with contextlib.suppress(OSError, RuntimeError):
            self._call("DELETE", "")
        self.stack.close()

    def _stop(self):
        self.driver.terminate()
        self.driver.wait()

    def _call(self, method, path, body=None):
        request = urllib.request.Request(
            self.base + path, method=method, headers={"Content-Type": "application/json"},
            data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from None

    def open(self, path):
        self._call("POST", "/url", {"url": pathlib.Path(path).resolve().as_uri()})

    def run(self, script, *arguments):
        """What the script returns; arguments[0] and so on are what it was given."""
        return self._call("POST", "/execute/sync", {"script": script,
                                                    "args": list(arguments)})

    def wait(self, script):
        """What an asynchronous script hands to its last argument, a function."""
        return self._call("POST", "/execute/async", {"script": script, "args": []})

    def devtools(self, command, **parameters):
        return self._call("POST", "/goog/cdp/execute", {"cmd": command,
                                                        "params": parameters})

    def media(self, scheme):
        self.devtools("Emulation.setEmulatedMedia",
                      features=[{"name": "prefers-color-scheme", "value": scheme}])

    def find(self, selector):
        return self._call("POST", "/element", {"using": "css selector",
                                               "value": selector})[ELEMENT]

    def click(self, selector):
        self._call("POST", f"/element/{self.find(selector)}/click", {})

    def type(self, selector, text):
        self._call("POST", f"/element/{self.find(selector)}/value", {"text": text})

    def press(self, *names):
        """Keys of the keyboard, one after the other, whatever has the focus."""
        actions = []
        for name in names:
            key = KEYS.get(name, name)
            actions += [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self._call("POST", "/actions", {"actions": [
            {"type": "key", "id": "keyboard", "actions": actions}]})

    def console(self):
        """What the page wrote to its console since the last time, errors and all."""
        return [entry["message"] for entry in
                self._call("POST", "/se/log", {"type": "browser"})]

    def screenshot(self, path, full=False):
        shot = self.devtools("Page.captureScreenshot", captureBeyondViewport=full)
        pathlib.Path(path).write_bytes(base64.b64decode(shot["data"]))

    def print(self):
        """The page as PDF."""
        return base64.b64decode(self.devtools("Page.printToPDF", printBackground=True)["data"])
