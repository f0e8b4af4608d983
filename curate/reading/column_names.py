"""The names that people give a column, part by part, in the languages of most public sets.

Only words that mean one thing: German ``Bewertung`` is a review or a rating, Portuguese ``data`` is a date, and both are
left to the person. A wrong guess costs more than none.
"""

from __future__ import annotations

import re
import unicodedata

# Best first: a subject or a year is taken where nothing better stands there. Compared as ``plain`` leaves them.
NAMES: dict[str, tuple[str, ...]] = {
    "text": (
        "text", "utterance", "sentence", "content", "body", "ticket", "message", "tweet", "review", "comment", "query",
        "question", "prompt", "input",
        "freitext", "nachricht", "inhalt", "kommentar", "anfrage", "frage", "texte", "phrase", "contenu", "commentaire",
        "requete", "texto", "mensaje", "frase", "contenido", "comentario", "resena", "consulta", "pregunta", "mensagem",
        "conteudo", "pergunta",
        "文本", "正文", "内容", "句子", "评论", "消息", "提问", "问题", "內容", "評論", "訊息", "問題",
        "テキスト", "本文", "文章", "メッセージ", "レビュー", "コメント", "お問い合わせ内容", "問い合わせ内容", "質問",
        "title", "titel", "betreff", "titre", "titulo", "asunto", "assunto", "标题", "標題", "タイトル", "件名",
    ),
    "label": (
        "label", "labels", "intent", "category", "class", "sentiment", "topic", "target", "tag", "answer", "gold",
        "goldlabel", "labelname", "labeltext", "finaldecision", "decision",
        "kategorie", "klasse", "etikett", "absicht", "stimmung", "categorie", "classe", "etiquette", "intention",
        "etiqueta", "categoria", "clase", "intencion", "sentimiento", "rotulo", "intencao", "sentimento", "thema", "theme",
        "tema", "antwort", "reponse", "respuesta", "resposta",
        "标签", "类别", "分类", "意图", "情感", "主题", "答案", "回答", "標籤", "類別", "分類", "意圖",
        "ラベル", "カテゴリ", "カテゴリー", "感情", "意図", "トピック", "答え",
        "rating",
    ),
    "group": (
        "group", "groupid", "userid", "user", "customerid", "customer", "conversationid", "conversation", "convid",
        "threadid", "sessionid", "session", "authorid", "author", "patientid", "repo", "repository", "documentid", "docid",
        "nutzer", "nutzerid", "benutzer", "benutzerid", "kunde", "kundenid", "kundennummer", "kundennr", "autor",
        "verfasser", "gesprach", "gesprachsid", "sitzung", "sitzungsid", "utilisateur", "idutilisateur", "idclient",
        "auteur", "usuario", "idusuario", "usuarioid", "cliente", "idcliente", "clienteid", "conversacion", "sesion",
        "utilizador", "conversa", "sessao",
        "用户", "用户id", "用户名", "客户", "客户id", "作者", "会话", "会话id", "对话id", "用戶", "使用者", "客戶",
        "ユーザー", "ユーザーid", "ユーザ", "ユーザid", "顧客", "顧客id", "会話id", "投稿者", "著者",
    ),
    "time": (
        "time", "timestamp", "createdat", "created", "date", "datetime", "createdtime", "publishedat",
        "zeitstempel", "zeitpunkt", "datum", "zeit", "erstelltam", "horodatage", "horodateur", "datecreation",
        "marcatemporal", "fecha", "fechahora", "fechacreacion", "carimbodedatahora", "datahora", "datacriacao",
        "时间戳", "时间", "日期", "创建时间", "发布时间", "時間", "日時", "日付", "作成日時", "投稿日時", "タイムスタンプ",
        "year", "jahr", "annee", "ano", "年份", "年",
    ),
    "annotator": (
        "annotator", "annotatorid", "annotatedby", "labeler", "labeller", "labelledby", "labeledby", "workerid",
        "worker", "agent", "agentid", "rater", "coder",
        "annotiertvon", "bearbeiter", "annotateur", "annotatrice", "anotador", "agente", "标注员", "标注者", "标注人",
        "アノテーター", "担当者",
    ),
    "split": ("split", "partition", "subset", "teilmenge", "particion", "particao", "划分"),
    "source": (
        "source", "dataset", "channel", "quelle", "kanal", "canal", "fuente", "fonte", "来源", "渠道", "來源", "出典",
        "情報源", "チャネル", "チャンネル",
    ),
    "license": ("license", "licence", "lizenz", "licencia", "licenca", "许可证", "許可證", "ライセンス"),
    "origin": ("origin", "generator", "teacher"),
}  # fmt: skip

LABEL_TAILS = ("label", "intent", "category", "decision", "class", "kategorie", "categorie", "categoria")
"""Ends of the names of labels: ``ticket_category``."""

PAIRS = (
    ("prompt", "completion"), ("prompt", "response"), ("prompt", "output"), ("question", "answer"), ("query", "response"),
    ("question", "response"), ("question", "groundtruth"), ("question", "solution"), ("problem", "solution"),
    ("input", "output"), ("input", "target"), ("instruction", "response"), ("source", "target"),
    ("frage", "antwort"), ("aufgabe", "losung"), ("eingabe", "ausgabe"), ("question", "reponse"), ("entree", "sortie"),
    ("pregunta", "respuesta"), ("entrada", "salida"), ("pergunta", "resposta"), ("entrada", "saida"),
    ("问题", "答案"), ("问题", "回答"), ("提问", "回答"), ("输入", "输出"), ("指令", "输出"), ("問題", "答案"),
    ("質問", "回答"), ("質問", "答え"), ("入力", "出力"), ("指示", "出力"),
)  # fmt: skip
"""What is asked and what is answered."""

TWO_TEXTS = (
    ("premise", "hypothesis"), ("sentence1", "sentence2"), ("sentencea", "sentenceb"), ("text1", "text2"), ("texta", "textb"),
    ("question1", "question2"),
)  # fmt: skip
"""Two texts that are judged together."""


def plain(name: str) -> str:
    """Return a column's name without case, accents, spaces and signs.

    >>> plain("Customer_ID"), plain("Catégorie"), plain("用户 ID")
    ('customerid', 'categorie', '用户id')
    """
    apart = unicodedata.normalize("NFKD", name.casefold())
    bare = "".join(c for c in apart if not "\u0300" <= c <= "\u036f")  # the accents of Latin letters, not of others
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", bare))
