"""What the columns mean: guesses and their reasons, doubts, and what the user says."""

import pytest
from vetset.curate.errors import DataError, UsageError
from vetset.curate.reading.column_names import NAMES, PAIRS, TWO_TEXTS, plain
from vetset.curate.reading.guesses import plan
from vetset.curate.reading.mapping import Given, split_of_name, taken_from, text_columns, value


def planned(records, **given):
    return plan(records, Given(**given), name="a.jsonl")


def tickets(rows=40, **more):
    return [
        {"text": f"my ticket number {i}", "label": "ab"[i % 2], **{key: make(i) for key, make in more.items()}}
        for i in range(rows)
    ]


def reason(found, start):
    return next(text for text in found.reasons if text.startswith(start))


def test_every_guess_has_a_reason():
    records = tickets(
        user=lambda i: f"u{i % 5}", created_at=lambda i: f"2020/3/{i % 28 + 1}", annotator=lambda i: f"a{i % 3}",
        channel=lambda i: "mail", split=lambda i: "train", license=lambda i: "MIT",
    )  # fmt: skip
    found = planned(records)
    assert found.columns == {
        "text": "text", "label": "label", "group": "user", "time": "created_at", "annotator": "annotator", "split": "split",
        "source": "channel", "license": "license",
    }  # fmt: skip
    for part in ("shape", *found.columns):
        assert reason(found, part)


def test_a_constant_label_gives_way_to_one_that_varies_and_says_so():
    records = [{"text": f"an issue {i}", "label": "DOCS", "answer": ["accept", "reject"][i % 2]} for i in range(30)]
    found = planned(records)
    assert found.columns["label"] == "answer"
    assert any("not 'label': it is 'DOCS'" in text for text in found.reasons)


def test_a_column_sorted_by_label_is_still_a_label():
    records = [{"text": f"text of {i}", "label": "abcd"[i // 25]} for i in range(100)]
    assert planned(records).columns["label"] == "label"


def test_free_text_is_no_label():
    records = [{"text": f"text of {i}", "category": f"something long and other {i}"} for i in range(60)]
    assert planned(records).shape == "text"


def test_none_turns_a_guess_off():
    records = tickets(user=lambda i: f"u{i % 5}")
    assert "group" not in planned(records, group="none").columns
    assert planned(records, label="none").shape == "text"


def test_a_group_without_repeats_is_doubted_aloud():
    found = planned(tickets(user=lambda i: f"u{i}"))
    assert "group" not in found.columns
    assert any("not 'user' as group: no value stands twice" in text for text in found.reasons)


def test_a_time_that_is_mostly_no_date_is_doubted_aloud():
    found = planned(tickets(time=lambda i: "soon"))
    assert "time" not in found.columns
    assert any("as time: only 0% of its values are dates" in text for text in found.reasons)


def test_an_annotator_that_never_repeats_is_doubted_aloud():
    found = planned(tickets(annotator=lambda i: f"a comment {i}"))
    assert "annotator" not in found.columns


def test_dates_that_may_be_read_two_ways_are_said():
    found = planned(tickets(date=lambda i: f"{i % 9 + 1}/{i % 7 + 1}/2020"))
    assert any("month first: nothing in the sample decides" in text for text in found.reasons)
    assert planned(tickets(date=lambda i: f"{i % 28 + 1}/3/2020")).day_first


def test_a_source_or_licence_is_a_column_or_the_same_for_all():
    records = tickets(origin_site=lambda i: "forum")
    assert planned(records, source="origin_site").columns["source"] == "origin_site"
    found = planned(records, source="forum export", license="CC-BY-4.0", split="train")
    assert found.constants == {"source": "forum export", "license": "CC-BY-4.0", "split": "train"}
    assert "as said, for every row" in reason(found, "license")


def test_a_group_that_is_no_column_is_refused_with_what_there_is():
    with pytest.raises(UsageError, match=r"no column 'team' \(--group\); it has 'text', 'label'"):
        planned(tickets(), group="team")


def test_nested_keys_and_patterns_are_taken():
    records = tickets(meta=lambda i: {"url": f"https://github.com/a/r{i % 3}/issues/{i}"})
    assert planned(records, group="meta.url").columns["group"] == "meta.url"
    pattern = "meta.url~github.com/([^/]+/[^/]+)"
    assert planned(records, group=pattern).columns["group"] == pattern
    assert value(records[4], pattern) == "a/r1"


def test_a_column_whose_own_name_holds_a_dot_a_comma_or_a_tilde_is_whole():
    records = [{"Ticket, text": f"a text {i}", "my.label": "ab"[i % 2], "odd~(": "x"} for i in range(30)] + [
        {"Ticket, text": "t"}
    ]
    found = planned(records)
    assert found.columns == {"text": "Ticket, text", "label": "my.label"}
    assert planned(records, text="Ticket, text,odd~(", label="my.label").columns["text"] == "Ticket, text,odd~("
    assert text_columns("Ticket, text,odd~(", records[0]) == ["Ticket, text", "odd~("]


@pytest.mark.parametrize("pattern", ["meta.url~(", "meta.url~abc"])
def test_a_pattern_that_takes_nothing_is_refused(pattern):
    with pytest.raises(UsageError, match=r"meta\.url~"):
        taken_from(pattern)


def test_a_pair_of_texts_is_joined():
    records = [{"sentence1": f"a dog {i}", "sentence2": f"a cat {i}", "label": "ab"[i % 2]} for i in range(30)]
    assert planned(records).columns["text"] == "sentence1,sentence2"


def test_ids_paths_and_addresses_are_no_text():
    records = [{"id": f"train-{i}", "path": f"data/some/long/path/{i}.sol", "label": "ab"[i % 2]} for i in range(30)]
    with pytest.raises(
        DataError, match="none of the columns 'id', 'path', 'label' looks like a text; say which it is with --text"
    ):
        planned(records)
    assert planned(records, text="path").columns["text"] == "path"


def test_text_in_a_script_without_spaces_is_text():
    records = [{"评论": "房间比较潮湿设施比较落后年久失修的感觉", "n": str(i)} for i in range(30)]
    assert planned(records).columns["text"] == "评论"


def test_what_the_user_calls_a_group_is_not_guessed_to_be_the_label():
    records = [{"text": f"text of {i}", "category": "ab"[i % 2], "topic": "xy"[i % 2]} for i in range(30)]
    assert planned(records).columns["label"] == "category"
    assert planned(records, group="category").columns["label"] == "topic"


def test_a_question_with_its_solution_is_prompt_and_completion():
    records = [{"question": f"what is {i} + 1?", "ground_truth": f"it is {i + 1}"} for i in range(30)]
    found = planned(records)
    assert (found.shape, found.columns) == ("prompt-completion", {"prompt": "question", "completion": "ground_truth"})


def test_prompt_and_completion_can_be_said():
    records = [{"asks": f"what is {i} + 1?", "says": f"it is {i + 1}"} for i in range(30)]
    found = planned(records, format="prompt-completion", text="asks", label="says")
    assert found.columns == {"prompt": "asks", "completion": "says"}


def test_a_format_that_does_not_fit_names_the_columns_that_it_wants():
    with pytest.raises(DataError, match="don't have the columns of format 'alpaca'"):
        planned(tickets(), format="alpaca")
    with pytest.raises(UsageError, match="use one of text"):
        planned(tickets(), format="chat")


@pytest.mark.parametrize(
    ("name", "split"),
    [("train.csv", "train"), ("a_VALID.jsonl", "validation"), ("dev-00000-of-00001.parquet", "dev"), ("tickets.csv", None),
     ("contest.csv", None),
     ("train_test.csv", "test"), ("held-out.csv", None), ("latest.csv", None)],
)  # fmt: skip
def test_a_split_is_told_by_whole_words_of_a_files_name(name, split):
    assert split_of_name(name) == split


def test_empty_records_are_refused():
    with pytest.raises(DataError, match="empty objects"):
        planned([{}, {}])


@pytest.mark.parametrize(
    ("text", "label", "group", "time", "source"),
    [
        ("Frage", "Kategorie", "Nutzer", "Datum", "Quelle"),
        ("Texte", "Catégorie", "Utilisateur", "Date", "Canal"),
        ("Mensaje", "Etiqueta", "Usuario", "Fecha", "Fuente"),
        ("Comentário", "Rótulo", "Usuário", "Data/Hora", "Fonte"),
        ("文本", "标签", "用户ID", "时间", "来源"),
        ("お問い合わせ内容", "カテゴリ", "ユーザーID", "日時", "チャネル"),
    ],
)
def test_names_in_other_languages_are_known_and_said(text, label, group, time, source):
    records = [
        {"Nr": str(i), text: f"ein Satz, Nummer {i}", label: "ab"[i % 2], group: f"u{i % 5}", time: "2020-03-09", source: "mail"}
        for i in range(40)
    ]  # fmt: skip
    found = planned(records)
    assert found.columns == {"text": text, "label": label, "group": group, "time": time, "source": source}
    assert reason(found, "label") == f"label   '{label}', by its name: 2 values in 40 records of the sample"


@pytest.mark.parametrize(
    ("asks", "answers"), [("Frage", "Antwort"), ("Question", "Réponse"), ("Pergunta", "Resposta"), ("質問", "回答")]
)
def test_questions_and_answers_in_other_languages_are_prompt_and_completion(asks, answers):
    records = [{asks: f"what is {i} + 1?", answers: f"it is {i + 1}"} for i in range(30)]
    assert planned(records).columns == {"prompt": asks, "completion": answers}


def test_a_subject_beside_a_text_is_not_the_text():
    records = [{"Betreff": f"Lampe {i}", "Nachricht": f"die Lampe {i} geht nicht"} for i in range(30)]
    assert planned(records).columns == {"text": "Nachricht"}


@pytest.mark.parametrize("name", ["Bewertung", "data", "client", "Satz", "avis", "objet"])
def test_a_word_with_two_meanings_is_left_to_the_person(name):
    records = [{"text": f"text of {i}", name: "2020-03-09"} for i in range(30)]
    assert set(planned(records).columns.values()) == {"text"}


def test_every_name_in_the_table_is_written_as_it_is_compared():
    words = [word for names in NAMES.values() for word in names] + [
        word for pair in (*PAIRS, *TWO_TEXTS) for word in pair
    ]
    assert [word for word in words if plain(word) != word] == []
    assert all(len(set(names)) == len(names) for names in NAMES.values())


def test_one_is_counted_as_one():
    found = planned([{"text": "my lamp is broken", "label": "lamp", "channel": "mail"}])
    assert reason(found, "label").endswith("1 value in 1 record of the sample")
    assert reason(found, "source").endswith("1 value in 1 record")


def test_dates_with_dots_have_the_day_first():
    found = planned(tickets(date=lambda i: f"0{i % 9 + 1}.03.2020"))
    assert found.day_first
    assert not any("month first" in text for text in found.reasons)
