"""outputs.language: answered in another language than asked."""

import json

import polars as pl
import pytest
from vetset.curate import text
from vetset.curate.dataset import frame
from vetset.curate.findings import SCHEMA
from vetset.curate.outputs.exchanges import exchanges
from vetset.curate.outputs.language import find_language
from vetset.curate.outputs.tongues import tongues

SAID = {
    "English": "The parcel that you sent to the house on Monday has not been found at the "
    "depot, and it will be sent to you again.",
    "German": "Das Paket, das Sie am Montag an das Haus geschickt haben, ist nicht mit dem "
    "Wagen gekommen und wird auch nicht ersetzt.",
    "French": "Le colis que vous avez envoyé à la maison n'est pas dans le dépôt, et il sera "
    "renvoyé par nous avec les autres pour vous.",
    "Spanish": "El paquete que usted envió a la casa no está en el depósito, pero los otros "
    "paquetes se enviarán por correo para usted.",
    "Italian": "Il pacco che avete inviato alla casa non è nel deposito, ma la spedizione "
    "della settimana sarà con gli altri per voi.",
    "Cyrillic": "Посылка, которую вы отправили в понедельник, не найдена на складе, и мы отправим её снова.",
    "Han": "您星期一寄出的包裹在仓库里没有找到，我们会再次为您寄出。请耐心等待几天的时间。",
    "Japanese": "月曜日にお送りいただいた荷物は倉庫で見つかりませんでした。もう一度お送りいたします。",
    "Arabic": "لم يتم العثور على الطرد الذي أرسلته يوم الاثنين في المستودع وسنرسله إليك مرة أخرى.",
}
ASKED = (
    "Where is the parcel that I sent to the house on Monday, and can you tell me when it will be here with number {}?"
)


def rows_of(pairs, system=""):
    return frame(
        [
            {
                "messages": [
                    {"role": "system", "content": system},
                    {"role": "user", "content": asked},
                    {"role": "assistant", "content": told},
                ]
            }
            for asked, told in pairs
        ]
    )


def found_in(*pairs, count=60):
    rows = rows_of([*pairs, *((ASKED.format(i), SAID["English"]) for i in range(count))])
    return rows, find_language(rows, exchanges(text.turns(rows)))


def test_scripts_and_languages_are_told():
    assert tongues(pl.Series(SAID.values())).to_list() == list(SAID)
    assert tongues(pl.Series(["x = 1", "", "Ostermill", None])).to_list() == [None] * 4
    assert tongues(pl.Series(["plus plus plus plus plus plus plus"])).to_list() == ["Latin"]


@pytest.mark.parametrize("told", [one for one in SAID if one != "English"])
def test_an_answer_in_another_language_is_found(told):
    rows, found = found_in((ASKED.format("x"), SAID[told]))
    assert found["id"].to_list() == rows["id"][:1].to_list()
    assert found["note"][0].startswith("Asked in English, answered in ")
    assert "98.4%" in found["note"][0]
    assert found.schema == SCHEMA


@pytest.mark.parametrize(
    "asked",
    [
        "Please translate for me what you have said about the parcel that is in the house.",
        "How do they say in Russian that the parcel is not in the house of the man that I know?",
        "What is the meaning of посылка in the letter that they have sent to you and to the others?",
    ],
)
def test_who_asks_about_languages_gets_them(asked):
    assert found_in((asked, SAID["Cyrillic"]))[1].is_empty()


def test_a_system_prompt_may_ask_for_a_language():
    asked = [(ASKED.format("x"), SAID["German"])]
    rest = [(ASKED.format(i), SAID["English"]) for i in range(60)]
    for system, count in (("Answer in German.", 0), ("Answer politely.", 1)):
        rows = pl.concat([rows_of(asked, system), rows_of(rest)])
        assert len(find_language(rows, exchanges(text.turns(rows)))) == count


def test_a_set_that_answers_in_one_language_whatever_is_asked_has_no_fault():
    pairs = [(SAID["German"] + str(i), SAID["English"]) for i in range(30)]
    assert found_in(*pairs)[1].is_empty()


def test_code_names_and_short_answers_are_left_alone():
    assert found_in((ASKED.format("x"), "```\nпривет\n```" + SAID["Cyrillic"]), (ASKED.format("x"), "Да."))[
        1
    ].is_empty()
    asked = "用“shimmer”和“keepsake”这两个单词造一个比较复杂的句子，要求不少于二十个词，并且语气要正式一些。"
    assert found_in((asked, SAID["English"]))[1].is_empty()


def test_no_row_one_row_and_any_order():
    assert found_in(count=0)[1].schema == SCHEMA
    assert found_in((ASKED.format("x"), SAID["Han"]), count=0)[1].is_empty()
    rows, found = found_in((ASKED.format("x"), SAID["Han"]), (ASKED.format("y"), SAID["French"]))
    back = rows.reverse()
    assert find_language(back, exchanges(text.turns(back))).sort("id").equals(found.sort("id"))
    assert len(found) == 2


def test_chinese_rows_that_are_answered_in_english_are_found(shared):
    """All were read: seven are English from end to end, one for its first half."""
    source = json.loads((shared / "llm_formats" / "alpaca_zh_demo.json").read_text(encoding="utf-8"))
    rows = rows_of([("\n".join(filter(None, (one["instruction"], one["input"]))), one["output"]) for one in source])
    found = find_language(rows, exchanges(text.turns(rows)))
    assert len(found) == 8
    assert found["note"].str.contains("answered in English").all()
