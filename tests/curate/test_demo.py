import csv
import json
import os
import re
import statistics
import subprocess
import sys
import unicodedata
from collections import Counter, defaultdict
from datetime import datetime

import pytest
from vetset.curate.demo import generator as demo
from vetset.curate.errors import UsageError

SEEDS = (0, 1, 2026)


@pytest.fixture(scope="module", params=SEEDS)
def sample(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    return folder, demo.generate(folder, seed=request.param)


def fold(text):
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.sub("[\u200b-\u200d\u2060\ufeff]", "", plain).split())


def table(folder, name):
    """Return the records of a CSV as dictionaries, and those that have another number of fields."""
    with (folder / name).open(encoding="utf-8", newline="") as file:
        header, *records = csv.reader(file, strict=True)
    good = [dict(zip(header, record, strict=True)) for record in records if len(record) == len(header)]
    return good, [record for record in records if len(record) != len(header)]


def lines(folder, name):
    """Return the JSON records of a file, and the lines that are no JSON."""
    good, bad = [], []
    for line in (folder / name).read_text(encoding="utf-8").splitlines():
        try:
            good.append(json.loads(line))
        except ValueError:
            bad.append(line)
    return good, bad


def surplus(keys):
    return sum(count - 1 for count in Counter(keys).values())


def bad_encoding(text):
    try:
        mended = text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        mended = text
    left_over = re.search(r"\ufffd|[\u200b-\u200d\u2060\ufeff]|&\w+;|</?\w+[^>]*>", text)
    return mended != text or left_over is not None


def test_every_line_becomes_a_row_but_the_broken_ones(sample):
    folder, planted = sample
    for name in planted.files:
        good, bad = (table if name.endswith(".csv") else lines)(folder, name)
        assert (len(good), len(bad)) == (planted.rows[name], planted.rejects[name]), name
    assert planted.rows[demo.TICKETS] == 1200
    assert planted.rejects[demo.TICKETS] > 0


def test_repeats_are_those_that_were_planted(sample):
    folder, planted = sample
    rows, _ = table(folder, demo.TICKETS)
    expected = planted.expected[demo.TICKETS]
    assert surplus((row["text"], row["intent"]) for row in rows) == expected["duplicates.exact"]
    assert surplus((fold(row["text"]), row["intent"]) for row in rows) == expected["duplicates.normalised"]


def test_conflicts_are_those_that_were_planted_and_none_of_them_is_a_repeat(sample):
    folder, planted = sample
    rows, _ = table(folder, demo.TICKETS)
    labels = defaultdict(list)
    for row in rows:
        if fold(row["text"]):
            labels[fold(row["text"])].append(row["intent"])
    conflicts = [given for given in labels.values() if len(set(given)) > 1]
    assert sum(map(len, conflicts)) == planted.expected[demo.TICKETS]["labels.conflict"]
    assert all(len(set(given)) == len(given) for given in conflicts)


def test_flaws_of_a_text_are_those_that_were_planted(sample):
    folder, planted = sample
    rows, _ = table(folder, demo.TICKETS)
    expected = planted.expected[demo.TICKETS]
    visible = [row for row in rows if fold(row["text"])]
    middle = statistics.median(len(row["text"]) for row in visible)
    counts = {
        "quality.empty": len(rows) - len(visible),
        "quality.encoding": sum(bad_encoding(row["text"]) for row in rows),
        "quality.length": sum(not middle / 4 < len(row["text"]) < middle * 4 for row in visible),
        "quality.template": sum("{{" in row["text"] for row in rows),
        "leakage.answer": sum(row["intent"] in row["text"] for row in rows),
        "licences.unknown": sum(row["license"] in ("", "unknown") for row in rows),
    }
    assert counts == {rule: expected[rule] for rule in counts}


def test_no_text_names_an_intent_but_those_with_the_answer_in_them(sample):
    folder, _ = sample
    rows, _ = table(folder, demo.TICKETS)
    held_out, _ = table(folder, demo.HELD_OUT)
    intents = {row["intent"] for row in rows}
    for row in [*rows, *held_out]:
        if row["channel"] != demo.OLD_DESK:
            spelled = fold(row["text"]).replace("_", " ")
            assert not [intent for intent in intents if intent.replace("_", " ") in spelled], row["text"]


def test_the_held_out_file_leaks_what_was_planted_and_is_clean_otherwise(sample):
    folder, planted = sample
    rows, _ = table(folder, demo.TICKETS)
    held_out, _ = table(folder, demo.HELD_OUT)
    raw, folded = {row["text"] for row in rows}, {fold(row["text"]) for row in rows}
    leaked = [row for row in held_out if fold(row["text"]) in folded]
    assert len(leaked) == planted.expected[demo.TICKETS]["leakage.exact"]
    assert sum(row["text"] in raw for row in held_out) == demo.LEAKED_VERBATIM
    hit = {fold(row["text"]) for row in leaked}
    assert sum(fold(row["text"]) in hit for row in rows) == len(leaked)  # the same number from either side
    assert surplus(fold(row["text"]) for row in held_out) == 0
    assert not any(bad_encoding(row["text"]) or not row["license"] for row in held_out)
    known = {row["customer"] for row in rows}
    assert sum(row["customer"] not in known for row in held_out) > len(held_out) / 2


def test_chats_break_roles_schema_and_template_as_planted(sample):
    folder, planted = sample
    chats, _ = lines(folder, demo.CHATS)
    counts = Counter()
    for chat in chats:
        targets = chat["messages"][-1]["content"]
        counts["quality.roles"] += not tools_fit(chat)
        counts["quality.template"] += "language model" in targets
        try:
            counts["quality.schema"] += set(json.loads(targets)) != {"intent", "reply", "closed"}
        except ValueError:
            counts["quality.schema"] += 1
    assert counts == planted.expected[demo.CHATS]
    assert surplus(fold(chat["messages"][1]["content"]) for chat in chats) == 0


def tools_fit(chat):
    schemas = {tool["function"]["name"]: tool["function"]["parameters"] for tool in chat["tools"]}
    kinds = {"string": str, "integer": int}
    open_calls = set()
    for message in chat["messages"]:
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_calls:
                return False
            open_calls.remove(message["tool_call_id"])
        for call in message.get("tool_calls", []):
            open_calls.add(call["id"])
            schema = schemas.get(call["function"]["name"])
            try:
                arguments = json.loads(call["function"]["arguments"])
            except ValueError:
                return False
            if schema is None or set(arguments) != set(schema["required"]):
                return False
            if not all(isinstance(arguments[key], kinds[part["type"]]) for key, part in schema["properties"].items()):
                return False
    return not open_calls


def test_pairs_are_equal_or_reversed_as_planted(sample):
    folder, planted = sample
    pairs, _ = lines(folder, demo.PAIRS)
    said = {(fold(pair["prompt"]), pair["chosen"], pair["rejected"]) for pair in pairs}
    assert len(said) == len(pairs)
    counts = {
        "preference.same": sum(fold(pair["chosen"]) == fold(pair["rejected"]) for pair in pairs),
        "preference.conflict": sum(
            (fold(pair["prompt"]), pair["rejected"], pair["chosen"]) in said
            for pair in pairs
            if pair["chosen"] != pair["rejected"]
        ),
    }
    assert counts == planted.expected[demo.PAIRS]


def test_wrong_labels_are_known_by_ticket(sample):
    folder, planted = sample
    rows = {row["ticket_id"]: row for row in table(folder, demo.TICKETS)[0]}
    assert len(rows) == planted.rows[demo.TICKETS]  # ids are unique
    assert len(planted.wrong_labels) == demo.WRONG
    assert all(rows[ticket]["intent"] != truth for ticket, truth in planted.wrong_labels.items())


def test_the_table_has_the_structure_of_a_real_desk(sample):
    folder, _ = sample
    rows, _ = table(folder, demo.TICKETS)
    intents = Counter(row["intent"] for row in rows)
    assert len(intents) == 12
    assert intents.most_common()[0][1] > 2 * intents.most_common()[-1][1]
    customers = Counter(row["customer"] for row in rows)
    assert len(customers) == demo.CUSTOMERS
    assert min(customers.values()) >= 2
    assert len({row["agent"] for row in rows}) == 12
    assert {row["product_version"] for row in rows} == {"3.0", "3.1", "4.0"}
    assert {when(row["created"]).year for row in rows} == {2024, 2025}
    scripts = ("[\u0600-\u06ff]", "[\u4e00-\u9fff]", "[óúñ]", "[äöüß]")
    assert all(any(re.search(script, row["text"]) for row in rows) for script in scripts)


def when(text):
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M", "%Y/%m/%d", "%d.%m.%Y %H:%M"):
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    raise AssertionError(text)


def test_nobody_can_be_reached_by_what_the_texts_say(sample):
    folder, planted = sample
    everything = "".join((folder / name).read_text(encoding="utf-8") for name in planted.files)
    mails = re.findall(r"\S+@([\w.]*\w)", fold(everything))
    assert set(mails) == {"example.com"}
    phones = re.findall(r"\b\d{3}-\d{4}\b", fold(everything))
    assert phones
    assert all(phone.startswith("555-01") for phone in phones)


def test_every_rule_finds_what_was_planted_and_nothing_else(sample, tmp_path):
    from vetset.curate.demo.run import COUNTED
    from vetset.curate.material import Material
    from vetset.curate.reading.reader import read
    from vetset.curate.rules import RULES

    folder, planted = sample
    held_out = read([folder / demo.HELD_OUT], tmp_path / "against.vet").dataset.rows
    for name in planted.files:
        result = read([folder / name], tmp_path / f"{name}.vet")
        rows = result.dataset.rows
        assert (rows.height, result.rejects) == (planted.rows[name], planted.rejects[name])
        material = Material(rows, held_out if name == demo.TICKETS else None)
        counts = {rule: len(RULES[rule].find(material)) for rule in COUNTED}
        assert {rule: count for rule, count in counts.items() if count} == planted.expected[name], name


def test_the_same_seed_gives_the_same_bytes_in_another_process(tmp_path):
    planted = demo.generate(tmp_path / "here", seed=5)
    program = (
        "import sys, pathlib; from vetset.curate.demo import generator;"
        " generator.generate(pathlib.Path(sys.argv[1]), seed=5)"
    )
    there = str(tmp_path / "there")
    subprocess.run([sys.executable, "-c", program, there], check=True, env={**os.environ, "PYTHONHASHSEED": "123"})
    for name in planted.files:
        assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes()
    assert demo.generate(tmp_path / "here", seed=5) == planted  # a second time changes nothing


def test_another_seed_gives_other_texts_and_the_same_counts(tmp_path):
    one, two = (demo.generate(tmp_path / str(seed), seed=seed) for seed in (0, 1))
    for planted in (one, two):  # how many tickets the customers have that are held out too is drawn, and counted
        assert planted.expected[demo.TICKETS].pop("leakage.group") > 0
    assert (one.rows, one.rejects, one.expected) == (two.rows, two.rejects, two.expected)
    texts = [{fold(row["text"]) for row in table(tmp_path / seed, demo.TICKETS)[0]} for seed in ("0", "1")]
    assert texts[0] & texts[1] == {""}


def test_what_was_planted_is_json(tmp_path):
    summary = demo.generate(tmp_path).summary()
    assert json.loads(json.dumps(summary)) == summary


def test_a_file_of_the_user_is_never_overwritten(tmp_path):
    (tmp_path / "pairs.jsonl").write_text("mine")
    with pytest.raises(UsageError, match=r"pairs\.jsonl exists"):
        demo.generate(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.jsonl"]
    assert (tmp_path / "pairs.jsonl").read_text() == "mine"


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="can't be written"):
        demo.generate(tmp_path / "file")


@pytest.mark.slow
def test_intents_can_be_learnt_but_not_perfectly_and_random_rows_flatter(tmp_path):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit

    demo.generate(tmp_path)
    rows, _ = table(tmp_path, demo.TICKETS)
    texts, intents, customers = ([row[column] for row in rows] for column in ("text", "intent", "customer"))

    def accuracy(splits):
        scores = []
        for train, test in splits:
            words = TfidfVectorizer(sublinear_tf=True)
            model = LogisticRegression(C=10, max_iter=1000)
            model.fit(words.fit_transform([texts[i] for i in train]), [intents[i] for i in train])
            scores.append(model.score(words.transform([texts[i] for i in test]), [intents[i] for i in test]))
        return statistics.mean(scores)

    random = accuracy(ShuffleSplit(8, test_size=0.2, random_state=0).split(texts))
    grouped = accuracy(GroupShuffleSplit(8, test_size=0.2, random_state=0).split(texts, intents, customers))
    print(f"random rows {random:.3f}, by customer {grouped:.3f}")
    assert 0.75 < grouped < random < 0.95
