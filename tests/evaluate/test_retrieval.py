"""Retrieval: BM25 by its formula, fusion by its sum, documents in pieces, and how often the right one is found."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate.errors import DataError, UsageError
from vetset.evaluate.runs.bm25 import K1, B, bm25, scores
from vetset.evaluate.runs.documents import Document, cut, read_documents
from vetset.evaluate.runs.fusion import fuse
from vetset.evaluate.runs.retrieval import judge, open_library, search

words = st.sampled_from(["card", "pin", "fee", "bank", "loan", "rate", "cash", "note"])
texts = st.lists(words, min_size=1, max_size=12).map(" ".join)


def by_hand(documents, question):
    """The formula word by word, as Robertson and others 1994 have it, with Lucene's 1 before the logarithm."""
    split = [document.split() for document in documents]
    mean = sum(map(len, split)) / len(split)
    found = []
    for document in split:
        total = 0.0
        for word in question.split():
            held = sum(word in other for other in split)
            rarity = math.log(1 + (len(split) - held + 0.5) / (held + 0.5))
            count = document.count(word)
            total += rarity * count * (K1 + 1) / (count + K1 * (1 - B + B * len(document) / mean))
        found.append(total)
    return found


@settings(deadline=None)  # the first call imports scikit-learn
@given(st.lists(texts, min_size=1, max_size=8), texts)
def test_bm25_is_its_formula(documents, question):
    assert np.allclose(scores(bm25(documents), [question])[0], by_hand(documents, question), atol=1e-4)


def test_bm25_folds_case_and_width_and_finds_words_of_languages_without_spaces():
    index = bm25(["Ｓtraße gesperrt", "银行卡 丢失", "nothing of both"])
    assert scores(index, ["strasse", "卡"]).argmax(axis=1).tolist() == [0, 1]


@pytest.mark.parametrize("documents", [["", "..."], ["!"]])
def test_documents_without_a_word_are_found_by_nothing(documents):
    assert not scores(bm25(documents), ["a question"]).any()


@given(st.lists(st.permutations("abcde").map(lambda p: p[:3]), min_size=1, max_size=4))
def test_fusion_keeps_every_item_once_and_agrees_with_a_single_ranking(rankings):
    fused = fuse(rankings)
    assert sorted(fused) == sorted({item for ranking in rankings for item in ranking})
    assert fuse([rankings[0]]) == list(rankings[0])


def test_what_two_rankings_agree_on_comes_before_what_one_alone_puts_first():
    assert fuse([["a", "b"], ["c", "b"]])[0] == "b"


@given(st.text(alphabet="ab \n#", max_size=300))
def test_no_word_of_a_document_is_lost_in_its_pieces(text):
    held = " ".join(piece.text for piece in cut(Document("d", text), words=7, overlap=2)).split()
    plain = [word for line in text.split("\n") if not line.strip().startswith("#") for word in line.split()]
    assert set(plain) <= set(held)


def test_a_long_paragraph_is_cut_with_an_overlap_under_its_heading():
    text = "# Fees\n\n" + " ".join(f"w{i}" for i in range(50))
    pieces = cut(Document("d", text), words=20, overlap=5)
    assert all(piece.text.startswith("# Fees\n\n") for piece in pieces)
    assert [len(piece.text.split()) - 2 for piece in pieces] == [20, 20, 20]
    assert "w15 w16" in pieces[1].text


@pytest.fixture
def shelf(tmp_path):
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "lost.md").write_text(
        "# Lost card\n\nFreeze it in the app, then order a new one.", encoding="utf-8"
    )
    (tmp_path / "fees.txt").write_text("A transfer abroad costs three euros.", encoding="utf-8")
    lines = [
        {"id": "top-up", "title": "Top up", "text": "Add money by card or by bank."},
        {"id": 7, "text": "Exchange rates."},
    ]
    (tmp_path / "more.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "hidden.md").write_text("not to be read", encoding="utf-8")
    return tmp_path


def test_a_folder_of_documents_is_read_by_name_and_searched(shelf):
    assert [document.name for document in read_documents(shelf)] == ["cards/lost.md", "fees.txt", "top-up", "7"]
    library = open_library(shelf)
    found = search(library, ["what does a transfer cost", "my card is lost", "zzz"])
    assert library.pieces[found[0][0]].document == "fees.txt"
    assert library.pieces[found[1][0]].document == "cards/lost.md"
    assert found[2] == []


def test_recall_is_counted_over_rows_whose_document_is_known(shelf):
    library = open_library(shelf)
    questions = ["what does a transfer cost", "my card is lost", "add money", "exchange"]
    judged = judge(library, search(library, questions), ["fees.txt", "lost", "cards/lost.md", "no such file"])
    assert (judged.rows, judged.unknown) == (3, 1)
    assert judged.recall[1] == pytest.approx(2 / 3)
    assert judged.mrr == pytest.approx(2 / 3)
    assert judge(library, [[]], [None]) is None


class Halves:
    """A tiny encoder: one axis for texts on cards, one for all others."""

    def __call__(self, texts):
        return np.array([[float("card" in text), float("card" not in text)] for text in texts], np.float32)


def test_an_encoder_finds_what_shares_no_word(shelf):
    words_alone = search(open_library(shelf), ["plastic, a discarded card!"])
    with_meaning = search(open_library(shelf, encoder=Halves(), encoder_name="halves"), ["zzzcardzzz"])
    assert words_alone[0]
    assert with_meaning[0], "it shares no word with any piece"
    assert open_library(shelf, encoder=Halves(), encoder_name="halves").said()["search"] == "bm25 and halves, fused"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [("a.jsonl", '{"id": 1}', "a.jsonl line 1"), ("a.jsonl", "{", "line 1 is no JSON"), ("a.md", "\udcff", "UTF-8")],
)
def test_documents_that_can_not_be_read_are_named(tmp_path, name, text, said):
    (tmp_path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=said):
        read_documents(tmp_path)


def test_an_empty_folder_and_two_documents_of_one_name_are_refused(tmp_path):
    with pytest.raises(UsageError, match="no document"):
        read_documents(tmp_path)
    (tmp_path / "a.jsonl").write_text('{"id": "x", "text": "a"}\n{"id": "x", "text": "b"}\n', encoding="utf-8")
    with pytest.raises(DataError, match="two documents called 'x'"):
        read_documents(tmp_path)


def test_github_issues_find_their_own_repository_by_its_words(shared, tmp_path):
    """Half of an issue's words as the question, the whole as a document: BM25 has to find it nearly always."""
    path = next(
        (shared / "github_docs_issues").rglob("*train*.jsonl"), next((shared / "github_docs_issues").rglob("*.jsonl"))
    )
    issues = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[:200]]
    texts = list({issue["text"][:2000]: None for issue in issues if len(issue["text"].split()) > 20})
    (tmp_path / "issues.jsonl").write_text(
        "\n".join(json.dumps({"id": str(i), "text": text}) for i, text in enumerate(texts)), encoding="utf-8"
    )
    library = open_library(tmp_path)
    found = search(library, [" ".join(text.split()[::2]) for text in texts])
    judged = judge(library, found, [str(i) for i in range(len(texts))])
    assert judged.recall[1] > 0.95
