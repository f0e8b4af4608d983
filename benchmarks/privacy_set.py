"""Texts with planted personal data and secrets, and texts with what only looks like them: the test set of the finders.

Values are made from the standards (registries of card networks, SWIFT's of IBANs, numbering plans, the services' own pages), and
written as people and programs write them; nothing here is taken from the finders. Seeded: the same seed gives the same texts.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import random
import string
import uuid
from typing import NamedTuple

KINDS = ("email", "card", "iban", "ssn", "phone", "ip", "secret", "private_key", "url_credentials")


class Sample(NamedTuple):
    text: str
    planted: tuple[tuple[str, int, int], ...]  # kind, start, end
    about: str  # of what form a positive is, or what a negative is


FIRST = "ann bob carla dmitri eva farid giulia hans ines jürgen kenji li maria noor o'brien paula quentin ravi søren tomasz".split()
LAST = "lee smith garcía müller kowalski tanaka wang okafor novák o'neill silva petrov haddad van.dijk mcdonald de-la-cruz".split()
DOMAINS = (
    "gmail.com yahoo.co.uk outlook.de 163.com qq.com mail.firma-nord.de web.de orange.fr uni-bonn.de nhs.uk acme.io startup.ai corp.local "
    "shop.online museum.museum sub.team.company.com.au bücher.example пример.рф xn--bcher-kva.ch proton.me x.org 4chan.org t-online.de"
).split()
WORDS = (
    "the a we you order refund please thanks delivery account status late box my is for when not yet again kindly team support "
    "issue broken parcel help today tomorrow never"
).split()


def words(rng: random.Random, low=3, high=9) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(low, high)))


def digits(rng, count) -> str:
    return "".join(rng.choice(string.digits) for _ in range(count))


def of(rng, alphabet, count) -> str:
    return "".join(rng.choice(alphabet) for _ in range(count))


BASE62 = string.ascii_letters + string.digits
BASE64URL = BASE62 + "-_"
HEX = "0123456789abcdef"


# ---- values


def email(rng) -> str:
    first, last = rng.choice(FIRST), rng.choice(LAST)
    local = rng.choice([
        f"{first}.{last}", f"{first[0]}.{last}", f"{first}_{last}", f"{first}{digits(rng, 3)}", f"{first}+news", f"{first}-{last}",
        f"{first}.{last}{digits(rng, 2)}", "info", "no-reply", f"{last}", f"{first[0]}{last[0]}", f"{digits(rng, 9)}", f"{first}.x.{last}",
        f"{first}+{last}.{digits(rng, 4)}", f"{first.upper()}.{last.upper()}",
    ])  # fmt: skip
    domain = rng.choice(DOMAINS)
    return f"{local}@{domain.upper() if rng.random() < 0.05 else domain}"


CARDS = [  # how it begins, how long it is; weights as such cards are in use
    (["4"], 16, 30), (["51", "52", "53", "54", "55", "2221", "2500", "2720"], 16, 25), (["34", "37"], 15, 15),
    (["6011", "644", "649", "65"], 16, 8), (["300", "305", "36", "38"], 14, 5), (["3528", "3589"], 16, 4), (["62"], 16, 4), (["62"], 19, 4),
    (["5018", "5020", "5038", "6304", "6759", "6761"], 16, 3), (["2200", "2204"], 16, 2), (["508", "6521", "82"], 16, 2),
]  # fmt: skip


def check_digit(body: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit)
        if place % 2 == 0:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return str(-total % 10)


def card(rng) -> str:
    prefixes, length, _ = rng.choices(CARDS, [weight for *_, weight in CARDS])[0]
    prefix = rng.choice(prefixes)
    body = prefix + digits(rng, length - 1 - len(prefix))
    return body + check_digit(body)


def card_written(rng) -> str:
    number = card(rng)
    groups = {14: (4, 6, 4), 15: (4, 6, 5), 16: (4, 4, 4, 4), 19: (4, 4, 4, 4, 3)}[len(number)]
    sign = rng.choice(["", "", " ", " ", " ", "-", "-", "\u00a0", "."])
    if len(number) == 19 and rng.random() < 0.4:
        groups, sign = (6, 13), sign if sign in " \u00a0" else ""
    parts, at = [], 0
    for size in groups:
        parts.append(number[at : at + size])
        at += size
    return sign.join(parts)


# n digit, a capital, c either: the structure of the account in SWIFT's registry
IBANS = {
    "DE": "18n", "FR": "10n11c2n", "GB": "4a14n", "NL": "4a10n", "ES": "20n", "IT": "1a10n12c", "CH": "5n12c", "AT": "16n", "BE": "12n",
    "PL": "24n", "SE": "20n", "NO": "11n", "DK": "14n", "FI": "14n", "PT": "21n", "IE": "4a14n", "CZ": "20n", "HU": "24n", "RO": "4a16c",
    "GR": "7n16c", "TR": "5n1n16c", "SA": "2n18c", "AE": "3n16n", "IL": "19n", "BR": "23n1a1c", "MT": "4a5n18c", "LU": "3n13c", "CY": "8n16c",
    "UA": "6n19c", "PK": "4a16c", "QA": "4a21c", "LC": "4a24c", "KW": "4a22c", "BG": "4a6n8c", "IS": "22n", "EE": "16n", "LV": "4a13c",
}  # fmt: skip


def account_of(rng, shape: str) -> str:
    out, count = "", ""
    for sign in shape:
        if sign.isdigit():
            count += sign
            continue
        alphabet = {"n": string.digits, "a": string.ascii_uppercase, "c": string.digits + string.ascii_uppercase}[sign]
        out, count = out + of(rng, alphabet, int(count)), ""
    return out


def iban(rng) -> str:
    country = rng.choice(list(IBANS))
    account = account_of(rng, IBANS[country])
    number = "".join(str(string.digits.find(c)) if c.isdigit() else str(ord(c) - 55) for c in account + country + "00")
    return f"{country}{98 - int(number) % 97:02d}{account}"


def iban_written(rng) -> str:
    value = iban(rng)
    fours = [value[at : at + 4] for at in range(0, len(value), 4)]
    return rng.choice([value, value, " ".join(fours), " ".join(fours), "-".join(fours), "\u00a0".join(fours), value.lower(), " ".join(fours).lower()])


def ssn_parts(rng) -> tuple[str, str, str]:
    area = rng.choice([number for number in range(1, 900) if number != 666])
    return f"{area:03d}", f"{rng.randint(1, 99):02d}", f"{rng.randint(1, 9999):04d}"


def ssn_told(rng) -> tuple[str, str, str]:
    """Before, value, behind: with dashes anywhere, in other forms where somebody says what it is."""
    a, b, c = ssn_parts(rng)
    if rng.random() < 0.5:
        before, behind = rng.choice([("", ""), (words(rng) + " ", " " + words(rng)), ("SSN: ", ""), ("(", ")"), ("my social is ", "."), ("", ",")])
        return before, f"{a}{rng.choice('---‑–')}{b}-{c}".replace("‑", "-").replace("–", "-"), behind
    value = rng.choice([f"{a} {b} {c}", f"{a}{b}{c}", f"{a}{b}{c}", f"{a}.{b}.{c}", f"{a}–{b}–{c}"])
    before, behind = rng.choice([
        ("SSN ", ""), ("ssn: ", ", please check"), ("my social security number is ", "."), ("Social Security #: ", " and my dob"),
        ('{"ssn": "', '"}'), ('"social_security_number":"', '"'), ("socialSecurityNumber=", "&x=1"), ("my social is ", " thanks"),
        ("número de seguro social: ", ""), ("SS# ", ""), ("| SSN | ", " |"), ("soc sec no. ", ""), ("here is my SSN (", ")"), ("", " is my ssn"),
    ])  # fmt: skip
    return before, value, behind


PHONES = {  # country: what it is called abroad, then forms at home ('#' any digit, '@' 2 to 9, '%' 1 to 9); a star: only with a word beside
    "US": ("+1", ["(@##) @##-####", "@##-@##-####", "@##.@##.####", "1-@##-@##-####", "1 (@##) @##-####", "*@## @## ####", "*@##@######", "*@##-####",
                  "(@##)@##-####", "@## @##-####", "*1@##@######"], "@##@######", ["@##-@##-####", "@## @## ####", " (@##) @##-####", "@##@######", ".@##.@##.####"]),
    "UK": ("+44", ["020 7### ####", "07### ######", "07### ### ###", "0161 ### ####", "01632 ######", "(020) 7### ####", "0800 ### ####", "*07#########", "(01632) ######"],
           "7#########", [" 20 7### ####", " 7### ######", "7#########", " (0)20 7### ####", "-161-###-####"]),
    "DE": ("+49", ["030 %######", "0170 #######", "0171/#######", "(030) %#######", "089/%######", "0221-%######", "040 %## ## ##", "03361 %#####", "*0151########", "0%## %#####-##"],
           "170#######", [" 30 %######", " 170 #######", "170#######", " (0)170 #######", " (0) 89 %#######", "-30-%######", "/170/#######"]),
    "FR": ("+33", ["01 ## ## ## ##", "06.##.##.##.##", "06-##-##-##-##", "*06########", "04 ## ## ## ##"], "6########", [" 6 ## ## ## ##", "6########", " (0)1 ## ## ## ##", ".6.##.##.##.##"]),
    "ES": ("+34", ["*6## ### ###", "*91# ## ## ##", "*6########"], "6########", [" 6## ### ###", " 91 ### ## ##", "6########"]),
    "IT": ("+39", ["06 %### ####", "02-%#######", "*3## #######", "*3#########", "*3## ### ####"], "3#########", [" 06 %### ####", " 3## #######", "3#########"]),
    "NL": ("+31", ["06-########", "020-%######", "06 ########", "*06########", "010 %## ## ##"], "6########", [" 6 ########", "6########", " 20 ### ####"]),
    "CH": ("+41", ["044 %## ## ##", "079 %## ## ##", "*079#######"], "79#######", [" 44 %## ## ##", " 79 ### ## ##", " (0)79 ### ## ##"]),
    "SE": ("+46", ["070-### ## ##", "08-%## ### ##", "*070#######"], "70#######", [" 70 ### ## ##", "70#######", " 8 ### ### ##"]),
    "PL": ("+48", ["*5## ### ###", "*22 %## ## ##"], "5########", [" 5## ### ###", "5########", " 22 %## ## ##"]),
    "IN": ("+91", ["*9#### #####", "*9#########", "022-%#######", "*0%#########"], "9#########", [" 9#### #####", "9#########", "-9#########", " 22 %### ####"]),
    "CN": ("+86", ["138 #### ####", "139-####-####", "*13%########", "010-%#######", "*186########"], "13%########", [" 138 #### ####", "13%########", "-138-####-####", " 10 %### ####"]),
    "JP": ("+81", ["03-%###-####", "090-%###-####", "*090########", "06-6###-####", "0120-###-###"], "90########", [" 90-%###-####", "-3-%###-####", "90########"]),
    "KR": ("+82", ["010-%###-####", "02-%##-####", "*010%#######", "031-%##-####"], "10########", [" 10-%###-####", "-2-%##-####", "10########"]),
    "BR": ("+55", ["(11) 9%###-####", "(21) %###-####", "*119%#######"], "119%#######", [" 11 9%###-####", " (11) 9%###-####", "119%#######"]),
    "AU": ("+61", ["0412 ### ###", "(02) 9### ####", "*04########", "02 9### ####"], "4########", [" 4## ### ###", " 2 9### ####", "4########"]),
    "RU": ("+7", ["8 (9##) ###-##-##", "8-9##-###-##-##", "*89#########", "*(495) ###-##-##"], "9#########", [" 9## ###-##-##", " (495) ###-##-##", "9#########"]),
    "MX": ("+52", ["*55 %### ####"], "55%#######", [" 55 %### ####", "55%#######"]),
    "ZA": ("+27", ["082 ### ####", "(011) %## ####"], "82#######", [" 82 ### ####", "82#######"]),
    "IL": ("+972", ["03-%######", "052-#######", "*052#######"], "52#######", ["-52-#######", " 3 %## ####", "52#######"]),
    "TR": ("+90", ["0532 ### ## ##", "(0212) %## ## ##"], "532#######", [" 532 ### ## ##", " (212) %## ## ##", "532#######"]),
    "AE": ("+971", ["050 ### ####", "04 %## ####"], "50#######", [" 50 ### ####", "50#######"]),
}  # fmt: skip


def filled(rng, form: str) -> str:
    return "".join(rng.choice({"#": string.digits, "@": "23456789", "%": "123456789"}[c]) if c in "#@%" else c for c in form)


SPOKEN = [
    ("call me at ", "."), ("Tel.: ", ""), ("phone: ", ", thanks"), ("my number is ", " by the way"), ("mobile ", ""), ("WhatsApp: ", "!"),
    ("you can reach me on ", " after 5 pm"), ('{"phone": "', '"}'), ('"phone_number":"', '","x":1'), ('"mobileNumber": "', '"'), ("fax ", ""),
    ("Téléphone : ", ""), ("Telefon ", " oder Mail"), ("teléfono ", ""), ("手机", "，谢谢"), ("电话：", "。"), ("電話 ", ""), ("тел. ", ""),
    ("Please ring ", " tomorrow"), ("contact number ", ""), ("cell: ", ""), ("T: ", " | web"), ("", " is my cell"), ("text me at ", ""),
    ("| phone | ", " |"), ("Handynummer: ", ""), ("celular: ", ""), ("dial ", " for help"), ("전화 ", ""),
]  # fmt: skip


def phone_told(rng) -> tuple[str, str, str]:
    code, home, _, abroad = PHONES[rng.choice(list(PHONES))]
    if rng.random() < 0.5:
        form = rng.choice(abroad)
        lead = rng.choice([code, code, code, code, f"00{code[1:]}" if form[0] in " -." else code, f"({code})" if form.startswith(" ") else code])
        value = lead + filled(rng, form)
        before, behind = rng.choice([*SPOKEN, (words(rng) + " ", " " + words(rng)), ("(", ")"), ("", ""), ("[call](tel:", ")") if " " not in value else ("", "")])
        return before, value, behind
    form = rng.choice(home)
    value = filled(rng, form.lstrip("*"))
    if form[0] == "*":
        before, behind = rng.choice(SPOKEN)
    else:
        before, behind = rng.choice([*SPOKEN, (words(rng) + " ", " " + words(rng)), ("", ""), ("Ann Lee, ", ", Berlin"), ("or ", "?")])
    return before, value, behind


def public_ip(rng) -> str:
    while True:
        value = ipaddress.IPv4Address(rng.getrandbits(32))
        if value.is_global and not value.is_multicast and not value.is_reserved:
            return str(value)


SERVICES = [
    lambda r: "AKIA" + of(r, string.ascii_uppercase + "234567", 16), lambda r: "ASIA" + of(r, string.ascii_uppercase + "234567", 16),
    lambda r: "ghp_" + of(r, BASE62, 36), lambda r: "gho_" + of(r, BASE62, 36), lambda r: f"github_pat_{of(r, BASE62, 22)}_{of(r, BASE62, 59)}",
    lambda r: "glpat-" + of(r, BASE64URL, 20), lambda r: "sk-" + of(r, BASE62, 48), lambda r: "sk-proj-" + of(r, BASE64URL, 74),
    lambda r: "sk-ant-api03-" + of(r, BASE64URL, 93) + "AA", lambda r: "AIza" + of(r, BASE64URL, 35), lambda r: "GOCSPX-" + of(r, BASE64URL, 28),
    lambda r: "hf_" + of(r, string.ascii_letters, 34), lambda r: "xoxb-" + "-".join((digits(r, 12), digits(r, 13), of(r, BASE62, 24))),
    lambda r: "xoxp-" + "-".join((digits(r, 11), digits(r, 11), digits(r, 12), of(r, HEX, 32))), lambda r: "sk_live_" + of(r, BASE62, 24),
    lambda r: "rk_live_" + of(r, BASE62, 24), lambda r: "sk_test_51" + of(r, BASE62, 97), lambda r: "whsec_" + of(r, BASE62, 32),
    lambda r: "npm_" + of(r, BASE62, 36), lambda r: "pypi-AgEIcHlwaS5vcmc" + of(r, BASE64URL, 150), lambda r: f"SG.{of(r, BASE64URL, 22)}.{of(r, BASE64URL, 43)}",
    lambda r: "dop_v1_" + of(r, HEX, 64), lambda r: "shpat_" + of(r, HEX, 32), lambda r: "dapi" + of(r, HEX, 32), lambda r: "key-" + of(r, HEX, 32),
    lambda r: of(r, HEX, 32) + "-us" + str(r.randint(1, 21)), lambda r: "SK" + of(r, HEX, 32), lambda r: "hvs." + of(r, BASE64URL, 90),
    lambda r: "PMAK-" + of(r, HEX, 24) + "-" + of(r, HEX, 34), lambda r: "lin_api_" + of(r, BASE62, 40), lambda r: "gsk_" + of(r, BASE62, 52),
    lambda r: "r8_" + of(r, BASE62, 37), lambda r: "sq0atp-" + of(r, BASE64URL, 22), lambda r: f"{digits(r, 10)}:AA{of(r, BASE64URL, 33)}",
    lambda r: "glsa_" + of(r, BASE62, 32) + "_" + of(r, HEX, 8), lambda r: "sbp_" + of(r, HEX, 40), lambda r: "figd_" + of(r, BASE64URL, 40),
    lambda r: ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (
        b'{"alg":"HS256","typ":"JWT"}', json.dumps({"sub": digits(r, 10), "iat": 1516239022}).encode(), r.randbytes(32))),
]  # fmt: skip


def private_key(rng) -> str:
    what = rng.choice(["RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "DSA PRIVATE KEY", "PGP PRIVATE KEY BLOCK"])
    coded = base64.b64encode(rng.randbytes(rng.choice([48, 121, 400, 1190, 2350]))).decode()
    lines = [coded[at : at + 64] for at in range(0, len(coded), 64)]
    if what.startswith("PGP"):
        lines = ["Version: GnuPG v2", "", *lines, "=" + of(rng, BASE62, 4)]
    elif what.startswith("RSA") and rng.random() < 0.3:
        lines = ["Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-128-CBC," + of(rng, "0123456789ABCDEF", 32), "", *lines]
    text = "\n".join([f"-----BEGIN {what}-----", *lines, f"-----END {what}-----"])
    how = rng.randrange(7)
    if how == 1:
        return text.replace("\n", "\\n")  # inside of JSON
    if how == 2:
        return text.replace("\n", "\r\n")
    if how == 3:
        return text.replace("\n", "\n    ")  # YAML
    if how == 4:
        return text.replace("\n", "\n> ")  # quoted in a mail
    if how == 5 and len(lines) > 2 and not what.startswith("PGP"):
        return text[: rng.randint(len(text) // 2, len(text) - 45)].rstrip()  # cut off
    return text


def url(rng) -> str:
    scheme = rng.choice("postgres postgresql mysql mongodb mongodb+srv redis amqp https http ftp sftp smtp ssh rabbitmq ldap jdbc:mysql clickhouse".split())
    name = rng.choice(["admin", "root", "user", "app_rw", "ann.lee", "svc-deploy", "", "elastic", "ann%40firma.de"] if scheme != "https" else ["oauth2", "ci-bot", "ann", "x-access-token"])
    password = rng.choice([
        of(rng, BASE62, 12), of(rng, BASE62 + "-_.~", 20), "hunter2", "p%40ssw0rd!", "S3cr3t$" + digits(rng, 3), "correct-horse-battery", "pass", of(rng, BASE62 + "!$&'*+,;=", 14),
        "password", "changeme",
    ])  # fmt: skip
    host = rng.choice(["localhost", "db.internal", "10.0.0.7", "203.0.113.9", "redis", "cluster0.ab1cd.mongodb.net", "example.com", "mq-1.prod.firma.de", "[::1]"])
    port = rng.choice(["", "", f":{rng.randint(80, 65000)}"])
    return f"{scheme}://{name}:{password}@{host}{port}"


# ---- how a value is written down


def around(rng, value: str) -> tuple[str, str]:
    """What may stand before and behind any value."""
    return rng.choice([
        ("", ""), (words(rng) + " ", " " + words(rng)), (words(rng).capitalize() + ": ", "."), ("(", ")"), ("\"", "\""), ("'", "',"),
        ('{"value": "', '"}'), ('{"text": "first line\\n', '\\nsecond"}'), ("<td>", "</td>"), ("**", "**"), ("`", "`"), ("| a | ", " | b |"),
        ("我的是", "，谢谢"), ("「", "」"), ("это ", "!"), ("وهو ", "؟"), ("name,", ",2020"), ("- ", "\n- next"), ("\n", "\n"), ("\t", "\t"),
        ("Is it ", "?"), ("x = \"", "\"  # todo"), ("→ ", " ←"), ("_", "_"), ("👉", "👈"), (words(rng) + "\n\n", "\n"),
    ])  # fmt: skip


def planted(kind: str, before: str, value: str, behind: str, about: str) -> Sample:
    return Sample(before + value + behind, ((kind, len(before), len(before) + len(value)),), about)


def positive(rng, kind: str) -> Sample:
    if kind == "email":
        value = email(rng)
        before, behind = rng.choice([around(rng, value)] * 3 + [("<", ">"), ("mailto:", ""), (f"[{words(rng, 1, 2)}](mailto:", ")"), ("Ann <", ">, Bob"), ("E-Mail: ", ";"), ("cc:", ""), ("email=", "&x=1")])
        if rng.random() < 0.03 and value.isascii():
            return planted(kind, "https://shop.example/?email=", value.replace("@", "%40"), "&page=2", "in a query")
        return planted(kind, before, value, behind, "")
    if kind == "card":
        value = card_written(rng)
        if rng.random() < 0.03:
            value = value.translate({ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)})
        before, behind = rng.choice([around(rng, value)] * 2 + [("card number ", ""), ("Visa ", " 12/27 123"), ("card: ", ", exp 04/26"), ("cc ", " cvv 999"), ('{"card": ', "}") if value.isdigit() else ("", "")])
        return planted(kind, before, value, behind, "")
    if kind == "iban":
        before, behind = rng.choice([around(rng, "")] * 2 + [("IBAN ", ""), ("IBAN:", " BIC COBADEFF"), ("auf ", " überweisen"), ("to ", " BANK OF TOWN"), ("iban=", "&n=1")])
        return planted(kind, before, iban_written(rng), behind, "")
    if kind == "ssn":
        return planted(kind, *ssn_told(rng), "")
    if kind == "phone":
        return planted(kind, *phone_told(rng), "")
    if kind == "ip":
        value = public_ip(rng)
        before, behind = rng.choice([around(rng, value)] * 3 + [("from ", " port 51234 ssh2"), ("http://", "/index.html"), ("", ":8080"), ("", "/32"), ("X-Forwarded-For: ", ", 10.0.0.1"), ('"ip": "', '"'), ("ip=", "&"), ("[", "] GET / HTTP/1.1"), ("ping ", ""), ("src=", " dst=10.1.2.3"), ("ssh root@", "")])
        return planted(kind, before, value, behind, "")
    if kind == "secret":
        value = rng.choice(SERVICES)(rng)
        before, behind = rng.choice([around(rng, value)] * 2 + [("API_KEY=", ""), ("export TOKEN='", "'"), ("Authorization: Bearer ", ""), ("token: ", "\n"), ("client = Client(api_key=\"", "\")"), ("?key=", "&v=2"), ('{"api_key":"', '"}'), ("here is my key ", " please don't share")])
        return planted(kind, before, value, behind, "")
    if kind == "private_key":
        before, behind = rng.choice([("", ""), ("key: |\n    ", "\n"), ("here is my key\n", "\nthanks"), ('{"private_key": "', '"}'), ("```\n", "\n```")])
        return planted(kind, before, private_key(rng), behind, "")
    before, behind = rng.choice([("DATABASE_URL=", ""), ("connect to ", "/shop?sslmode=require"), ('{"url": "', '/0"}'), ("git clone ", "/team/repo.git"), ("see ", ""), ("`", "`"), ("(", ")"), ("url: '", "'"), ("engine = create_engine(\"", "/x\")"), ("打开 ", " 。")])
    return planted("url_credentials", before, url(rng), behind, "")


# ---- what only looks like it


def failing_card(rng) -> str:
    number = card(rng)
    return number[:-1] + str((int(number[-1]) + rng.randint(1, 9)) % 10)


def isbn13(rng) -> str:
    body = rng.choice(["978", "979"]) + digits(rng, 9)
    full = body + str(-sum(int(d) * (1, 3)[at % 2] for at, d in enumerate(body)) % 10)
    return rng.choice([full, f"{full[:3]}-{full[3]}-{full[4:7]}-{full[7:12]}-{full[12]}", f"{full[:3]} {full[3:5]} {full[5:9]} {full[9:12]} {full[12]}"])


def date(rng) -> str:
    y, m, d, h, mi = rng.randint(1990, 2027), rng.randint(1, 12), rng.randint(1, 28), rng.randint(0, 23), rng.randint(0, 59)
    return rng.choice([
        f"{y}-{m:02}-{d:02}", f"{d:02}.{m:02}.{y}", f"{m:02}/{d:02}/{y}", f"{y}-{m:02}-{d:02}T{h:02}:{mi:02}:00+02:00", f"{d:02}-{m:02}-{y} {h:02}:{mi:02}", f"{y}{m:02}{d:02}",
        f"{y}{m:02}{d:02}{h:02}{mi:02}00", f"{d:02}.{m:02}.{y} - {d:02}.{m:02}.{y}", f"{y}-{m:02}-{d:02} {h:02}:{mi:02}:{d:02}.{digits(rng, 6)}", f"{d:02} {m:02} {y}", f"{y}/{m:02}/{d:02} {h:02}.{mi:02}",
    ])  # fmt: skip


def version(rng) -> str:
    a, b, c, d = rng.randint(0, 40), rng.randint(0, 300), rng.randint(0, 6000), rng.randint(0, 300)
    return rng.choice([
        f"v{a}.{b}.{c % 250}.{d % 250}", f"version {a}.{b % 250}.{c % 250}.{d % 250}", f"Version: {a}.{b % 200}.{c % 200}.{d % 200}", f"Chrome/{a + 80}.0.{c}.{d}", f"{a}.{b}.{c}", f"package=={a}.{b % 250}.{c % 250}.{d % 250}",
        f"lib-{a}.{b % 99}.{c % 99}.{d % 99}.tar.gz", f"release {a}.{b % 99}.{c % 99}.{d % 99}", f"firmware {a}.{b % 99}.{c % 99}.{d % 99}", f"{a}.{b}.{c}-rc.{d}", f"section {a % 9 + 1}.{b % 9 + 1}.{c % 9 + 1}.{d % 9 + 1}", f"Python {a % 4}.{b % 20}.{c % 20}",
        f"{a % 5}.{b % 5}.{c % 9}.{d % 9}", f"build {a}.{b % 250}.{c % 250}.{d % 250}", f"OID 1.3.6.1.4.1.{c}.{d}",
    ])  # fmt: skip


def private_ip(rng) -> str:
    return rng.choice([
        f"10.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}", f"192.168.{rng.randint(0, 255)}.{rng.randint(1, 254)}", f"172.{rng.randint(16, 31)}.0.{rng.randint(1, 254)}",
        "127.0.0.1", "0.0.0.0", "255.255.255.0", "255.255.255.255", "169.254.10.20", "192.0.2.44", "198.51.100.7", "203.0.113.99", "224.0.0.251", "8.8.8.8", "1.1.1.1",
    ])  # fmt: skip


NEGATIVES = {
    "16 digits that fail Luhn": failing_card,
    "failing card in groups": lambda r: (lambda n: " ".join(n[at : at + 4] for at in range(0, len(n), 4)))(failing_card(r)),
    "order number": lambda r: r.choice([f"order #{digits(r, 8)}", f"order number {digits(r, 10)}", f"Order ID: {digits(r, 3)}-{digits(r, 7)}-{digits(r, 7)}", f"ORD-{digits(r, 10)}", f"Bestellung Nr. {digits(r, 9)}", f"my order {digits(r, 9)} is late", f"PO{digits(r, 8)}", f"订单号 {digits(r, 12)}", f'{{"order_id": {digits(r, 11)}}}']),
    "order of 16 digits": lambda r: f"order {r.choice('1789')}{digits(r, 15)}",
    "tracking number": lambda r: r.choice([f"1Z{of(r, string.ascii_uppercase + string.digits, 16)}", f"tracking 9400 1{digits(r, 3)} {digits(r, 4)} {digits(r, 4)} {digits(r, 4)} {digits(r, 2)}", f"FedEx tracking {digits(r, 12)}", f"parcel 00340434{digits(r, 12)}", f"RR{digits(r, 9)}DE", f"DHL tracking number {digits(r, 10)}"]),
    "isbn": lambda r: f"ISBN {isbn13(r)}", "isbn alone": isbn13, "isbn 10": lambda r: f"ISBN {r.randint(0, 9)}-{digits(r, 3)}-{digits(r, 5)}-{digits(r, 1)}",
    "uuid": lambda r: str(uuid.UUID(int=r.getrandbits(128), version=4)), "uuid of digits": lambda r: f"{digits(r, 8)}-{digits(r, 4)}-4{digits(r, 3)}-8{digits(r, 3)}-{digits(r, 12)}",
    "version": version, "date": date, "private address": private_ip,
    "hash": lambda r: r.choice([of(r, HEX, 32), of(r, HEX, 40), of(r, HEX, 64), "sha256:" + of(r, HEX, 64), "commit " + of(r, HEX, 7), "md5 " + of(r, HEX, 32)]),
    "coordinates": lambda r: r.choice([f"{r.uniform(-90, 90):.6f}, {r.uniform(-180, 180):.6f}", f"lat={r.uniform(0, 90):.14f}", f"({r.uniform(0, 90):.4f} {r.uniform(0, 180):.4f})", f"N {r.randint(10, 59)}° {r.uniform(0, 60):.3f}'"]),
    "no domain": lambda r: r.choice([f"{r.choice(FIRST)}@host", f"root@server{digits(r, 2)}", f"{r.choice(FIRST)}@localhost", f"ssh {r.choice(FIRST)}@db-{digits(r, 1)}", f"{r.choice(FIRST)}@ {r.choice(LAST)}", "user@", "@example.com"]),
    "mention": lambda r: r.choice([f"@{r.choice(FIRST)}_{digits(r, 2)}", f"thanks @{r.choice(FIRST)}.{r.choice(FIRST)}!", f"RT @{r.choice(LAST)}: ok", f"cc @{r.choice(FIRST)}, @{r.choice(FIRST)}"]),
    "package": lambda r: r.choice([f"{r.choice(['lodash', 'react-dom', 'left-pad', '@types/node'])}@{r.randint(0, 20)}.{r.randint(0, 30)}.{r.randint(0, 30)}", f"npm i vue@^{r.randint(1, 4)}.{r.randint(0, 9)}.{r.randint(0, 9)}", f"next@{r.randint(9, 15)}.0.{r.randint(0, 9)}-canary.{r.randint(0, 99)}", "babel@latest", "django@5.x", "setup@v4.1.0"]),
    "remote": lambda r: r.choice([f"git@github.com:{r.choice(FIRST)}/repo.git", "git@gitlab.firma.de:team/app.git", f"scp x.txt {r.choice(['deploy', 'ann'])}@web1.firma.de:/srv/www", "ssh://git@host.org/x.git", "icon@2x.png", "image@sha256:" + of(r, HEX, 64), "@media (min-width: 640px)", "@app.route('/x')", "foo@bar()"]),
    "price": lambda r: r.choice([f"${r.randint(1, 999)},{digits(r, 3)}.{digits(r, 2)}", f"{r.randint(1, 99)}.{digits(r, 3)}.{digits(r, 3)},{digits(r, 2)} €", f"EUR {digits(r, 6)}.{digits(r, 2)}", f"USD {r.randint(1, 9)} {digits(r, 3)} {digits(r, 3)}", f"+{r.randint(1, 9)}{digits(r, 7)}.{digits(r, 2)}", f"total {r.randint(1, 9)}{digits(r, 6)}"]),
    "timestamp": lambda r: r.choice([f"15{digits(r, 8)}", f"16{digits(r, 11)}", f"17{digits(r, 14)}", f"at 15{digits(r, 11)} ms", f"17{digits(r, 17)}"]),
    "iban-like": lambda r: r.choice([(lambda v: v[:2] + f"{(int(v[2:4]) + r.randint(1, 80)) % 100:02d}" + v[4:])(iban(r)), f"AB{digits(r, 20)}", f"DE{digits(r, 9)}", f"GB{digits(r, 9)}", f"ATU{digits(r, 8)}", f"FR{digits(r, 11)}", f"XX00 {digits(r, 4)} {digits(r, 4)} {digits(r, 4)}"]),
    "no social security number": lambda r: r.choice([f"000-{digits(r, 2)}-{digits(r, 4)}", f"666-12-{digits(r, 4)}", f"9{digits(r, 2)}-12-{digits(r, 4)}", f"123-00-{digits(r, 4)}", f"321-45-0000", f"{digits(r, 9)}", f"invoice {digits(r, 3)} {digits(r, 2)} {digits(r, 4)}", f"zip {digits(r, 5)}-{digits(r, 4)}", f"case {digits(r, 9)}", f"ssn ending in {digits(r, 4)}", f"PN-{digits(r, 3)}-{digits(r, 2)}-{digits(r, 4)}"]),
    "zip": lambda r: f"{r.choice(['Boston, MA 0', 'Chicago, IL 6', 'Austin TX 7'])}{digits(r, 4)}-{digits(r, 4)}",
    "arithmetic": lambda r: r.choice([f"{digits(r, 4)} + {digits(r, 5)} = {digits(r, 6)}", f"{r.randint(1, 9)}{digits(r, 3)}*{digits(r, 3)}={digits(r, 6)}", f"7 +{r.randint(2, 9)}{digits(r, 8)}*2", f"{digits(r, 3)} - {digits(r, 3)} - {digits(r, 4)}", f"0.{digits(r, 16)}", f"{r.random() * 1e9:.6f}", f"{r.random():.12f}", f"1e-{digits(r, 2)}", f"x = {digits(r, 3)} / {digits(r, 7)}"]),
    "list of numbers": lambda r: r.choice([" ".join(str(r.randint(1, 99)) for _ in range(12)), ", ".join(digits(r, 4) for _ in range(6)), " ".join(str(r.randint(100, 999)) for _ in range(8)), "\t".join(digits(r, 5) for _ in range(5)), "[" + ", ".join(str(r.randint(0, 255)) for _ in range(10)) + "]", " ".join(f"{r.random():.3f}" for _ in range(6)), " ".join(digits(r, 4) for _ in range(9))]),
    "other numbers": lambda r: r.choice([f"IMEI 35{digits(r, 13)}", f"ean 40{digits(r, 11)}", f"VIN WBA{of(r, 'ABCDEFGH0123456789', 14)}", f"NCT0{digits(r, 7)}", f"PMID: {digits(r, 8)}", f"doi:10.{digits(r, 4)}/{digits(r, 7)}.{digits(r, 4)}", f"flight LH{digits(r, 3)} gate {digits(r, 2)}", f"RFC {digits(r, 4)}", f"tax id {digits(r, 2)}-{digits(r, 7)}", f"policy {digits(r, 3)}-{digits(r, 4)}-{digits(r, 3)}", f"1998;{digits(r, 2)}({r.randint(1, 9)}):{digits(r, 3)}-{digits(r, 3)}", f"account {digits(r, 10)}", f"{digits(r, 3)}x{digits(r, 4)}px", f"temperature {r.uniform(30, 40):.4f}", f"confirmation code {digits(r, 6)}", f"tweet 1{digits(r, 18)}", f"sort code {digits(r, 2)}-{digits(r, 2)}-{digits(r, 2)} account {digits(r, 8)}", f"card ending in {digits(r, 4)}", f"page {digits(r, 3)}-{digits(r, 3)}", f"years 1990-1995 2000-2005 {digits(r, 2)}"]),
    "stand-in for a key": lambda r: r.choice(["sk-xxxxxxxxxxxxxxxxxxxxxxxx", "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "AKIAXXXXXXXXXXXXXXXX", "hf_YOUR_TOKEN_HERE", "API_KEY=<your key>", "sk-...", "Bearer <token>", "sk-learn-style-estimators", "npm_config_cache", "xoxb-your-token", "key-value-store", "$GITHUB_TOKEN", "AIza...", "sk_live_...", "pk_live_" + of(r, BASE62, 24), "hf_hub_download", "ssh-rsa AAAAB3NzaC1yc2E" + of(r, BASE62, 60), "gh_actions_cache_v2", "sk-" + "-".join(r.choice(WORDS) for _ in range(5))]),
    "no private key": lambda r: r.choice(["-----BEGIN PUBLIC KEY-----\n" + of(r, BASE62, 64) + "\n-----END PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----\n" + of(r, BASE62, 64) + "\n-----END CERTIFICATE-----", "a file that begins with -----BEGIN RSA PRIVATE KEY----- is a key", "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n" + of(r, BASE62, 64), "-----BEGIN RSA PRIVATE KEY-----\n<your key here>\n-----END RSA PRIVATE KEY-----", "my private key is lost"]),
    "address without password": lambda r: r.choice(["https://example.com:8080/a@b", "http://localhost:3000/@ann", "postgres://${USER}:${PASSWORD}@db/x", "https://user@host.org/x", "redis://localhost:6379/0", "https://medium.com/@ann/12:30", "mongodb://<user>:<password>@host", "https://a.org/x?t=10:20@30", "amqp://{user}:{password}@mq", "https://maps.example/@52.52,13.40,15z", "ftp://ftp.example.org/pub", "s3://bucket/a:b@c", "https://x.org/a:b/c@d.e", "postgres://ann:***@db.internal/x"]),
}  # fmt: skip


def negative(rng, about: str) -> Sample:
    value = NEGATIVES[about](rng)
    before, behind = rng.choice([("", ""), (words(rng) + " ", " " + words(rng)), ("(", ")"), (words(rng).capitalize() + ": ", "."), ('{"v": "', '"}'), ("", "\n"), ("- ", ""), ("| ", " |"), ("它是 ", " 。")])
    return Sample(before + value + behind, (), about)


def samples(*, seed: int = 0, each: int = 400) -> list[Sample]:
    """Return ``each`` positives of each kind, as many texts that hold several, and ``each // 4`` negatives of each sort."""
    rng = random.Random(seed)
    made = [positive(rng, kind) for kind in KINDS for _ in range(each)]
    made += [negative(rng, about) for about in NEGATIVES for _ in range(each // 4)]
    for _ in range(each):  # several in one text, with prose between
        text, spans = "", []
        for kind in rng.sample(KINDS, 3):
            part = positive(rng, kind)
            text += words(rng) + rng.choice([". ", "\n", "; "])
            spans += [(kind, start + len(text), end + len(text)) for kind, start, end in part.planted]
            text += part.text + rng.choice(["\n", " ", ".\n"]) + words(rng) + "\n"
        made.append(Sample(text, tuple(spans), "several"))
    rng.shuffle(made)
    return made
