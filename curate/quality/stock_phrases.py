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

_CANNOT = (
    r"(?:can['’]?t|can ?not|(?:am|['’]m) (?:currently |afraid )?(?:not able|unable)|(?:won['’]?t|will not) be able|"
    r"do(?:n['’]t| not) have the (?:ability|capability|capacity)|must (?:respectfully |politely )?(?:decline|refuse))"
)
# What is refused, where no word of regret stands before it: "I can't help but laugh" and "I can't do this any more" are none.
_SERVICE = (
    r"(?:help[.,!]|(?:assist|fulfil|fulfill|comply|provide|create|generate|engage|participate|help (?:you|with|out)|"
    r"(?:answer|support|discuss|honou?r|process) (?:this|that|your|such)|(?:go ahead|continue) with)\b)"
)
_SORRY = r"(?:(?:I['’]m|I am) )?(?:very |so |really |truly |terribly )?(?:sorry|afraid)"

REFUSALS = {
    "English": (
        rf"(?:oh,? )?{_SORRY}(?: about that)?[,.;:!]? ?(?:but |that )?(?:as an AI|I ?{_CANNOT})",
        rf"(?:(?:my )?apologies|I apologi[sz]e)[,.;:!]? (?:but |that )?I ?{_CANNOT}",
        rf"(?:(?:unfortunately|regrettably|as an AI[^,.\n]{{0,30}}),? )?"
        rf"I ?(?:{_CANNOT}(?: to)?|(?:won['’]?t|will not)) {_SERVICE}",
        r"I(?:['’]m| am) not (?:allowed|permitted|able|comfortable|willing|going) (?:to |with )?(?:assist|help|provid)",
        r"I must (?:respectfully |politely )?(?:decline|refuse) (?:this|that|your|to (?:assist|help|answer|provide))",
    ),
    "Spanish": (
        r"(?:lo siento(?: mucho)?|lo lamento|disculp[ae]|perdón|perdon[ae]|me temo que)[,.;]? ?(?:pero )?"
        r"no (?:puedo|podré|me es posible|estoy autorizad)",
        r"(?:(?:lamentablemente|desafortunadamente|por desgracia),? )?no puedo "
        r"(?:ayudar(?:te|le|los)?|asistir(?:te|le)?|cumplir|responder a (?:esa|esta|tu|su)|atender|proporcionar)",
    ),
    "French": (
        r"(?:je suis )?(?:vraiment |sincèrement |profondément )?désolée?[,.;]? ?(?:mais )?"
        r"(?:je ne (?:peux|puis|pourrai|suis pas en mesure)|il m['’]est impossible)",
        r"(?:(?:malheureusement|je regrette),? (?:mais )?)?je ne (?:peux|suis) pas (?:en mesure de |vous |t['’])*"
        r"(?:aider|assister|répondre à (?:cette|votre|ta)|fournir|satisfaire)",
    ),
    "German": (
        r"es tut mir leid,? aber ich kann",
        r"(?:es )?tut mir (?:sehr |wirklich )?leid[,.!;]? ?(?:aber )?(?:\p{L}+ ){0,3}(?:kann|darf) ich[^.\n]{0,60}(?:nicht|kein)",
        r"(?:es )?tut mir (?:sehr |wirklich )?leid[,.!;]? ?(?:aber )?ich (?:kann|darf)[^.\n]{0,60}(?:nicht|kein)",
        r"(?:leider|entschuldigung,?(?: aber)?|dabei|damit|hierbei|das|diese\p{L}? \p{L}+)(?: \p{L}+){0,2} kann ich"
        r"[^.\n]{0,40}nicht (?:weiter)?(?:helfen|behilflich|beantworten|nachkommen|erfüllen|unterstützen)",
        r"ich kann[^.\n]{0,40}nicht (?:weiterhelfen|behilflich sein|nachkommen|dabei helfen|damit helfen)",
        r"ich kann (?:dir|ihnen|euch)?[^.\n]{0,12}(?:dabei|damit|hierbei)(?: leider)? nicht helfen",
    ),
    "Portuguese": (
        r"(?:desculpe|desculpa|me desculpe|lamento|sinto muito|peço desculpas?)[,.;]? ?(?:mas )?(?:eu )?"
        r"não (?:posso|consigo|poderei|sou capaz|me é possível)",
        r"(?:infelizmente,? )?(?:eu )?não posso (?:te |lhe |o )?"
        r"(?:ajudar|ajudá|atender|cumprir|fornecer|responder a (?:essa|esta|sua))",
    ),
    "Italian": (
        r"(?:mi (?:di)?spiace|(?:sono )?spiacente|scusa|scusi)(?: molto)?[,.;]? ?(?:ma )?"
        r"non (?:posso|potrò|sono in grado|mi è possibile)",
        r"(?:(?:purtroppo|sfortunatamente),? )?non (?:posso|sono in grado di) "
        r"(?:aiutar|assister|fornir|soddisfare|rispondere a (?:questa|questo|tale))",
    ),
    "Russian": (
        r"(?:извините|простите|прошу прощения|мне (?:очень )?жаль|сожалею|к сожалению),? "
        r"(?:но )?(?:\p{L}+ ){0,2}?не (?:могу|смогу)",
        r"я не (?:могу|смогу) (?:вам |тебе |с этим |в этом )*(?:помочь|выполнить эт|ответить на (?:этот|ваш)|предоставить)",
    ),
    "Chinese": (
        r"(?:很|非常|十分|真的)?(?:抱歉|对不起|對不起|不好意思)[，,。！!]?(?:但|但是|不过|这个(?:问题|请求|要求))?(?:我|作为|目前|恕)"
        r"[^。\n]{0,12}(?:无法|不能|無法|没有能力|没有办法|没办法|帮不了|帮不上)",
        r"(?:恕)?我?(?:无法|不能|無法)(?:协助您?你?|協助您?你?|帮助[您你]|帮[您你]|满足[您你这该此]|回答(?:这|该|此|[您你]的)|提供(?:这|该|此)(?:类|样|种)?)",
    ),
    "Japanese": (
        r"(?:大変)?(?:申し訳(?:ありません|ございません|ない(?:です|の(?:です)?))|すみません|ごめんなさい|恐れ入ります|恐縮です)"
        r"(?:が|けど)?[、。,]?[^。\n]{0,30}(?:できません|できかねます|いたしかねます|応じられません)",
        r"(?:残念ながら、?)?[こそ]の(?:ご)?(?:要求|要望|リクエスト|質問|依頼)に(?:は|ついては)?(?:お)?(?:応え|答え|対応|応じ|回答)[^。\n]{0,8}(?:ません|かねます)",
    ),
    "Korean": (
        r"(?:죄송하지만|죄송합니다만?[.,]?|미안하지만|미안합니다[.,]?)[^.\n]{0,40}(?:수 없|수가 없|못합|못해|기 어렵)",
    ),
    "Arabic": (
        r"(?:عذر[اً]+|(?:أنا )?آسفة?|أعتذر|معذرة)[،,.]? ?(?:و?لكن(?:ني|ي|نا)? ?)?(?:لا|لن) (?:أستطيع|يمكنني|أتمكن|أقدر)",
        r"(?:للأسف[،,]? ?)?لا (?:أستطيع|يمكنني) (?:مساعد|الإجابة|تقديم|تلبية)",
    ),
    "Dutch": (
        r"(?:het spijt me|sorry)[,.;]? ?(?:maar )?(?:ik kan|(?:daar|hier|dat|daarbij|daarmee|hierbij|hiermee) kan ik)"
        r"[^.\n]{0,40}(?:niet|geen)",
    ),
    "Polish": (r"(?:przykro mi|przepraszam)[,.;]? ?(?:ale )?(?:\p{L}+ ){0,2}?nie (?:mogę|jestem w stanie)",),
    "Turkish": (
        r"(?:üzgünüm|maalesef|özür dilerim)[,.;]? ?(?:ama |ancak |fakat )?[^.\n]{0,40}"
        r"(?:yardımcı ola(?:mam|mıyorum|mayacağım)|yardım edem(?:em|iyorum))",
    ),
    "Hindi": (
        r"(?:क्षमा करें|मुझे (?:खेद|अफ़सोस|अफसोस) है|माफ़? ?(?:करें|कीजिए|कीजिएगा))[,।]? ?(?:लेकिन |परंतु |पर |कि )?मैं[^।\n]{0,60}"
        r"(?:नहीं कर सकत|नहीं दे सकत|असमर्थ)",
    ),
    "Vietnamese": (r"(?:(?:tôi )?(?:rất )?xin lỗi|rất tiếc)[,.;]? ?(?:nhưng )?tôi không thể",),
    "Indonesian": (r"(?:mohon )?maaf[,.;]? ?(?:tetapi |tapi |namun )?saya tidak (?:dapat|bisa|mampu)",),
}
"""Language to patterns of a refusal, as it opens a reply."""


def any_of(phrases: dict[str, tuple[str, ...]]) -> str:
    """Return one pattern, blind to case, for all phrases of all languages."""
    return "(?i:" + "|".join(pattern for patterns in phrases.values() for pattern in patterns) + ")"
