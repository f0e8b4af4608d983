"""What the words beside a number say that it is: a number by itself may be an order, a date or a telephone.

The nearest word decides. A word in brackets stands in the place of something that was masked, and speaks of that.
"""

from __future__ import annotations

import re

_BEFORE, _AFTER = 48, 28  # characters that are looked at

_SOCIAL = (
    r"ssns?|s\.s\.n|social[ -]?sec\w*|soc(?:ial)?\.? ?sec\w*|socials?(?= ?(?:number|num|no|#|is|:|-|in|\())|"
    r"(?:my|his|her|your) socials?|ss ?#|ss ?n(?:o|um)\b|seguro social|itin|taxpayer id\w*"
)
_ACCOUNT = (
    "accounts?|acct|acc|savings|checking|routing|card|credit|debit|orders?|phone|mobile|tel|case|ticket|reference|ref"
)
_SSN = re.compile(rf"(?i)(?<![\[a-z])(?:(?P<social>{_SOCIAL})|(?:{_ACCOUNT})(?![a-z]))")
_SSN_AFTER = re.compile(
    rf"(?i)[ ,.;\-]{{0,3}}(?:(?:is|was|=|as|for|on)\b ?(?:my|the|his|her|a|your)? ?|\( ?(?:my |us )?)(?:{_SOCIAL}|social)"
)

_CARD = re.compile(
    r"(?i)(?<![\[a-z])(?:card|visa|master ?card|maestro|discover|diners|jcb|unionpay|credit|debit|karte|carte|tarjeta|"
    r"cc\b|карт|卡)"
)

_OWN_NUMBER = (
    r"(?:my|your|his|her|our|their|the|contact|new|home|work|office|emergency) (?:number|no|nr|num|#)(?! of)|"
    r"(?:contact|text)(?=:| ?(?:me|us|him|her|them|at|to|on|via|info|details|is)\b)"
)
_PHONE = (
    r"(?:tele)?phones?|telef[oó]n\w*|tel[eé]fonos?|t[eé]l[eé]phones?|telefoon|telefone|tel|t[eé]l|tlf|ph|mob|fax|"
    r"cell(?:ular|phone)?s?|mobiles?|mobil\w*|m[oó]vil|celular|portable|handy\w*|pager|landline|festnetz\w*|"
    r"whats ?app|telegram|viber|sms|call(?:ed|ing|back)?|dial(?:ed|ing)?|ring|rang|ruf\w*|anruf\w*|appel\w*|"
    r"ll[aá]m\w*|chiama\w*|reach(?:ed|able)?|hotline|helpline|toll[- ]?free|voicemail|"
    r"тел\w*|моб\w*|звон\w*|هاتف|جوال|اتصل|फ़?ोन"
)
_PHONE_UNSPACED = "电话|手机|致电|拨打|联系|電話|携帯|전화|핸드폰|휴대폰|연락처"
_OTHER = (
    r"orders?|bestell\w*|rechnung\w*|kunden\w*|commandes?|pedidos?|tickets?|cases?|ref(?:erence)?s?|invoices?|"
    r"accounts?|acct|acc|konto\w*|compte|cuenta|tracking|shipment|parcel|package|confirmation|booking|reservation|"
    r"isbn\w*|issn|doi|id|ids|uuid|guid|code|codes|pin|otp|serial|sku|model|part|item|product|batch|lot|vin|imei|"
    r"iccid|ean|upc|gtin|barcode|asin|routing|sort|aba|swift|bic|iban|card|visa|licen[cs]e|passport|policy|claim|"
    r"member\w*|customer|employee|student|patient|transaction|txn|receipt|voucher|coupon|version|build|commit|sha\d*|"
    r"md5|hash|dates?|time|timestamp|epoch|unix|year|lat\w*|lon\w*|gps|coordinates?|price|total|amount|sum|usd|eur|gbp|"
    r"\$|€|£|population|flight|zip|postal|plz|siren|siret|nif|nip|vat|ustid\w*|tax|ssn|social|pid|port|row|line|block|"
    r"pages?|pp|vol|volume|no\. of"
)
_OTHER_UNSPACED = "订单|单号|编号|注文"
_WORD = re.compile(
    rf"(?i)(?<![\[\w])(?:(?P<phone>{_PHONE}|{_OWN_NUMBER}|[tmpf](?=[.:]))|(?P<other>{_OTHER}))(?![^\W\d_])"
    rf"|(?P<phone_unspaced>{_PHONE_UNSPACED})|(?P<other_unspaced>{_OTHER_UNSPACED})"
)
_PHONE_AFTER = re.compile(
    r"(?i)[ ,.;)\-(]{0,3}(?:is |are |was |= ?|- ?|\()?(?:on )?(?:my|the|our|his|her|a|its)? ?"
    r"(?:(?:new|old|home|work|office|direct|personal) )?"
    r"(?:phones?|tele\w+|cell\w*|mobile|mobil|tel|fax|handy|landline|whats ?app|voicemail|ext\b|x\d)"
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def says_ssn(text: str, start: int, end: int) -> bool:
    """Say whether the words beside a number speak of social security.

    >>> text = "account 219099999 and ssn 524456789"
    >>> says_ssn(text, 8, 17), says_ssn(text, 26, 35)
    (False, True)
    """
    if _SSN_AFTER.match(text, end, end + _AFTER):
        return True
    last = _last(_SSN, text, start)
    return last is not None and last["social"] is not None


def says_card(text: str, start: int, end: int) -> bool:
    """Say whether the words beside a number speak of a payment card."""
    return bool(_CARD.search(text, max(start - _BEFORE, 0), start) or _CARD.search(text, end, end + _AFTER))


def says_phone(text: str, start: int, end: int) -> bool:
    """Say whether the words beside a number speak of a telephone.

    >>> says_phone("call about order 2125550187", 17, 27), says_phone("my order; call 2125550187", 15, 25)
    (False, True)
    """
    if _PHONE_AFTER.match(text, end, end + _AFTER):
        return True
    last = _last(_WORD, text, start)
    return last is not None and (last["phone"] or last["phone_unspaced"]) is not None


def says_other(text: str, at: int) -> bool:
    """Say whether the word right before a number says that it is something else: an order, a policy, a tax id."""
    last = _last(_WORD, text, at)
    return last is not None and last["other"] is not None and last.end() >= len(last.string.rstrip(" :#.(=\"'"))


def _last(words: re.Pattern[str], text: str, start: int) -> re.Match[str] | None:
    # phoneNumber and phone_number are two words each
    before = _CAMEL.sub(" ", text[max(start - _BEFORE, 0) : start]).replace("_", " ")
    return max(words.finditer(before), key=re.Match.start, default=None)
