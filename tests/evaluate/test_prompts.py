"""Prompts: what each rung asks, examples from training data alone, a user's own file, and the answer that is taken out."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate.dataset import frame
from vetset.curate.errors import DataError, UsageError
from vetset.evaluate.runs.asking import ask
from vetset.evaluate.runs.examples import choose, open_shots
from vetset.evaluate.runs.final_answer import final_answer
from vetset.evaluate.runs.prompt_file import read_prompt
from vetset.evaluate.runs.prompts import labels_of, prompt_for
from vetset.evaluate.runs.retrieval import open_library

QUESTIONS = [
    ("my card was stolen on the way to work this morning", "lost_card"),
    ("where is the card that I ordered two weeks ago", "card_arrival"),
    ("how much does a transfer to another country cost me", "fees"),
    ("someone took my purse and the card in it, please help", "lost_card"),
]


def labelled(pairs):
    return frame([{"messages": text, "label": label} for text, label in pairs])


def said(conversation):
    return [(turn.role, turn.content) for turn in conversation]


def test_plain_asks_the_row_alone_and_bare_tells_the_labels():
    rows = labelled(QUESTIONS)
    labels = labels_of(labelled(QUESTIONS * 2))
    assert said(ask(prompt_for("plain", labels=labels), rows).conversations[0]) == [("user", QUESTIONS[0][0])]
    system, user = said(ask(prompt_for("bare", labels=labels), rows).conversations[0])
    assert system[0] == "system"
    assert all(f"- {label}" in system[1] for label in labels)
    assert user == ("user", QUESTIONS[0][0])


def test_a_conversation_keeps_its_turns_and_its_own_system_message_comes_first():
    turns = [
        ("system", "You are Bo."),
        ("user", "hi"),
        ("assistant", "hello"),
        ("user", "and now?"),
        ("assistant", "fees"),
    ]
    rows = frame([{"messages": [{"role": role, "content": text} for role, text in turns], "label": None}])
    conversation = said(ask(prompt_for("reasoning"), rows).conversations[0])
    assert conversation[0][1].startswith("You are Bo.\n\nThink")
    assert conversation[1:] == turns[1:4]


def test_a_question_that_holds_a_place_is_a_text_like_any_other(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text('Say {"label": one of {labels}} of: {question}', encoding="utf-8")
    rows = labelled([("what is {labels} or {context}?", "a"), ("b", "a"), ("c", "b"), ("d", "b")])
    asked = ask(read_prompt(path, labels=("a", "b")), rows).conversations[0]
    assert said(asked) == [("user", 'Say {"label": one of - a\n- b} of: what is {labels} or {context}?')]


def test_a_row_that_asks_nothing_is_named():
    rows = frame([{"messages": [{"role": "assistant", "content": "only this"}]}])
    with pytest.raises(DataError, match=f"row {rows['id'][0]} of the eval set asks nothing"):
        ask(prompt_for("bare"), rows)


# --- examples -----------------------------------------------------------------------------------------------------


@pytest.fixture
def training(tmp_path):
    """A CSV whose rows stand in the eval set: one folded, one as a near copy, and six that don't."""
    rows = [
        ("MY CARD was stolen  on the way to work this morning", "lost_card"),
        ("where is the card that I ordered two weeks ago, please", "card_arrival"),
        ("I left my card in a taxi", "lost_card"),
        ("my card is gone, stolen I think", "lost_card"),
        ("what does sending money to Norway cost", "fees"),
        ("is there a fee for cash machines", "fees"),
        ("the new card is not here yet", "card_arrival"),
        ("has my card been sent", "card_arrival"),
    ]
    path = tmp_path / "train.csv"
    path.write_text("text,label\n" + "\n".join(f'"{text}",{label}' for text, label in rows), encoding="utf-8")
    return path


def test_no_example_is_a_row_of_the_eval_set_or_a_near_copy(training):
    shots = open_shots(training, labelled(QUESTIONS))
    assert shots.left_out == 2
    assert shots.pool.height == 6
    for choice in ("nearest", "per-class", "random"):
        prompt = prompt_for("few-shot", shots=open_shots(training, labelled(QUESTIONS), count=6, choice=choice))
        texts = {
            text
            for turns in ask(prompt, labelled(QUESTIONS)).conversations
            for role, text in said(turns[:-1])
            if role == "user"
        }
        assert not any("two weeks ago" in text or "on the way to work" in text for text in texts)


def test_the_nearest_example_stands_next_to_the_question(training):
    prompt = prompt_for("few-shot", shots=open_shots(training, labelled(QUESTIONS), count=2))
    turns = said(ask(prompt, labelled(QUESTIONS)).conversations[2])
    assert [role for role, _ in turns] == ["user", "assistant", "user", "assistant", "user"]
    assert turns[-3:] == [
        ("user", "what does sending money to Norway cost"),
        ("assistant", "fees"),
        ("user", QUESTIONS[2][0]),
    ]


def test_per_class_gives_each_label_one_before_any_gets_two_and_the_seed_decides_which(training):
    pools = [open_shots(training, labelled(QUESTIONS), count=3, choice="per-class", seed=seed) for seed in range(8)]
    chosen = [choose(shots, labelled(QUESTIONS)) for shots in pools]
    for shots, rows in zip(pools, chosen, strict=True):
        assert sorted(shots.pool["label"][at] for at in rows[0]) == ["card_arrival", "fees", "lost_card"]
        assert all(row == rows[0] for row in rows)
        assert choose(shots, labelled(QUESTIONS)) == rows
    assert len({tuple(rows[0]) for rows in chosen}) > 1


def test_an_export_of_messages_gives_examples_by_its_last_assistant_turn(tmp_path):
    path = tmp_path / "train.jsonl"

    def write(pairs):
        turns = [[{"role": "user", "content": one}, {"role": "assistant", "content": other}] for one, other in pairs]
        path.write_text("".join(json.dumps({"messages": said}) + "\n" for said in turns), encoding="utf-8")

    write([("I left my card in a taxi", "lost_card"), ("is there a fee", "fees"), ("good morning", "Hello to you!")])
    shots = open_shots(path, labelled(QUESTIONS), choice="per-class")
    assert sorted(shots.pool["label"]) == ["fees", "lost_card"], "a sentence answers no class"
    turns = said(ask(prompt_for("few-shot", shots=shots), labelled(QUESTIONS)).conversations[0])
    assert {text for role, text in turns if role == "assistant"} == {"fees", "lost_card"}
    write([("I left my card in a taxi", "topic: lost_card"), ("is there a fee", "topic: fees")])
    assert open_shots(path, labelled(QUESTIONS)).pool.height == 2, "an answer in a form of its own"


def test_training_data_that_is_the_eval_set_can_give_no_example(tmp_path):
    path = tmp_path / "train.csv"
    path.write_text("text,label\n" + "\n".join(f'"{text}",{label}' for text, label in QUESTIONS), encoding="utf-8")
    with pytest.raises(DataError, match="none of its 4 rows can be an example"):
        open_shots(path, labelled(QUESTIONS))


def test_the_digest_of_a_prompt_changes_with_its_words_its_examples_and_not_with_paths(training, tmp_path):
    labels = ("a", "b")
    digests = [prompt_for(rung, labels=labels).said()["digest"] for rung in ("plain", "bare", "reasoning")]
    shots = open_shots(training, labelled(QUESTIONS))
    digests += [prompt_for("few-shot", labels=labels, shots=shots).said()["digest"]]
    assert len(set(digests)) == 4
    copy = tmp_path / "elsewhere.csv"
    copy.write_bytes(training.read_bytes())
    again = prompt_for("few-shot", labels=labels, shots=open_shots(copy, labelled(QUESTIONS)))
    assert again.said()["digest"] == digests[3]


# --- documents ----------------------------------------------------------------------------------------------------


def test_documents_stand_before_the_question_within_their_budget(tmp_path):
    for i in range(20):
        (tmp_path / f"d{i}.md").write_text(f"card fact {i} " + "word " * 100, encoding="utf-8")
    prompt = prompt_for("rag", library=open_library(tmp_path), budget=1000)
    text = said(ask(prompt, labelled(QUESTIONS[:1])).conversations[0])[-1][1]
    context, _, asked = text.removeprefix("Use these documents where they help.\n\n").rpartition("\n\n")
    assert asked == QUESTIONS[0][0]
    assert 500 < len(context) <= 1000


# --- a file of the user's -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("p.txt", "", "is empty"),
        ("p.toml", 'user = "hello"', "has no {question}"),
        ("p.toml", 'system = "{question}"', "belongs in `user`"),
        ("p.toml", 'usr = "{question}"', "'usr' is no text that a prompt has"),
        ("p.toml", 'user = "{question} {lables}"', "write {labels}"),
        ("p.txt", "{context} {question}", "--documents DIR"),
        ("p.txt", "{labels} {question}", "no labels of a class"),
        ("p.toml", "user = ", "is not TOML"),
    ],
)
def test_a_prompt_that_would_ask_something_else_is_refused(tmp_path, name, text, message):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises((UsageError, DataError), match=message.replace("{", r"\{").replace("}", r"\}")):
        read_prompt(tmp_path / name)


def test_a_text_without_the_question_is_the_system_message_and_json_braces_stand(tmp_path):
    (tmp_path / "p.txt").write_text('Answer as {"label": "..."} or {other}.', encoding="utf-8")
    prompt = read_prompt(tmp_path / "p.txt")
    assert (prompt.system, prompt.user) == ('Answer as {"label": "..."} or {other}.', "{question}")


# --- the final answer ---------------------------------------------------------------------------------------------


@given(st.text(alphabet="ab\n .:*", max_size=60), st.sampled_from(["42", "lost_card", "a b"]))
def test_the_answer_behind_the_last_mark_is_found_whatever_stands_before(thoughts, answer):
    assert final_answer(f"{thoughts}\nAnswer: {answer}\n", "Answer:") == answer


@pytest.mark.parametrize("text", ["", "42", "the answer: is near", "Answer:", "<think>\nAnswer: 42"])
def test_without_a_marked_answer_there_is_none(text):
    assert final_answer(text, "Answer:") is None
