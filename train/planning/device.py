"""The machine that is trained on, found without torch or named before it is rented."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...curate.errors import UsageError, quote

# GB, and TFLOPS of dense bfloat16 with sums in float32 (of float16 where False follows: no bfloat16), as the makers' data sheets
# had them in November 2026. Longer names first: "l40s" holds "l4".
_KNOWN: dict[str, tuple[int, float, bool]] = {
    "b200": (180, 2250, True), "h200": (141, 989, True), "h100": (80, 989, True), "mi300x": (192, 1307, True),
    "a100-40": (40, 312, True), "a100": (80, 312, True), "rtx 6000 ada": (48, 364, True), "l40s": (48, 362, True),
    "a6000": (48, 155, True), "a40": (48, 150, True), "a10": (24, 125, True), "l4": (24, 121, True), "t4": (16, 65, False),
    "v100": (32, 125, False), "5090": (32, 210, True), "4090": (24, 165, True), "3090": (24, 71, True),
}  # fmt: skip


@dataclass(frozen=True)
class Device:
    """What is trained on."""

    name: str
    kind: str
    """As torch calls it: cpu, cuda, mps."""
    memory: int
    """Bytes that are free; of a device that was named, all but a fortieth, which its driver takes."""
    rate: float | None
    """Floating-point operations a second that a matrix product reaches; ``None`` where nobody knows."""
    bfloat16: bool
    said: str
    """How it is known."""
    here: bool = True
    """Whether it is of this machine."""


def find_device(name: str | None = None) -> Device:
    """Return the device of that name, or the one that training here would take.

    Args:
        name: ``h100``, ``l4`` ...; ``cpu``, or ``cuda`` for the first GPU of this machine.

    Raises:
        UsageError: there is no such device.
    """
    wanted = (name or "").casefold().removeprefix("nvidia ")
    if wanted in _KNOWN:
        gigabytes, teraflops, short = _KNOWN[wanted]
        return Device(
            wanted,
            "cuda",
            int(gigabytes * 1e9 * 0.975),
            teraflops * 1e12,
            short,
            "as its data sheet has it",
            here=False,
        )
    if wanted in ("", "cuda") or wanted.startswith("cuda:"):
        found = _gpu(
            int(wanted.partition(":")[2] or 0) if wanted.partition(":")[2].isdigit() or ":" not in wanted else 0
        )
        if found is not None or wanted:
            return found or _refuse(f"{quote(name)} is asked for, and nvidia-smi tells of none here")
    if wanted == "mps" or (not wanted and sys.platform == "darwin" and os.uname().machine == "arm64"):
        return replace(_cpu(), name="Apple GPU", kind="mps", rate=None, said="of the memory that both share")
    return _cpu() if wanted in ("", "cpu") else _refuse(f"{quote(name)} is no device that is known here")


def _refuse(why: str) -> Device:
    raise UsageError(f"{why}; give cpu, cuda or one of {', '.join(sorted(_KNOWN))}.")


def _gpu(number: int) -> Device | None:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    if shown is not None:
        listed = [one.strip() for one in shown.split(",")]
        if number >= len(listed) or listed[number] in ("", "-1"):
            return None
    asked = ["--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits"]
    place = str(number) if shown is None else shown.split(",")[number].strip()
    try:
        told = subprocess.run(
            [tool, f"--id={place}", *asked], capture_output=True, text=True, timeout=20, check=True
        ).stdout
        model, total, free = (part.strip() for part in told.strip().splitlines()[0].rsplit(",", 2))
        memory, free = int(total) << 20, int(free) << 20
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None
    fits = [name for name in _KNOWN if name.split("-")[0] in model.casefold()]
    known = max(fits, key=len, default=None)
    rate, short = (_KNOWN[known][1] * 1e12, _KNOWN[known][2]) if known else (None, True)
    return Device(
        model, "cuda", free, rate, short, f"found by nvidia-smi, {free / 1e9:.0f} of {memory / 1e9:.0f} GB free"
    )


def _cpu() -> Device:
    """The processor here: its free memory, and how fast it multiplies, tried for a fifth of a second."""
    free = _free_memory()
    square, product = np.ones((512, 512), np.float32), np.empty((512, 512), np.float32)
    np.matmul(square, square, product)
    began, fastest = time.perf_counter(), 1e-9
    while time.perf_counter() - began < 0.2:
        start = time.perf_counter()
        np.matmul(square, square, product)
        fastest = max(
            fastest, 2 * 512**3 / (time.perf_counter() - start)
        )  # the others shared the processor with somebody
    rate = fastest
    return Device(
        "CPU", "cpu", free, rate, False, f"found: {free / 1e9:.0f} GB free, a product tried at {rate / 1e9:.0f} GFLOPS"
    )


def _free_memory() -> int:
    try:
        told = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
        free = int(told["MemAvailable"].split()[0]) << 10
    except (OSError, KeyError, ValueError):
        free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 8 << 30
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:  # a container's share, where that is less
            most, now = (int((Path("/sys/fs/cgroup") / name).read_text(encoding="ascii")) for name in (limit, used))
            told = (Path("/sys/fs/cgroup") / used).with_name("memory.stat").read_text(encoding="ascii").split()
            free = min(free, most - now + int(told[told.index("inactive_file") + 1]))  # files that were read are let go
        except (OSError, ValueError):  # "max": no limit
            continue
    return max(free, 0)
