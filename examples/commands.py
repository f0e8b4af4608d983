"""What all examples share: one command of vetset, with what it cost."""

import resource
import subprocess
import sys
import time


def vetset(*words, allowed=(0,)):
    """Run one command of vetset and print what it cost; ends where its exit code is none of those allowed."""
    words = [str(word) for word in words]
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    print("$ vetset", *words, flush=True)
    done = subprocess.run([sys.executable, "-c", "from vetset.app.cli import main; main()", *words], check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"  [{cpu:.0f} CPU s, {time.perf_counter() - begun:.0f} s, exit {done.returncode}]\n", flush=True)
    if done.returncode not in allowed:
        sys.exit(done.returncode)
