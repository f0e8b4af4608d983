"""quality.template: placeholders, markers of chat formats, and what assistants say of themselves."""

import time

import pytest
from vetset.curate import findings, text
from vetset.curate.dataset import frame
from vetset.curate.quality.leftovers import find_template


def found_in(*pairs):
    rows = frame(
        [
            {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": told}]}
            for asked, told in pairs
        ]
    )
    return rows, find_template(rows, text.turns(rows))


LEFT = {
    "Dear {{first_name}}, your parcel is on its way.": "a placeholder",
    "Dear {customer_name}, your parcel is on its way.": "a placeholder",
    "Dear {NAME}, thank you.": "a placeholder",
    "Set the key to <YOUR_API_KEY> and go on.": "a placeholder",
    "Best regards,\n[Your Name]": "a placeholder",
    "Hello [INSERT NAME HERE], welcome.": "a placeholder",
    "此致，[您的姓名]": "a placeholder",
    "Welcome back, %s!": "a placeholder",
    "Lorem ipsum dolor sit amet.": "filler text",
    "TODO: write the second half": "a note to self",
    "The account XXXXXXXX was closed.": "masked text",
    "All good.<|im_end|>": "a chat format's marker",
    "[INST] What now? [/INST]": "a chat format's marker",
    "Fine.\n### Response:\nAnd again.": "a chat format's marker",
    "<start_of_turn>model": "a chat format's marker",
    "That is all.</s>": "a tokenizer's special token",
    "That is all.\n\n###": "a dangling marker at its end",
    "That is all.\nHuman:": "a dangling marker at its end",
    "As an AI language model, I have no taste in music.": "a phrase in which a model speaks of itself",
    "as an ai, I can't see pictures.": "a phrase in which a model speaks of itself",
    "作为一个人工智能语言模型，我没有感情。": "a phrase in which a model speaks of itself",
    "Como modelo de lenguaje, no opino.": "a phrase in which a model speaks of itself",
    "Nun, als KI-Sprachmodell habe ich keine Meinung.": "a phrase in which a model speaks of itself",
    "Я, как языковая модель, этого не знаю.": "a phrase in which a model speaks of itself",
    "I'm sorry, but I can't help with that.": "a stock refusal",
    "I’m sorry, but I’m unable to do so.": "a stock refusal",
    "很抱歉，我无法回答这个问题。": "a stock refusal",
    "Je suis désolé, mais je ne peux pas vous aider.": "a stock refusal",
    "申し訳ありませんが、その質問にはお答えできません。": "a stock refusal",
}


REFUSED = """Sorry, I am unable to assist with that.|I cannot fulfil this request.|I won't be able to help with this.
Es tut mir leid, dabei kann ich nicht helfen.|Dabei kann ich leider nicht helfen.|Ich kann dir dabei nicht helfen.
I'm sorry, I can't help.|I am unable to provide that.|I’m not able to assist with this.|I'm afraid I can't do that.
I can't help.|Unfortunately, I can't help with that.|My apologies, but I cannot answer.|I will not assist with this.
I'm not comfortable helping with this.|I must decline this request.|I don't have the ability to help you with that.
Lo siento, no puedo ayudarte.|No puedo ayudar con esa solicitud.|Désolé, je ne peux pas vous aider.|Je ne peux pas vous aider.
Tut mir leid, das kann ich nicht beantworten.|Diese Frage kann ich nicht beantworten.|Desculpe, não posso ajudar.
Não posso ajudar com isso.|Mi dispiace, non posso aiutarti.|Non posso aiutarti con questo.|Простите, с этим не могу помочь.
Я не могу помочь с этим.|抱歉，我不能帮助您。|我无法协助您完成这个请求。|对不起，这个问题我无法回答。
すみませんが、そのお手伝いはできません。|その質問にはお答えできません。|죄송합니다. 도와드릴 수 없습니다.
لا يمكنني مساعدتك في هذا.|آسف، ولكن لا أستطيع المساعدة في ذلك.|Het spijt me, daar kan ik niet mee helpen.
Przykro mi, ale nie mogę w tym pomóc.
Üzgünüm, bu konuda yardımcı olamam.|क्षमा करें, मैं इसमें मदद नहीं कर सकता।
Xin lỗi, tôi không thể giúp.|Maaf, saya tidak dapat membantu."""


def test_refusals_of_many_languages_are_found_as_they_open_a_reply_and_no_further_on():
    refused = REFUSED.replace("\n", "|").split("|")
    rows, found = found_in(*(("What now?", told) for told in refused))
    assert [told for told, one in zip(refused, rows["id"], strict=True) if one not in found["id"]] == []
    assert found["note"].str.contains("a stock refusal").all()
    assert found_in(*(("What now?", f"She wrote to me: {told}") for told in refused))[1].is_empty()


@pytest.mark.parametrize(("told", "kind"), LEFT.items())
def test_each_kind_of_leftover_is_found(told, kind):
    rows, found = found_in(("What now?", told))
    assert found["id"].to_list() == rows["id"].to_list()
    assert kind in found["note"][0]
    assert found.schema == findings.SCHEMA


CLEAN = (
    "She lives in a {small} house with {x, y} coordinates.",
    "We can find a sequence {x_n} in the interval.",
    "The set {1, 2} has 50% sugar, 100%.",
    "[Enter the ghost, and three witches]",
    "It is a well [sic] known [1] fact [see chapter 2](page).",
    "I am sorry that I came late, but the bus could not come.",
    "She said that, as an AI researcher, she was tired.",
    "Super Bowl XXX was in 1996; xxx, your aunt.",
    "Todo está bien. TODO ESTÁ BIEN.",
    "GPT-3 is a program developed by OpenAI.",
    "5 < 6 and 7 > 3; <b>; a <= b",
    "# Title\n\n### Ingredients\n\n- salt\n### Instructions:\n1. Stir.",
    "Je suis désolé d'apprendre cela. Es tut mir leid.",
    "作为老师，我很高兴。抱歉让您久等了。",
    "I can't help but laugh at this. I can't help it.",
    "I am sorry to hear that. I can send another one.",
    "I'm not going to lie: it is hard. I must decline in health.",
    "Unfortunately, I cannot find your order.",
    "Es tut mir leid, das zu hören. Leider ist das nicht möglich.",
    "Désolé pour le retard. Je ne peux pas dormir.",
    "No puedo dormir. Non posso venire. Я не могу уснуть.",
    "我不能同意更多。",
    "对不起，您没有提供文章。",
    "すみません、駅はどこですか。",
    "죄송합니다. 늦었습니다.",
    "Het spijt me dat ik laat ben.",
    "🙂 👩\u200d🚀 مرحبا بالعالم שלום",
    "",
)


@pytest.mark.parametrize("told", CLEAN)
def test_ordinary_text_is_left_alone(told):
    assert found_in(("What now?", told))[1].is_empty()


@pytest.mark.parametrize(
    "asked",
    [
        "Write a Python f-string.",
        "Write a template for an e-mail.",
        "请写一个邮件模板",
        "Fill in the blank.",
        "```\nx\n```",
    ],
)
def test_placeholders_are_meant_in_rows_about_code_and_templates(asked):
    assert found_in((asked, "Dear {customer_name}, TODO: see [Your Name]"))[1].is_empty()


def test_markers_of_chat_formats_are_never_meant():
    assert found_in(("Write a Python script.", "print(1)<|endoftext|>"))[1].height == 1


def test_stock_phrases_count_in_targets_only():
    rows, found = found_in(("As an AI language model, I am lost. [Your Name]", "Where do you want to go?"))
    assert found.is_empty()
    rows = frame([{"messages": "I'm sorry, but I can't log in.", "label": "login"}])
    assert find_template(rows, text.turns(rows)).is_empty()


def test_one_row_gives_one_finding_with_the_worst_score_and_little_of_the_text():
    _, found = found_in(("Hi {user_name}", "As an AI, I can't. " + "secret " * 50 + "\n[Your Name] </s> <|im_end|>"))
    assert found.height == 1
    assert found["score"][0] == 0.9
    assert found["note"][0] == "Holds a chat format's marker ('<|im_end|>') and a tokenizer's special token ('</s>')."


def test_no_rows_no_content_and_order():
    assert find_template(frame([]), text.turns(frame([]))).is_empty()
    rows = frame([{"messages": [{"role": "assistant", "content": None, "tool_calls": "[]"}]}])
    assert find_template(rows, text.turns(rows)).is_empty()
    rows, found = found_in(*[("hi", f"{n} </s>" if n % 3 else f"{n}") for n in range(30)])
    assert found["id"].to_list() == [one for n, one in enumerate(rows["id"]) if n % 3]
    assert found.equals(find_template(rows, text.turns(rows)))


@pytest.mark.parametrize(
    "bait", ["{{" * 40_000, "[your " * 20_000, "<your " * 20_000, "\n" * 100_000, "I am " * 30_000]
)
def test_long_bait_takes_linear_time(bait):
    start = time.process_time()
    found_in(("go", bait + "x"))
    assert time.process_time() - start < 3
