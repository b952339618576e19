"""The JavaScript client in Node and in a browser, against the station example."""

import os
import pathlib
import shutil
import signal
import subprocess
import threading
import urllib.request
import json

import pytest

from browser import Browser

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLIENT = ROOT / "JavaScript/skerry.js"
CHECKS = pathlib.Path(__file__).parent / "javascript/client.mjs"
STATION = pathlib.Path(os.environ.get("STATION_BINARY", ROOT / ".build/debug/station-example"))


@pytest.fixture
def station():
    """A station of its own for each test; yields host and port."""
    process = subprocess.Popen([STATION, "0"], stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    assert line.startswith("station: http://"), line
    yield line.removeprefix("station: http://").strip().rstrip("/")
    process.terminate()
    assert process.wait(30) == -signal.SIGTERM


def node():
    """A Node of at least version 20: the machine's, or the one among the Python tools."""
    for candidate in (shutil.which("node"), ROOT / ".venv/bin/node"):
        if candidate and int(subprocess.run([candidate, "--version"], capture_output=True, text=True).stdout.strip()[1:].split(".")[0]) >= 20:
            return candidate
    pytest.fail("no Node 20 or later")


def test_y18_node(station, tmp_path):
    """Y-18: values, errors, channels, services both ways and cancellation between Swift and JavaScript."""
    module = tmp_path / "skerry.mjs"
    module.write_bytes(CLIENT.read_bytes())
    version = int(subprocess.run([node(), "--version"], capture_output=True, text=True).stdout.strip()[1:].split(".")[0])
    flags = ["--expose-gc"] + (["--experimental-websocket"] if version < 22 else [])
    run = subprocess.run([node(), *flags, CHECKS, module, f"ws://{station}/skerry"], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("ok ") == 19, run.stdout


def test_y18_browser(station, tmp_path):
    """Y-18: the same checks in a browser, from a page of another origin."""
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    (tmp_path / "skerry.js").write_bytes(CLIENT.read_bytes())
    (tmp_path / "client.mjs").write_bytes(CHECKS.read_bytes())
    (tmp_path / "index.html").write_text(
        f"""<!doctype html><pre id="report"></pre><script type="module">
        import * as skerry from './skerry.js'
        import {{ run }} from './client.mjs'
        const report = (line) => {{ document.getElementById('report').textContent += line + '\\n' }}
        run(skerry, 'ws://{station}/skerry', report).then(() => report('done'), (error) => report('failed ' + error.stack))
        </script>"""
    )

    class Handler(SimpleHTTPRequestHandler):
        extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}

        def __init__(self, *arguments):
            super().__init__(*arguments, directory=tmp_path)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as pages:
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        with Browser(tmp_path / "profile") as browser:
            browser.open(f"http://127.0.0.1:{pages.server_port}/index.html")
            browser.wait_for("/^(done|failed)/m.test(document.getElementById('report').textContent)")
            report = browser.evaluate("document.getElementById('report').textContent")
        pages.shutdown()
    assert report.endswith("done\n") and report.count("ok ") == 19, report


def test_page_of_the_example(station, tmp_path):
    """A person opens the page while readings are recorded over HTTP; SKERRY_SCREENSHOT=FILE keeps what the person sees."""
    stop = threading.Event()

    def record():
        while not stop.wait(0.2):
            body = json.dumps({"reading": {"place": "Bergen", "temperature": 11.5}}).encode()
            urllib.request.urlopen(urllib.request.Request(f"http://{station}/api/readings", body, {"Content-Type": "application/json"}))

    threading.Thread(target=record, daemon=True).start()
    try:
        with Browser(tmp_path / "profile") as browser:
            browser.open(f"http://{station}/")
            browser.wait_for("document.getElementById('readings')?.rows.length > 2")
            assert browser.evaluate("document.getElementById('state').textContent") == "connected; Station offers 9 methods"
            assert browser.evaluate("document.getElementById('readings').rows[0].cells[0].textContent") == "Bergen"
            # Through the form, as a person does; the alarm of the page rings.
            browser.evaluate("place.value = 'Roma'; temperature.value = 31.5; form.requestSubmit()")
            browser.wait_for("document.getElementById('state').textContent == 'Roma is at 31.5 °C'")
            if target := os.environ.get("SKERRY_SCREENSHOT"):
                browser.screenshot(target)
    finally:
        stop.set()


def test_y34_rest(station):
    """Y-34: the same service over HTTP: path, query and body, errors as statuses, a stream of events."""
    def request(method, path, body=None):
        request = urllib.request.Request(
            f"http://{station}{path}", None if body is None else json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    assert request("POST", "/api/readings", {"reading": {"place": "Oslo", "temperature": 3.5}}) == (200, 1)
    assert request("GET", "/api/readings/Oslo") == (200, {"place": "Oslo", "temperature": 3.5, "time": 0})
    status, answer = request("GET", "/api/readings/Atlantis")
    assert status >= 400 and "Atlantis" in json.dumps(answer)
    assert request("POST", "/api/readings", {"reading": {"place": 5}})[0] == 400

    # The head of the answer waits for the first event, so that a failure before it has a status.
    recorder = threading.Timer(0.5, request, ("POST", "/api/readings", {"reading": {"place": "Bodø", "temperature": 1.5}}))
    recorder.start()
    with urllib.request.urlopen(f"http://{station}/api/watch", timeout=10) as events:
        assert events.headers["Content-Type"].startswith("text/event-stream")
        line = next(line for line in (raw.decode() for raw in events) if line.startswith("data:"))
        assert json.loads(line.removeprefix("data:")) == {"place": "Bodø", "temperature": 1.5, "time": 0}
    recorder.join()
