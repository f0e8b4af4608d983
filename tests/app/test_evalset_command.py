"""The commands of `vetset evalset`: what people read, what programs read, what is refused."""

import json

import pytest
from vetset.app.cli import run
from vetset.evaluate.evalsets.evalset import EvalSet
from vetset.evaluate.evalsets.touches import touch
from vetset.tests.evaluate.sets_made import made_set


@pytest.fixture
def vetset(capsys, tmp_path, monkeypatch):
    """Run a command in a folder with a set `tickets.vet`; return its exit code, stdout and stderr."""
    made_set(tmp_path, copies=20)
    monkeypatch.chdir(tmp_path)

    def call(*words):
        code = run([str(word) for word in words])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_the_way_from_a_set_to_a_frozen_eval_set_and_on(vetset):
    code, out, _ = vetset("evalset", "build", "tickets.vet", "--rows", 60, "--confirm-share", 0.25)
    assert code == 0
    assert "tickets.evalset: 60 rows of 420" in out
    assert "strata: 4 of 4 met" in out
    assert "80% power" in " ".join(out.split())
    undo = next(line for line in out.splitlines() if line.startswith("undo: "))
    assert out.splitlines()[-1] == "next: vetset evalset freeze tickets.evalset"
    assert "is frozen: version 1" in vetset("evalset", "freeze", "tickets.evalset")[1]
    assert "was frozen already" in vetset("evalset", "freeze", "tickets.evalset")[1]
    code, out, _ = vetset("evalset", "status", "tickets.evalset", "--train", "tickets.vet")
    assert code == 0
    assert "no row too close to an eval row" in out
    assert out.splitlines()[-1] == "no rot"
    assert vetset(*undo.removeprefix("undo: vetset ").split())[0] == 0
    code, out, _ = vetset("evalset", "status", "tickets.evalset", "--train", "tickets.vet")
    assert code == 1
    assert "rot:" in out
    code, out, err = vetset("evalset", "refresh", "tickets.evalset", "--confirm")
    assert (code, out) == (64, "")
    assert "no candidate has looked at the part ship" in err
    touch(EvalSet.open("tickets.evalset"), candidate="one", part="ship")
    assert "version 2" in vetset("evalset", "refresh", "tickets.evalset", "--confirm")[1]


def test_each_command_prints_one_json_object(vetset, tmp_path):
    made_set(tmp_path, rows=300, seed=9, name="newer")
    for words, keys in (
        (("build", "tickets.vet", "--rows", 60), {"parts", "too_close", "sees", "covered", "batch"}),
        (("freeze", "tickets.evalset"), {"digest", "frozen_at", "already"}),
        (("status", "tickets.evalset", "--against", "newer.vet"), {"drift", "rot", "parts"}),
        (("refresh", "tickets.evalset", "--from", "newer.vet", "--train", "tickets.vet"), {"version", "kept", "train"}),
    ):
        code, out, err = vetset("evalset", *words, "--json")
        assert code in (0, 1), err
        assert keys <= json.loads(out).keys()
        assert out.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("build", "nothing.vet"), 64, "no such set"),
        (("build", "tickets.jsonl"), 64, "vetset read"),
        (("build", "tickets.vet", "--rows", 1), 64, "200 is usual"),
        (("build", "tickets.vet", "--rows", 3), 65, "give --rows 4"),
        (("build", "tickets.vet", "--rows", 9_999), 65, "or fewer"),
        (("build", "tickets.vet", "--dev-share", 1), 64, "--dev-share"),
        (("build", "tickets.vet", "--edge-share", 2), 64, "--edge-share"),
        (("build", "tickets.vet", "--from", "test"), 64, "no row in split 'test'"),
        (("build", "tickets.vet", "--by", "nothing"), 64, "--by names"),
        (("freeze", "nothing.evalset"), 64, "no such eval set"),
        (("status", "tickets.vet"), 64, "is no eval set"),
        (("refresh", "tickets.vet"), 64, "--confirm"),
        (("refresh", "tickets.vet", "--from", "tickets.vet", "--confirm"), 64, "two steps"),
    ],
)
def test_wrong_use_is_one_sentence_with_the_next_step(vetset, words, code, said):
    got, out, err = vetset("evalset", *words)
    assert (got, out) == (code, "")
    assert said in err.splitlines()[-1]
    assert err.splitlines()[-1].startswith("vetset: ")
