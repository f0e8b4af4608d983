"""What assistants say of themselves and how they refuse, by language; patterns of Rust's regex, in linear time."""

from __future__ import annotations

OF_ITSELF = {
    "English": (
        r"\bas an? (?:AI|artificial intelligence|(?:large )?language model)(?: language)?"
        r"(?: model| assistant| chatbot)?,? I\b",
        r"\bas an? (?:AI language model|AI assistant|large language model|artificial intelligence),",
        r"\bI(?:['’]m| am) (?:just |only |merely )?an? "
        r"(?:AI language model|large language model|AI assistant|AI model)\b",
        r"\bmy (?:knowledge cutoff|training data)\b",
        r"\bas of my (?:last|latest|most recent) (?:knowledge )?update\b",
        r"\bI(?:['’]m| am| was)[^.\n]{0,60}(?:trained|created|developed|made) by OpenAI\b",
    ),
    "Spanish and Portuguese": (r"\bcomo (?:um? )?modelo de (?:lenguaje|linguagem)",),
    "French": (r"\ben tant qu(?:e modèle de langage|['’](?:IA|intelligence artificielle))",),
    "German": (r"\bals (?:ein )?(?:KI|künstliche Intelligenz)(?:-?(?:Sprachmodell|Modell|Assistent\w*))?[, ]",),
    "Italian": (r"\bin quanto modello linguistico",),
    "Russian": (r"(?:^|\P{L})как (?:языковая модель|искусственный интеллект|ИИ)(?:$|\P{L})",),
    "Chinese": (
        r"作为(?:一个|一名|一款|一种)?(?:AI|人工智能|大型?语言模型|语言模型)",
        r"我(?:只)?是(?:一个|一名|一款)?(?:AI|人工智能)(?:语言模型|助手|模型|程序)",
    ),
    "Japanese": (r"(?:AI|人工知能|言語モデル)(?:アシスタント|言語モデル|モデル)?(?:として|なので|であるため)",),
    "Korean": (r"AI ?언어 ?모델",),
    "Arabic": (r"(?:كنموذج|بصفتي نموذج|باعتباري نموذج) ?(?:لغ|ذكاء)",),
}
"""Language to patterns of a phrase in which a model names itself."""

_CANNOT = r"(?:can['’]?t|can ?not|am (?:not able|unable)|['’]m (?:not able|unable))"

REFUSALS = {
    "English": (
        rf"(?:oh,? )?(?:I['’]m|I am) (?:very |so |really )?sorry,? (?:but )?(?:as an AI|I ?{_CANNOT})",
        rf"(?:sorry|apologies|I apologi[sz]e),? but I ?{_CANNOT}",
        r"I (?:cannot|can['’]t) (?:assist|help|fulfill|comply|provide|create|generate|engage)\b",
    ),
    "Spanish": (r"lo siento,? pero no puedo",),
    "French": (r"je suis désolée?,? mais je ne peux",),
    "German": (r"es tut mir leid,? aber ich kann",),
    "Portuguese": (r"desculpe,? mas (?:eu )?não posso",),
    "Italian": (r"mi dispiace,? ma non posso",),
    "Russian": (r"(?:извините|к сожалению),? (?:но )?я не могу",),
    "Chinese": (
        r"(?:很|非常|十分)?(?:抱歉|对不起|對不起|不好意思)[，,。！!]?(?:但|但是|不过)?(?:我|作为|目前)[^。\n]{0,12}"
        r"(?:无法|不能|無法|没有能力|没有办法|没办法)",
    ),
    "Japanese": (r"申し訳(?:ありません|ございません)が、?[^。\n]{0,30}(?:できません|できかねます)",),
    "Korean": (r"죄송하지만[^.\n]{0,40}(?:수 없|못합|못해)",),
    "Arabic": (r"(?:عذر[اً]+|آسف|أعتذر)،? ?(?:و?لكن|لا) ?(?:لا )?(?:أستطيع|يمكنني)",),
}
"""Language to patterns of a refusal, as it opens a reply."""


def any_of(phrases: dict[str, tuple[str, ...]]) -> str:
    """Return one pattern, blind to case, for all phrases of all languages."""
    return "(?i:" + "|".join(pattern for patterns in phrases.values() for pattern in patterns) + ")"
