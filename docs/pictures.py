"""Make the README's pictures from the rows of `vetset demo`, in a real browser: `python docs/pictures.py` (needs `.[dev]`)."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

PICTURES = {
    "overview": ("", "light", "text=Gates"),
    "audit": ("audit?a.rule=labels.suspect", "light", "text=Nearest rows"),
    "splits": ("splits", "dark", "text=Leaks"),
    "map": ("map", "dark", "canvas"),
}
"""File name to the address, the theme, and what must be there before it is taken."""

_COMMAND = [sys.executable, "-c", "from vetset.app.cli import main; raise SystemExit(main())"]


def main() -> None:
    """Write ``docs/images/*.png``."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as play:
        subprocess.run([*_COMMAND, "demo"], cwd=scratch, check=True, stdout=subprocess.DEVNULL)
        folder = Path(scratch) / "vetset-demo" / "tickets.vet"
        subprocess.run([*_COMMAND, "check", folder], check=False, stdout=subprocess.DEVNULL)  # 1: it finds much
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        url, server = _serve(folder)
        try:
            for _ in range(2):  # the first time has the map and the nearest rows made
                for name, (path, scheme, there) in PICTURES.items():
                    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
                    page.goto(f"{url}/{path}")
                    page.wait_for_selector(there, timeout=120_000)
                    page.wait_for_timeout(4_000)
                    page.screenshot(path=Path(__file__).parent / "images" / f"{name}.png")
                    page.close()
        finally:
            server.terminate()
            server.wait()


def _serve(folder: Path) -> tuple[str, subprocess.Popen[bytes]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([*_COMMAND, "review", folder, "--port", str(port), "--no-browser", "--reviewer", "ann"])
    while server.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1)
            break
        except OSError:
            time.sleep(0.2)
    return f"http://127.0.0.1:{port}", server


if __name__ == "__main__":
    main()
