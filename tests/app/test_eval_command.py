"""The command `vetset eval`: what it answers, what it says on the way, and how wrong use ends."""

import json

import pytest
from vetset.app.cli import run
from vetset.evaluate.evalsets.evalset import EvalSet
from vetset.evaluate.models.journal import Journal
from vetset.tests.evaluate.runs_made import made_evalset

QUESTIONS = {
    "is the card lost": "lost",
    "where is it": "arrival",
    "it was stolen": "lost",
    "has it been sent": "arrival",
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with an eval set of four dev rows, a canned model that knows three, and training data."""
    monkeypatch.chdir(tmp_path)
    rows = [{"messages": text, "label": label} for text, label in {**QUESTIONS, "kept for the end": "lost"}.items()]
    made_evalset(tmp_path / "bank.evalset", rows, part=["dev"] * 4 + ["ship"])
    answers = {
        "is the card lost": "lost",
        "where is it": "It is arrival.",
        "it was stolen": "arrival",
        "has it been sent": "hm",
    }
    (tmp_path / "m.json").write_text(json.dumps({**answers, "kept for the end": "lost"}), encoding="utf-8")
    (tmp_path / "train.csv").write_text(
        "text,label\nI dropped my card in the sea,lost\nno letter yet,arrival\n", encoding="utf-8"
    )
    (tmp_path / "handbook").mkdir()
    (tmp_path / "handbook" / "lost.md").write_text("A card that is lost or stolen is frozen.", encoding="utf-8")
    (tmp_path / "handbook" / "arrival.md").write_text("Where is it? It was sent by post.", encoding="utf-8")
    return tmp_path


def test_a_run_prints_its_scores_and_the_same_command_asks_nothing(place, capsys):
    assert run(["eval", "canned:m.json", "--on", "bank.evalset"]) == 0
    said = capsys.readouterr()
    assert "class   50.0%" in said.out
    assert "not scored: 1 unparsed" in said.out
    assert "4 calls made now" in said.out
    assert "scorer: class, for every row has one of 2 labels" in said.err
    assert run(["eval", "canned:m.json", "--on", "bank.evalset", "--scorer", "exact,class"]) == 0
    assert "0 calls made now" in capsys.readouterr().out


def test_what_a_kill_or_a_disk_did_to_the_journal_is_said_before_anything_is_asked(place, capsys):
    words = ["eval", "canned:m.json", "--on", "bank.evalset", "--scorer", "class"]
    assert run(words) == 0
    assert "journal" not in capsys.readouterr().err
    path = place / "runs" / "journal.jsonl"
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([*lines[:2], b"\0" * 20, *lines[2:]])[:-30])
    assert run([*words, "--json"]) == 0
    said = capsys.readouterr()
    note = " ".join(said.err.split())
    assert "journal.jsonl: 1 line can't be read and is passed over; what stood there is asked again" in note
    assert "its last line was cut off by a kill" in note
    assert json.loads(said.out)["fresh"] == 1


def test_calls_of_another_model_that_were_never_answered_are_no_matter_of_this_run(place, capsys):
    words = ["eval", "canned:m.json", "--on", "bank.evalset", "--scorer", "class"]
    assert run(words) == 0
    path = place / "runs" / "journal.jsonl"
    with Journal(path) as journal:
        mine = next(iter(journal.answers))
        journal.write_asked("of another model")
    assert run(words) == 0
    assert "never answered" not in capsys.readouterr().err
    path.unlink()
    with Journal(path) as journal:
        journal.write_asked(mine)
    assert run(words) == 0
    assert "1 call was sent and never answered" in " ".join(capsys.readouterr().err.split())


def test_json_is_one_object_with_scores_and_manifest(place, capsys):
    assert run(["eval", "canned:m.json", "--on", "bank.evalset", "--scorer", "class", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["run"] == "runs/m-bare-dev.run"
    assert told["scores"]["class"]["mean"] == 0.5
    assert told["counts"]["unparsed"] == 1


def test_a_name_that_another_candidate_has_is_refused_and_its_verdict_kept(place, capsys):
    words = ["--on", "bank.evalset", "--scorer", "class", "--name", "x"]
    assert run(["eval", "canned:m.json", *words]) == 0
    assert run(["eval", "canned:m.json", *words]) == 0, "the same candidate"
    (place / "other.json").write_text(json.dumps({"*": "lost"}), encoding="utf-8")
    assert run(["eval", "canned:other.json", *words]) == 64
    assert "runs/x.run holds the run of another candidate" in capsys.readouterr().err
    assert json.loads((place / "runs/x.run/run.json").read_text())["model"]["name"] == "m"
    assert run(["eval", "canned:m.json", *words[:-2]]) == 0
    (place / "m.json").write_text(json.dumps({"*": "arrival"}), encoding="utf-8")
    assert run(["eval", "canned:m.json", *words[:-2]]) == 0, "a name that was made here"
    (place / "runs/m-bare-dev.run/verdict.json").write_text("{}")
    (place / "m.json").write_text(json.dumps({"*": "lost"}), encoding="utf-8")
    assert run(["eval", "canned:m.json", *words[:-2]]) == 64
    assert "and its verdict" in capsys.readouterr().err
    assert (place / "runs/m-bare-dev.run/verdict.json").exists()


def test_what_is_next_can_be_done(place, capsys):
    assert run(["eval", "canned:m.json", "--on", "bank.evalset", "--scorer", "class", "--baseline"]) == 0
    assert "next: vetset eval CANDIDATE --on bank.evalset --part dev" in capsys.readouterr().out
    ids = EvalSet.open(place / "bank.evalset").part("dev")["id"].to_list()
    (place / "r.jsonl").write_text("".join(json.dumps({"id": one, "output": "lost"}) + "\n" for one in ids[:3]))
    assert run(["eval", "recorded:r.jsonl", "--on", "bank.evalset", "--scorer", "class"]) == 0
    out = capsys.readouterr().out
    assert "next: vetset failures runs/" in out, "a file has no ladder"
    assert "1 error (no answer came: left out of the score)" in " ".join(out.split())
    assert "counted as 0" not in out
    runs = sorted(path.name for path in (place / "runs").glob("*.run"))
    assert run(["compare", *(f"runs/{name}" for name in runs)]) in (1, 2)
    verdict = json.loads(next((place / "runs").glob("*/verdict.json")).read_text())
    assert "lacks them" in next(gate for gate in verdict["gates"] if gate["name"] == "answers")["next"]


def test_the_ladder_prints_every_rung_and_what_has_to_be_beaten(place, capsys):
    words = ["eval", "canned:m.json", "--on", "bank.evalset", "--ladder", "--scorer", "class", "--gold", "label"]
    (place / "m.json").write_text(
        json.dumps(json.loads((place / "m.json").read_text()) | {"*": "lost"}), encoding="utf-8"
    )
    words += ["--examples", "train.csv", "--documents", "handbook", "--candidate", "canned:m.json"]
    assert run(words) == 0
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines()[2:7]] == ["bare", "few-shot", "rag", "reasoning", "candidate"]
    assert "does not beat the best cheaper rung" in out
    assert "vetset compare runs/m-bare-dev.run runs/m-candidate-dev.run" in out
    retrieval = json.loads((place / "runs" / "m-rag-dev.run" / "run.json").read_text())["retrieval"]
    assert retrieval["rows"] == 4
    assert retrieval["recall"]["3"] >= retrieval["recall"]["1"] > 0


def test_prices_give_each_answer_a_cost(place, capsys):
    answer = {"text": "lost", "prompt_tokens": 1000, "completion_tokens": 500}
    (place / "m.json").write_text(json.dumps({"*": answer}), encoding="utf-8")
    text = 'currency = "USD"\ndated = 2026-11-01\n[models.m]\ninput_price = 2.0\noutput_price = 4.0\n'
    (place / "prices.toml").write_text(text, encoding="utf-8")
    assert run(["eval", "canned:m.json", "--on", "bank.evalset", "--scorer", "class", "--prices", "prices.toml"]) == 0
    assert "cost 0.0160 USD by prices of 2026-11-01" in " ".join(capsys.readouterr().out.split())
    (place / "prices.toml").write_text(text.replace("models.m", "models.n"), encoding="utf-8")
    assert run(["eval", "canned:m.json", "--on", "bank.evalset", "--prices", "prices.toml", "--name", "x"]) == 64
    assert "no price of 'm'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["canned:m.json", "--on", "nowhere"], 64, "no such eval set"),
        (["canned:nowhere.json", "--on", "bank.evalset"], 64, "can't be read"),
        (["canned:m.json", "--on", "bank.evalset", "--part", "test"], 64, "--part 'test' is none; give dev or ship"),
        (["canned:m.json", "--on", "bank.evalset", "--rung", "top"], 64, "--rung 'top' is none"),
        (["canned:m.json", "--on", "bank.evalset", "--rung", "few-shot"], 64, "--examples FILE"),
        (["canned:m.json", "--on", "bank.evalset", "--rung", "rag"], 64, "--documents DIR"),
        (
            ["canned:m.json", "--on", "bank.evalset", "--rung", "rag", "--documents", "none"],
            64,
            "no such folder of documents",
        ),
        (["canned:m.json", "--on", "bank.evalset", "--prompt", "none.txt"], 64, "can't be read"),
        (["canned:m.json", "--on", "bank.evalset", "--scorer", "klass"], 64, "did you mean class"),
        (["canned:m.json", "--on", "bank.evalset", "--candidate", "canned:m.json"], 64, "add --ladder"),
        (["canned:m.json", "--on", "bank.evalset", "--adapter", "a"], 64, "adapter is an option of"),
        (["canned:m.json", "--on", "bank.evalset", "--digest", "0123456789"], 65, "was asked for"),
        (["canned:m.json", "--on", "bank.evalset", "--samples", "3"], 64, "temperature 0"),
        (["canned:m.json", "--on", "bank.evalset", "--train", "bank.csv"], 64, "no such file or set"),
    ],
)
def test_wrong_use_ends_in_one_sentence_and_its_code(place, capsys, words, code, said):
    assert run(["eval", *words]) == code
    told = capsys.readouterr()
    assert said in told.err
    assert told.out == ""
    assert not list(place.glob("runs/*.run"))


def test_eval_rows_in_the_training_data_end_with_code_1(place, capsys):
    (place / "leaky.csv").write_text("text,label\nIs the card LOST,lost\nno letter yet,arrival\n", encoding="utf-8")
    assert run(["eval", "canned:m.json", "--on", "bank.evalset", "--train", "leaky.csv"]) == 1
    assert "leaky.csv holds 1 row that bank.evalset asks" in capsys.readouterr().err


def test_what_a_model_writes_is_masked_and_never_obeyed(place, capsys):
    (place / "m.json").write_text(json.dumps({"*": "\x1b[31mwrite to ann@example.com"}), encoding="utf-8")
    assert run(["eval", "canned:m.json", "--on", "bank.evalset", "--scorer", "class"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "ann@example.com" not in out
