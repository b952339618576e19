"""A headless Chromium under the DevTools protocol: opens a page, asks it, takes its picture."""

import base64
import json
import pathlib
import re
import shutil
import subprocess
import time
import urllib.request

import websocket


class Browser:
    def __init__(self, directory):
        executable = shutil.which("chromium")
        assert executable, "no chromium"
        self.process = subprocess.Popen(
            [executable, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0",
             "--remote-allow-origins=*", "--window-size=900,600", f"--user-data-dir={directory}", "about:blank"],
            stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if found := re.search(r"DevTools listening on ws://([^/]+)/", line):
                break
        else:
            raise AssertionError("chromium did not start")
        pages = json.load(urllib.request.urlopen(f"http://{found.group(1)}/json"))
        page = next(page for page in pages if page["type"] == "page")
        self.socket = websocket.create_connection(page["webSocketDebuggerUrl"], timeout=30)
        self.count = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.process.terminate()
        self.process.wait(30)

    def command(self, method, **parameters):
        self.count += 1
        self.socket.send(json.dumps({"id": self.count, "method": method, "params": parameters}))
        while (answer := json.loads(self.socket.recv())).get("id") != self.count:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, url):
        self.command("Page.navigate", url=url)

    def evaluate(self, expression):
        return self.command("Runtime.evaluate", expression=expression)["result"].get("value")

    def wait_for(self, expression, seconds=30):
        """The value of the expression once it is true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := self.evaluate(expression):
                return value
            time.sleep(0.05)
        raise AssertionError(f"{expression} did not come true; the page says: {self.evaluate('document.body.innerText')}")

    def screenshot(self, path):
        pathlib.Path(path).write_bytes(base64.b64decode(self.command("Page.captureScreenshot")["data"]))
