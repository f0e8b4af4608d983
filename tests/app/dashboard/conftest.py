"""What the browser tests share: real sets, a server of each, a browser in which nothing foreign and no error goes unseen."""

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

CHROMIUM = os.environ.get("VETSET_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
WAIT = 45_000  # ms for one condition: a machine that does four other things at once is slow, and nothing waits in vain
LOOPBACK = {"127.0.0.1", "localhost", "::1"}

# Streamlit's page looks for its server from the address of each page upwards: at /audit/_stcore/health, then at /_stcore/health.
HARMLESS = re.compile(r"/[a-z]+/_stcore/(health|host-config)$")

# What a browser says of a server that was killed; only a test that kills one lets them by.
OUTAGE = re.compile(
    r"ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|WebSocket|Client Error|Network Error|not responding"
)

QUICK = "labels.conflict,duplicates.exact,duplicates.near,quality,leakage.exact"
"""Rules that take seconds. The whole sets are read, in real order; the rules that cross-validate a model take a minute each, and
the pages draw their findings as they draw these."""

SOURCES = {
    "bank_intents": ["bank_intents/train.csv", "bank_intents/test.csv"],
    "support_chat": ["support_chat"],
    "arabic_sentiment": ["arabic_sentiment"],
    "pubmedqa": ["pubmedqa"],
}


def _missing(what):
    message = f"the browser tests need {what}; .ci/run installs it"
    pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)


def _vetset(*arguments, code=0, **options):
    """Run the command as a user does; returns what it said."""
    done = subprocess.run(
        [sys.executable, "-c", "from vetset.app.cli import main; raise SystemExit(main())", *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=300, **options,
    )  # fmt: skip
    assert done.returncode in (code, code or 1), done.stderr  # `check` says by 1 that the data falls short
    return done.stdout


@pytest.fixture(scope="session")
def vetset():
    """``vetset("export", folder, "-o", out)`` runs the command as a user does; returns what it said."""
    return _vetset


@pytest.fixture(scope="session")
def browser():
    """One Chromium for all tests; each test has contexts of its own."""
    if not Path(CHROMIUM).exists():
        _missing("Chromium (apt-get install chromium)")
    try:
        import streamlit  # noqa: F401
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        _missing(f"{error.name} (pip install -e '.[app,dev]')")
    with sync_playwright() as play:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]  # in a container, without a screen
        found = play.chromium.launch(executable_path=CHROMIUM, headless=True, args=arguments)
        yield found
        found.close()


@pytest.fixture(scope="session")
def real(shared, tmp_path_factory):
    """``real("bank_intents")``: the folder of that set, read whole and checked, once for all workers; nobody writes to it."""
    base = tmp_path_factory.getbasetemp()
    base = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "sets"
    base.mkdir(exist_ok=True)

    def real(name):
        folder = base / f"{name}.vet"
        with (base / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (base / f"{name}.done").exists():
                _vetset("read", *(shared / source for source in SOURCES[name]), "-o", folder)
                _vetset("check", folder, "--select", QUICK)
                (base / f"{name}.done").touch()
        return folder

    return real


class Server:
    """`vetset review` on a folder: a process, its address, its log."""

    def __init__(self, folder, log, arguments):
        self.folder, self.log, self.arguments, self.port = folder, log, arguments, _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self, **options):
        """Start it, or start it again on the same port; returns when it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-c", "from vetset.app.cli import main; raise SystemExit(main())", "review",
                    str(self.folder), "--no-browser", "--port", str(self.port), *self.arguments,
                ],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder.parent, **options,
            )  # fmt: skip
        until = time.monotonic() + 90
        while not self._answers():
            assert self.process.poll() is None, f"the server ended: {self.log.read_text()}"
            assert time.monotonic() < until, f"the server does not answer: {self.log.read_text()}"
            time.sleep(0.05)  # polls; there is nothing to wait on

    def kill(self, how=signal.SIGKILL):
        self.process.send_signal(how)
        self.process.wait(30)

    def stop(self):
        if self.process.poll() is None:
            self.kill(signal.SIGTERM)

    def _answers(self):
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1).status == 200
        return False


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def serve(browser, tmp_path):
    """``serve(folder, "ann", "ben")``: a server of that very folder; its log must hold no traceback at the end."""
    servers = []

    def serve(folder, *reviewers):
        arguments = [part for name in reviewers or ("ann",) for part in ("--reviewer", name)]
        servers.append(Server(folder, tmp_path / f"server{len(servers)}.log", arguments))
        return servers[-1]

    yield serve
    for server in servers:
        server.stop()
        said = server.log.read_text(errors="replace")
        assert "Traceback" not in said, said[-3000:]


@pytest.fixture
def served(serve, real, tmp_path):
    """``served("bank_intents", "ann", "ben")``: a server of a copy of a real set."""

    def served(name, *reviewers):
        return serve(shutil.copytree(real(name), tmp_path / f"{name}.vet"), *reviewers)

    return served


class Person:
    """Somebody before a browser: a page, and all that it asked for and complained of."""

    def __init__(self, context):
        self.context, self.foreign, self.complaints, self.outage = context, [], [], False
        self.page = context.new_page()
        context.set_default_timeout(WAIT)
        context.on("request", lambda request: self._asked(request.url))
        self.page.on("websocket", lambda socket: self._asked(socket.url))
        self.page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        self.page.on("console", self._heard)

    def _asked(self, url):
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob", "about") and parts.hostname not in LOOPBACK:
            self.foreign.append(url)

    def _heard(self, message):
        harmless = "404" in message.text and HARMLESS.search(message.location.get("url", ""))
        if message.type == "error" and not harmless and not (self.outage and OUTAGE.search(message.text)):
            self.complaints.append(f"{message.text[:500]} ({message.location.get('url')})")

    def open(self, url):
        """Open an address; returns once the page is drawn."""
        self.page.goto(url)
        self.page.locator("h1").first.wait_for()
        self.settled()
        return self.page

    def settled(self):
        """Wait until the server runs nothing for this page and all of it is drawn."""
        self.page.wait_for_function(
            """() => {
                const app = document.querySelector('[data-testid="stApp"]')
                return app && app.dataset.testScriptState === "notRunning" && app.dataset.testConnectionState === "CONNECTED"
                    && !document.querySelector('[data-testid="stSkeleton"], [data-stale="true"]')
            }"""
        )

    def faults(self):
        """Return the boxes that tell of a fault of ours; an error box that speaks of the data is as it should be."""
        boxes = self.page.locator('[data-testid="stAlert"], [data-testid="stException"]').all_inner_texts()
        return [said for said in boxes if "A fault of vetset" in said or "Error" in said]

    def overflow(self):
        """Return by how many pixels the page is wider than its window; its parts may scroll in themselves."""
        return self.page.evaluate(
            """() => Math.max(...['html', 'body', '[data-testid="stApp"]', '[data-testid="stMain"]',
                '[data-testid="stMainBlockContainer"]'].map((name) => document.querySelector(name))
                .filter(Boolean).map((part) => part.scrollWidth - part.clientWidth))"""
        )

    def walk(self):
        """Go from page to page by the navigation; yields the title of each once it is drawn."""
        links = self.page.locator('[data-testid="stSidebarNavLink"]')
        links.first.wait_for()
        for number in range(links.count()):
            title = links.nth(number).inner_text().strip().splitlines()[-1]
            links.nth(number).click()
            self.page.get_by_role("heading", level=1, name=title, exact=True).wait_for()
            self.settled()
            yield title

    def turn(self, scheme):
        """Turn the page light or dark, as the system does in the evening."""
        self.page.emulate_media(color_scheme=scheme)
        self.page.wait_for_function(
            "(dark) => (getComputedStyle(document.querySelector('[data-testid=\"stApp\"]')).colorScheme === 'dark') === dark",
            arg=scheme == "dark",
        )

    def narrow(self):
        """Make the window as wide as a phone; returns once the navigation has slid away."""
        self.page.set_viewport_size({"width": 420, "height": 900})
        self.page.wait_for_function(
            """() => {
                const side = document.querySelector('[data-testid="stSidebar"]')
                return !side || side.getBoundingClientRect().right <= 1
            }"""
        )

    # Audit
    def row(self):
        """Return the id of the row that is shown, or ``None``."""
        return self.page.evaluate(
            """() => {
                const found = [...document.querySelectorAll('[class*="st-key-accept-"]')]
                return found.length === 1 ? found[0].className.match(/st-key-accept-(\\S+)/)[1] : null
            }"""
        )

    def at_row(self, other_than=None):
        """Wait until a row is shown, another than that named, whose buttons hear keys; returns its id."""
        self.page.wait_for_function(
            """(other) => {
                const found = [...document.querySelectorAll('[class*="st-key-accept-"]')]
                if (found.length !== 1 || !found[0].querySelector("button kbd, button")) return false
                return found[0].className.match(/st-key-accept-(\\S+)/)[1] !== other
            }""",
            arg=other_than,
        )
        self.settled()
        return self.row()

    def told(self, said):
        """Wait until the page says this."""
        self.page.get_by_text(said).first.wait_for()


@pytest.fixture
def people(browser):
    """``people(width=420, color_scheme="dark")``: another person with a browser; at the end none asked a foreign host."""
    came = []

    def people(*, width=1360, height=1000, **options):
        came.append(Person(browser.new_context(viewport={"width": width, "height": height}, **options)))
        return came[-1]

    yield people
    for one in came:
        one.context.close()
    for one in came:
        assert one.foreign == []
        assert one.complaints == []


@pytest.fixture
def person(people):
    """One person with a browser."""
    return people()


ONE_PAGE = """
import importlib
import streamlit as st
from vetset.app.dashboard import links, shell
from vetset.app.dashboard.context import ARRIVED

pages = {shell.links.URLS.get(name, name): st.Page(lambda: None, title=name, url_path=name) for name in %(names)s}
links.register(pages)
st.navigation([st.Page(lambda: None, title="here", default=True), *pages.values()])
st.session_state.setdefault(ARRIVED, False)
importlib.import_module("vetset.app.dashboard.%(module)s").page()
"""


@pytest.fixture
def drawn(monkeypatch):
    """``drawn(folder, "audit")``: a tab with that page of a set, drawn once by Streamlit's own harness.

    Who reviews, what stands in the tab's session before, and the address's parameters can be given, and whether
    the page may hold an error.
    """
    from streamlit.testing import v1 as testing  # the extra that tests need brings it

    def drawn(folder, module, *, reviewers=("ann",), session=(), address=(), errors=False):
        from vetset.app.dashboard import shell

        told = {"folder": str(folder.resolve()), "reviewers": list(reviewers)}
        monkeypatch.setattr(sys, "argv", ["main.py", json.dumps(told)])
        names = [name for section in shell.PAGES.values() for name, *_ in section]
        page = testing.AppTest.from_string(ONE_PAGE % {"names": names, "module": module}, default_timeout=60)
        for key, value in dict(session).items():
            page.session_state[key] = value
        for key, value in dict(address).items():
            page.query_params[key] = value
        page.run()
        assert not page.exception
        assert errors or not page.error
        return page

    return drawn
