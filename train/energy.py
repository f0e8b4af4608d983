"""The energy that the GPUs of this machine have drawn, from the counter of the board; never a guess from a data sheet."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

_LIBRARY = "libnvidia-ml.so.1"  # NVML; comes with the driver, so that nothing has to be installed for it


def read_joules() -> float | None:
    """Return what the GPUs that torch sees have drawn since their driver was loaded; ``None`` where no counter tells.

    The difference of two reads is what a run took. It is the whole board's, whoever else used it. NVML counts millijoules, on
    Volta and later (``nvmlDeviceGetTotalEnergyConsumption``).
    """
    torch = sys.modules.get("torch")  # who never loaded it used no GPU
    if torch is None or not torch.cuda.is_available() or torch.version.cuda is None:
        return None
    uuids = [str(torch.cuda.get_device_properties(number).uuid) for number in range(torch.cuda.device_count())]
    try:
        nvml = ctypes.CDLL(_LIBRARY)
        if nvml.nvmlInit_v2():
            return None
        try:
            read = [_millijoules(nvml, uuid) for uuid in uuids]
        finally:
            nvml.nvmlShutdown()
    except (OSError, AttributeError):
        return None
    return None if None in read else sum(one for one in read if one is not None) / 1000


def _millijoules(nvml: Any, uuid: str) -> int | None:
    # By its UUID: torch's numbers follow CUDA_VISIBLE_DEVICES, and NVML's don't.
    handle, value = ctypes.c_void_p(), ctypes.c_ulonglong()
    name = uuid if uuid.startswith(("GPU-", "MIG-")) else f"GPU-{uuid}"
    if nvml.nvmlDeviceGetHandleByUUID(name.encode(), ctypes.byref(handle)):
        return None
    if nvml.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(value)):
        return None
    return value.value
