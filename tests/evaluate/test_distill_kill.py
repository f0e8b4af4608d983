"""Kill -9 of `vetset distill`: nothing lost, nothing doubled, the same bytes, and what was paid for twice is listed."""

import subprocess
import sys
import time

import pytest
from vetset.app import cli
from vetset.tests.evaluate.distill_victims import LIBRARIES, killed_often
from vetset.tests.evaluate.fault_server import Faults, serving
from vetset.tests.test_kill import FORKER, Verbs

pytestmark = pytest.mark.slow


@pytest.fixture
def verbs(tmp_path):
    began = time.monotonic()
    command = [sys.executable, "-c", FORKER, "polars", "numba", "vetset.curate.checking", *LIBRARIES]
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=subprocess.DEVNULL, text=True) as forker:
        assert forker.stdout.readline() == "ready\n"
        yield Verbs(forker, time.monotonic() - began, tmp_path / "out")
        forker.stdin.close()


def test_a_run_that_is_killed_again_and_again_comes_to_the_same_bytes(shared, tmp_path, verbs):
    lines = (shared / "bank_intents" / "train.csv").read_text().splitlines(keepends=True)
    wanted = [line for line in lines if line.rstrip().endswith((",category", ",card_arrival", ",exchange_rate"))]
    (tmp_path / "train.csv").write_text("".join(wanted))
    assert cli.run(["read", str(tmp_path / "train.csv"), "-o", str(tmp_path / "bank.vet")]) == 0
    with serving(Faults(latency=0.02), keep=False) as server:
        found = killed_often(verbs, server, tmp_path / "run", tmp_path / "bank.vet", kills=10, accepted=25, at_once=8)
    assert found.same
    assert found.lost == 0
    assert found.unlisted == 0
    assert found.paid_again <= found.in_flight
