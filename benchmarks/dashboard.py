"""What the dashboard costs at 100,000 and 1,000,000 rows: a key press, a load, memory, a decision on 50,000 rows and its undo.

    python benchmarks/dashboard.py [rows ...] [--set NAME.vet]

A real server (``vetset review``) and a real Chromium on the chats of ``chats.py``, read and checked before. Server CPU is that of
the server's process between the press and the next row; memory is what is not mapped from a file (RssAnon); JS heap is Chromium's
own count after a collection.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from chats import write

PRESSES = 30


def main() -> None:
    """Print a line a size."""
    asked = argparse.ArgumentParser()
    asked.add_argument("rows", nargs="*", type=int, default=[100_000, 1_000_000])
    asked.add_argument("--set", type=Path, help="a checked set that stands already, instead of making one")
    given = asked.parse_args()
    print("| rows | first page s | warm load s | CPU ms a key, median (95%) | wall ms a key | MB not mapped | MB mapped |"
          " JS heap MB | bulk 50,000 s | its undo s |")  # fmt: skip
    print("|-|-|-|-|-|-|-|-|-|-|")
    for rows in given.rows:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "chats.vet"
            _prepare(rows, folder, given.set)
            print(f"| {rows:,} | " + " | ".join(_measure(folder)) + " |", flush=True)


def _prepare(rows: int, folder: Path, ready: Path | None) -> None:
    if ready is not None:
        shutil.copytree(ready, folder, ignore=shutil.ignore_patterns("view", "leases.db*"))
        return
    for command in (["read", str(write(rows)), "-o", str(folder)], ["check", str(folder)]):
        subprocess.run(["vetset", *command], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _measure(folder: Path) -> list[str]:
    from playwright.sync_api import sync_playwright

    with _server(folder) as (url, process), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        started = time.perf_counter()
        page = browser.new_page(viewport={"width": 1360, "height": 1000})
        _opened(page, f"{url}/audit?a.rule=duplicates.near")
        first = time.perf_counter() - started
        _wait_for_making(folder)
        warm = []
        for _ in range(3):
            page.close()
            page = browser.new_page(viewport={"width": 1360, "height": 1000})
            started = time.perf_counter()
            _opened(page, f"{url}/audit?a.rule=duplicates.near")
            warm.append(time.perf_counter() - started)
        page.wait_for_timeout(3_000)
        cpu, wall = _presses(page, process.pid)
        client = page.context.new_cdp_session(page)
        client.send("HeapProfiler.collectGarbage")
        heap = client.send("Runtime.getHeapUsage")["usedSize"] / 1e6
        anon, mapped = _memory(process.pid)
        browser.close()
    bulk, undo = _bulk(folder)
    low, high = statistics.median(cpu), sorted(cpu)[int(len(cpu) * 0.95)]
    return [
        f"{first:.1f}", f"{min(warm):.1f}", f"{low:.0f} ({high:.0f})", f"{statistics.median(wall):.0f}", f"{anon:.0f}",
        f"{mapped:.0f}", f"{heap:.0f}", f"{bulk:.1f}", f"{undo:.1f}",
    ]  # fmt: skip


def _opened(page, url: str) -> None:
    page.goto(url)
    page.get_by_role("button", name="Accept").wait_for(timeout=180_000)


def _wait_for_making(folder: Path) -> None:
    """Wait until the sketch that nearest rows are found by stands: it is made beside the first minutes of work."""
    until = time.time() + 300
    while time.time() < until and not any((folder / "view").glob("sketch-*/about.json")):
        time.sleep(1)


def _presses(page, pid: int) -> tuple[list[float], list[float]]:
    """Server CPU and wall milliseconds of each press of A, until the next row is drawn and the server rests."""
    cpu, wall = [], []
    for _ in range(PRESSES):
        before, row = _cpu(pid), _row(page)
        started = time.perf_counter()
        page.keyboard.press("A")
        page.wait_for_function("row => !location.search.includes(row)", arg=row, timeout=30_000)
        wall.append((time.perf_counter() - started) * 1e3)
        page.wait_for_timeout(700)
        cpu.append((_cpu(pid) - before) * 1e3)
    return cpu, wall


def _row(page) -> str:
    return page.url.rpartition("a.row=")[2].partition("&")[0]


def _bulk(folder: Path) -> tuple[float, float]:
    """Seconds of a decision on 50,000 rows and of its undo, each until a page would see it."""
    from vetset.curate.decisions.decision import Decision
    from vetset.curate.review.desk import Desk
    from vetset.curate.review.worklist import Filter

    desk = Desk(folder)
    look = desk.look()
    ids = look.view.rows["id"].gather(desk.pick(look, Filter("rows"))[:50_000]).to_list()
    started = time.perf_counter()
    outcome = desk.decide([Decision(row, "keep") for row in ids], reviewer="bench", seen=look.seq)
    desk.look()
    decided = time.perf_counter()
    desk.ledger.undo(outcome.batch or "", reviewer="bench")
    desk.look()
    return decided - started, time.perf_counter() - decided


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> tuple[float, float]:
    told = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    anon, mapped = (int(told[name].split()[0]) / 1e3 for name in ("RssAnon", "RssFile"))
    return anon, mapped


@contextmanager
def _server(folder: Path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", "from vetset.app.cli import main; main()", "review", str(folder), "--port", str(port),
         "--no-browser", "--reviewer", "ann"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(1_200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


if __name__ == "__main__":
    main()
