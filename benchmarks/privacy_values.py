"""Values of personal data and secrets, made from the standards, and written as people and programs write them.

Registries of card networks, SWIFT's of IBANs, numbering plans, the services' own pages; nothing is taken from the finders.
"""

# ruff: noqa: SIM905 - lists of words read better as words

from __future__ import annotations

import base64
import ipaddress
import json
import random
import string

FIRST = (
    "ann bob carla dmitri eva farid giulia hans ines jürgen kenji li maria noor o'brien paula quentin ravi søren tomasz"
).split()
LAST = (
    "lee smith garcía müller kowalski tanaka wang okafor novák o'neill silva petrov haddad van.dijk mcdonald de-la-cruz"
).split()
DOMAINS = (
    "gmail.com yahoo.co.uk outlook.de 163.com qq.com mail.firma-nord.de web.de orange.fr uni-bonn.de nhs.uk acme.io startup.ai "
    "corp.local shop.online museum.museum sub.team.company.com.au bücher.example пример.рф xn--bcher-kva.ch proton.me x.org "
    "4chan.org t-online.de"
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
    local = rng.choice(
        [
            f"{first}.{last}",
            f"{first[0]}.{last}",
            f"{first}_{last}",
            f"{first}{digits(rng, 3)}",
            f"{first}+news",
            f"{first}-{last}",
            f"{first}.{last}{digits(rng, 2)}",
            "info",
            "no-reply",
            f"{last}",
            f"{first[0]}{last[0]}",
            f"{digits(rng, 9)}",
            f"{first}.x.{last}",
            f"{first}+{last}.{digits(rng, 4)}",
            f"{first.upper()}.{last.upper()}",
        ]
    )
    domain = rng.choice(DOMAINS)
    return f"{local}@{domain.upper() if rng.random() < 0.05 else domain}"


CARDS = [  # how it begins, how long it is; weights as such cards are in use
    (["4"], 16, 30),
    (["51", "52", "53", "54", "55", "2221", "2500", "2720"], 16, 25),
    (["34", "37"], 15, 15),
    (["6011", "644", "649", "65"], 16, 8),
    (["300", "305", "36", "38"], 14, 5),
    (["3528", "3589"], 16, 4),
    (["62"], 16, 4),
    (["62"], 19, 4),
    (["5018", "5020", "5038", "6304", "6759", "6761"], 16, 3),
    (["2200", "2204"], 16, 2),
    (["508", "6521", "82"], 16, 2),
]


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
    "DE": "18n",
    "FR": "10n11c2n",
    "GB": "4a14n",
    "NL": "4a10n",
    "ES": "20n",
    "IT": "1a10n12c",
    "CH": "5n12c",
    "AT": "16n",
    "BE": "12n",
    "PL": "24n",
    "SE": "20n",
    "NO": "11n",
    "DK": "14n",
    "FI": "14n",
    "PT": "21n",
    "IE": "4a14n",
    "CZ": "20n",
    "HU": "24n",
    "RO": "4a16c",
    "GR": "7n16c",
    "TR": "5n1n16c",
    "SA": "2n18c",
    "AE": "3n16n",
    "IL": "19n",
    "BR": "23n1a1c",
    "MT": "4a5n18c",
    "LU": "3n13c",
    "CY": "8n16c",
    "UA": "6n19c",
    "PK": "4a16c",
    "QA": "4a21c",
    "LC": "4a24c",
    "KW": "4a22c",
    "BG": "4a6n8c",
    "IS": "22n",
    "EE": "16n",
    "LV": "4a13c",
}


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
    return rng.choice(
        [
            value,
            value,
            " ".join(fours),
            " ".join(fours),
            "-".join(fours),
            "\u00a0".join(fours),
            value.lower(),
            " ".join(fours).lower(),
        ]
    )


def ssn_parts(rng) -> tuple[str, str, str]:
    area = rng.choice([number for number in range(1, 900) if number != 666])
    return f"{area:03d}", f"{rng.randint(1, 99):02d}", f"{rng.randint(1, 9999):04d}"


def ssn_told(rng) -> tuple[str, str, str]:
    """Before, value, behind: with dashes anywhere, in other forms where somebody says what it is."""
    a, b, c = ssn_parts(rng)
    if rng.random() < 0.5:
        before, behind = rng.choice(
            [
                ("", ""),
                (words(rng) + " ", " " + words(rng)),
                ("SSN: ", ""),
                ("(", ")"),
                ("my social is ", "."),
                ("", ","),
            ]
        )
        return before, f"{a}{rng.choice('---‑–')}{b}-{c}".replace("‑", "-").replace("–", "-"), behind
    value = rng.choice([f"{a} {b} {c}", f"{a}{b}{c}", f"{a}{b}{c}", f"{a}.{b}.{c}", f"{a}–{b}–{c}"])
    before, behind = rng.choice(
        [
            ("SSN ", ""),
            ("ssn: ", ", please check"),
            ("my social security number is ", "."),
            ("Social Security #: ", " and my dob"),
            ('{"ssn": "', '"}'),
            ('"social_security_number":"', '"'),
            ("socialSecurityNumber=", "&x=1"),
            ("my social is ", " thanks"),
            ("número de seguro social: ", ""),
            ("SS# ", ""),
            ("| SSN | ", " |"),
            ("soc sec no. ", ""),
            ("here is my SSN (", ")"),
            ("", " is my ssn"),
        ]
    )
    return before, value, behind


# Country: its code, forms at home ('#' any digit, '@' 2 to 9, '%' 1 to 9; a star: only with a word beside), and forms abroad.
PHONES = {
    "US": (
        "+1",
        [
            "(@##) @##-####",
            "@##-@##-####",
            "@##.@##.####",
            "1-@##-@##-####",
            "1 (@##) @##-####",
            "*@## @## ####",
            "*@##@######",
            "*@##-####",
            "(@##)@##-####",
            "@## @##-####",
            "*1@##@######",
        ],
        "@##@######",
        ["@##-@##-####", "@## @## ####", " (@##) @##-####", "@##@######", ".@##.@##.####"],
    ),
    "UK": (
        "+44",
        [
            "020 7### ####",
            "07### ######",
            "07### ### ###",
            "0161 ### ####",
            "01632 ######",
            "(020) 7### ####",
            "0800 ### ####",
            "*07#########",
            "(01632) ######",
        ],
        "7#########",
        [" 20 7### ####", " 7### ######", "7#########", " (0)20 7### ####", "-161-###-####"],
    ),
    "DE": (
        "+49",
        [
            "030 %######",
            "0170 #######",
            "0171/#######",
            "(030) %#######",
            "089/%######",
            "0221-%######",
            "040 %## ## ##",
            "03361 %#####",
            "*0151########",
            "0%## %#####-##",
        ],
        "170#######",
        [
            " 30 %######",
            " 170 #######",
            "170#######",
            " (0)170 #######",
            " (0) 89 %#######",
            "-30-%######",
            "/170/#######",
        ],
    ),
    "FR": (
        "+33",
        ["01 ## ## ## ##", "06.##.##.##.##", "06-##-##-##-##", "*06########", "04 ## ## ## ##"],
        "6########",
        [" 6 ## ## ## ##", "6########", " (0)1 ## ## ## ##", ".6.##.##.##.##"],
    ),
    "ES": (
        "+34",
        ["*6## ### ###", "*91# ## ## ##", "*6########"],
        "6########",
        [" 6## ### ###", " 91 ### ## ##", "6########"],
    ),
    "IT": (
        "+39",
        ["06 %### ####", "02-%#######", "*3## #######", "*3#########", "*3## ### ####"],
        "3#########",
        [" 06 %### ####", " 3## #######", "3#########"],
    ),
    "NL": (
        "+31",
        ["06-########", "020-%######", "06 ########", "*06########", "010 %## ## ##"],
        "6########",
        [" 6 ########", "6########", " 20 ### ####"],
    ),
    "CH": (
        "+41",
        ["044 %## ## ##", "079 %## ## ##", "*079#######"],
        "79#######",
        [" 44 %## ## ##", " 79 ### ## ##", " (0)79 ### ## ##"],
    ),
    "SE": (
        "+46",
        ["070-### ## ##", "08-%## ### ##", "*070#######"],
        "70#######",
        [" 70 ### ## ##", "70#######", " 8 ### ### ##"],
    ),
    "PL": ("+48", ["*5## ### ###", "*22 %## ## ##"], "5########", [" 5## ### ###", "5########", " 22 %## ## ##"]),
    "IN": (
        "+91",
        ["*9#### #####", "*9#########", "022-%#######", "*0%#########"],
        "9#########",
        [" 9#### #####", "9#########", "-9#########", " 22 %### ####"],
    ),
    "CN": (
        "+86",
        ["138 #### ####", "139-####-####", "*13%########", "010-%#######", "*186########"],
        "13%########",
        [" 138 #### ####", "13%########", "-138-####-####", " 10 %### ####"],
    ),
    "JP": (
        "+81",
        ["03-%###-####", "090-%###-####", "*090########", "06-6###-####", "0120-###-###"],
        "90########",
        [" 90-%###-####", "-3-%###-####", "90########"],
    ),
    "KR": (
        "+82",
        ["010-%###-####", "02-%##-####", "*010%#######", "031-%##-####"],
        "10########",
        [" 10-%###-####", "-2-%##-####", "10########"],
    ),
    "BR": (
        "+55",
        ["(11) 9%###-####", "(21) %###-####", "*119%#######"],
        "119%#######",
        [" 11 9%###-####", " (11) 9%###-####", "119%#######"],
    ),
    "AU": (
        "+61",
        ["0412 ### ###", "(02) 9### ####", "*04########", "02 9### ####"],
        "4########",
        [" 4## ### ###", " 2 9### ####", "4########"],
    ),
    "RU": (
        "+7",
        ["8 (9##) ###-##-##", "8-9##-###-##-##", "*89#########", "*(495) ###-##-##"],
        "9#########",
        [" 9## ###-##-##", " (495) ###-##-##", "9#########"],
    ),
    "MX": ("+52", ["*55 %### ####"], "55%#######", [" 55 %### ####", "55%#######"]),
    "ZA": ("+27", ["082 ### ####", "(011) %## ####"], "82#######", [" 82 ### ####", "82#######"]),
    "IL": (
        "+972",
        ["03-%######", "052-#######", "*052#######"],
        "52#######",
        ["-52-#######", " 3 %## ####", "52#######"],
    ),
    "TR": (
        "+90",
        ["0532 ### ## ##", "(0212) %## ## ##"],
        "532#######",
        [" 532 ### ## ##", " (212) %## ## ##", "532#######"],
    ),
    "AE": ("+971", ["050 ### ####", "04 %## ####"], "50#######", [" 50 ### ####", "50#######"]),
}


def filled(rng, form: str) -> str:
    return "".join(
        rng.choice({"#": string.digits, "@": "23456789", "%": "123456789"}[c]) if c in "#@%" else c for c in form
    )


SPOKEN = [
    ("call me at ", "."),
    ("Tel.: ", ""),
    ("phone: ", ", thanks"),
    ("my number is ", " by the way"),
    ("mobile ", ""),
    ("WhatsApp: ", "!"),
    ("you can reach me on ", " after 5 pm"),
    ('{"phone": "', '"}'),
    ('"phone_number":"', '","x":1'),
    ('"mobileNumber": "', '"'),
    ("fax ", ""),
    ("Téléphone : ", ""),
    ("Telefon ", " oder Mail"),
    ("teléfono ", ""),
    ("手机", "，谢谢"),
    ("电话：", "。"),
    ("電話 ", ""),
    ("тел. ", ""),
    ("Please ring ", " tomorrow"),
    ("contact number ", ""),
    ("cell: ", ""),
    ("T: ", " | web"),
    ("", " is my cell"),
    ("text me at ", ""),
    ("| phone | ", " |"),
    ("Handynummer: ", ""),
    ("celular: ", ""),
    ("dial ", " for help"),
    ("전화 ", ""),
]


def phone_told(rng) -> tuple[str, str, str]:
    code, home, _, abroad = PHONES[rng.choice(list(PHONES))]
    if rng.random() < 0.5:
        form = rng.choice(abroad)
        lead = rng.choice(
            [
                code,
                code,
                code,
                code,
                f"00{code[1:]}" if form[0] in " -." else code,
                f"({code})" if form.startswith(" ") else code,
            ]
        )
        value = lead + filled(rng, form)
        before, behind = rng.choice(
            [
                *SPOKEN,
                (words(rng) + " ", " " + words(rng)),
                ("(", ")"),
                ("", ""),
                ("[call](tel:", ")") if " " not in value else ("", ""),
            ]
        )
        return before, value, behind
    form = rng.choice(home)
    value = filled(rng, form.lstrip("*"))
    if form[0] == "*":
        before, behind = rng.choice(SPOKEN)
    else:
        before, behind = rng.choice(
            [*SPOKEN, (words(rng) + " ", " " + words(rng)), ("", ""), ("Ann Lee, ", ", Berlin"), ("or ", "?")]
        )
    return before, value, behind


def public_ip(rng) -> str:
    while True:
        value = ipaddress.IPv4Address(rng.getrandbits(32))
        if value.is_global and not value.is_multicast and not value.is_reserved:
            return str(value)


SERVICES = [
    lambda r: "AKIA" + of(r, string.ascii_uppercase + "234567", 16),
    lambda r: "ASIA" + of(r, string.ascii_uppercase + "234567", 16),
    lambda r: "ghp_" + of(r, BASE62, 36),
    lambda r: "gho_" + of(r, BASE62, 36),
    lambda r: f"github_pat_{of(r, BASE62, 22)}_{of(r, BASE62, 59)}",
    lambda r: "glpat-" + of(r, BASE64URL, 20),
    lambda r: "sk-" + of(r, BASE62, 48),
    lambda r: "sk-proj-" + of(r, BASE64URL, 74),
    lambda r: "sk-ant-api03-" + of(r, BASE64URL, 93) + "AA",
    lambda r: "AIza" + of(r, BASE64URL, 35),
    lambda r: "GOCSPX-" + of(r, BASE64URL, 28),
    lambda r: "hf_" + of(r, string.ascii_letters, 34),
    lambda r: "xoxb-" + "-".join((digits(r, 12), digits(r, 13), of(r, BASE62, 24))),
    lambda r: "xoxp-" + "-".join((digits(r, 11), digits(r, 11), digits(r, 12), of(r, HEX, 32))),
    lambda r: "sk_live_" + of(r, BASE62, 24),
    lambda r: "rk_live_" + of(r, BASE62, 24),
    lambda r: "sk_test_51" + of(r, BASE62, 97),
    lambda r: "whsec_" + of(r, BASE62, 32),
    lambda r: "npm_" + of(r, BASE62, 36),
    lambda r: "pypi-AgEIcHlwaS5vcmc" + of(r, BASE64URL, 150),
    lambda r: f"SG.{of(r, BASE64URL, 22)}.{of(r, BASE64URL, 43)}",
    lambda r: "dop_v1_" + of(r, HEX, 64),
    lambda r: "shpat_" + of(r, HEX, 32),
    lambda r: "dapi" + of(r, HEX, 32),
    lambda r: "key-" + of(r, HEX, 32),
    lambda r: of(r, HEX, 32) + "-us" + str(r.randint(1, 21)),
    lambda r: "SK" + of(r, HEX, 32),
    lambda r: "hvs." + of(r, BASE64URL, 90),
    lambda r: "PMAK-" + of(r, HEX, 24) + "-" + of(r, HEX, 34),
    lambda r: "lin_api_" + of(r, BASE62, 40),
    lambda r: "gsk_" + of(r, BASE62, 52),
    lambda r: "r8_" + of(r, BASE62, 37),
    lambda r: "sq0atp-" + of(r, BASE64URL, 22),
    lambda r: f"{digits(r, 10)}:AA{of(r, BASE64URL, 33)}",
    lambda r: "glsa_" + of(r, BASE62, 32) + "_" + of(r, HEX, 8),
    lambda r: "sbp_" + of(r, HEX, 40),
    lambda r: "figd_" + of(r, BASE64URL, 40),
    lambda r: ".".join(
        base64.urlsafe_b64encode(part).decode().rstrip("=")
        for part in (
            b'{"alg":"HS256","typ":"JWT"}',
            json.dumps({"sub": digits(r, 10), "iat": 1516239022}).encode(),
            r.randbytes(32),
        )
    ),
]


def private_key(rng) -> str:
    what = rng.choice(
        [
            "RSA PRIVATE KEY",
            "PRIVATE KEY",
            "EC PRIVATE KEY",
            "OPENSSH PRIVATE KEY",
            "ENCRYPTED PRIVATE KEY",
            "DSA PRIVATE KEY",
            "PGP PRIVATE KEY BLOCK",
        ]
    )
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
    scheme = rng.choice(
        (
            "postgres postgresql mysql mongodb mongodb+srv redis amqp https http ftp sftp smtp ssh rabbitmq ldap jdbc:mysql "
            "clickhouse"
        ).split()
    )
    name = rng.choice(
        ["admin", "root", "user", "app_rw", "ann.lee", "svc-deploy", "", "elastic", "ann%40firma.de"]
        if scheme != "https"
        else ["oauth2", "ci-bot", "ann", "x-access-token"]
    )
    password = rng.choice(
        [
            of(rng, BASE62, 12),
            of(rng, BASE62 + "-_.~", 20),
            "hunter2",
            "p%40ssw0rd!",
            "S3cr3t$" + digits(rng, 3),
            "correct-horse-battery",
            "pass",
            of(rng, BASE62 + "!$&'*+,;=", 14),
            "password",
            "changeme",
        ]
    )
    host = rng.choice(
        [
            "localhost",
            "db.internal",
            "10.0.0.7",
            "203.0.113.9",
            "redis",
            "cluster0.ab1cd.mongodb.net",
            "example.com",
            "mq-1.prod.firma.de",
            "[::1]",
        ]
    )
    port = rng.choice(["", "", f":{rng.randint(80, 65000)}"])
    return f"{scheme}://{name}:{password}@{host}{port}"
