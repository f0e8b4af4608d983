"""Texts with planted personal data and secrets, and texts with what only looks like them: the test set of the finders.

Values are made by ``privacy_values``. Seeded: the same seed gives the same texts.
"""

from __future__ import annotations

import random
import string
import sys
import uuid
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
from privacy_values import (
    BASE62,
    FIRST,
    HEX,
    LAST,
    SERVICES,
    WORDS,
    card,
    card_written,
    digits,
    email,
    iban,
    iban_written,
    of,
    phone_told,
    private_key,
    public_ip,
    ssn_told,
    url,
    words,
)

KINDS = ("email", "card", "iban", "ssn", "phone", "ip", "secret", "private_key", "url_credentials")


class Sample(NamedTuple):
    text: str
    planted: tuple[tuple[str, int, int], ...]  # kind, start, end
    about: str  # of what form a positive is, or what a negative is


# ---- how a value is written down


def around(rng, value: str) -> tuple[str, str]:
    """What may stand before and behind any value."""
    return rng.choice(
        [
            ("", ""),
            (words(rng) + " ", " " + words(rng)),
            (words(rng).capitalize() + ": ", "."),
            ("(", ")"),
            ('"', '"'),
            ("'", "',"),
            ('{"value": "', '"}'),
            ('{"text": "first line\\n', '\\nsecond"}'),
            ("<td>", "</td>"),
            ("**", "**"),
            ("`", "`"),
            ("| a | ", " | b |"),
            ("我的是", "，谢谢"),
            ("「", "」"),
            ("это ", "!"),
            ("وهو ", "؟"),
            ("name,", ",2020"),
            ("- ", "\n- next"),
            ("\n", "\n"),
            ("\t", "\t"),
            ("Is it ", "?"),
            ('x = "', '"  # todo'),
            ("→ ", " ←"),
            ("_", "_"),
            ("👉", "👈"),
            (words(rng) + "\n\n", "\n"),
        ]
    )


def planted(kind: str, before: str, value: str, behind: str, about: str) -> Sample:
    return Sample(before + value + behind, ((kind, len(before), len(before) + len(value)),), about)


def positive(rng, kind: str) -> Sample:  # noqa: PLR0911 - a kind, a return
    if kind == "email":
        value = email(rng)
        before, behind = rng.choice(
            [around(rng, value)] * 3
            + [
                ("<", ">"),
                ("mailto:", ""),
                (f"[{words(rng, 1, 2)}](mailto:", ")"),
                ("Ann <", ">, Bob"),
                ("E-Mail: ", ";"),
                ("cc:", ""),
                ("email=", "&x=1"),
            ]
        )
        if rng.random() < 0.03 and value.isascii():
            return planted(kind, "https://shop.example/?email=", value.replace("@", "%40"), "&page=2", "in a query")
        return planted(kind, before, value, behind, "")
    if kind == "card":
        value = card_written(rng)
        if rng.random() < 0.03:
            value = value.translate({ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)})
        before, behind = rng.choice(
            [around(rng, value)] * 2
            + [
                ("card number ", ""),
                ("Visa ", " 12/27 123"),
                ("card: ", ", exp 04/26"),
                ("cc ", " cvv 999"),
                ('{"card": ', "}") if value.isdigit() else ("", ""),
            ]
        )
        return planted(kind, before, value, behind, "")
    if kind == "iban":
        before, behind = rng.choice(
            [around(rng, "")] * 2
            + [
                ("IBAN ", ""),
                ("IBAN:", " BIC COBADEFF"),
                ("auf ", " überweisen"),
                ("to ", " BANK OF TOWN"),
                ("iban=", "&n=1"),
            ]
        )
        return planted(kind, before, iban_written(rng), behind, "")
    if kind == "ssn":
        return planted(kind, *ssn_told(rng), "")
    if kind == "phone":
        return planted(kind, *phone_told(rng), "")
    if kind == "ip":
        value = public_ip(rng)
        before, behind = rng.choice(
            [around(rng, value)] * 3
            + [
                ("from ", " port 51234 ssh2"),
                ("http://", "/index.html"),
                ("", ":8080"),
                ("", "/32"),
                ("X-Forwarded-For: ", ", 10.0.0.1"),
                ('"ip": "', '"'),
                ("ip=", "&"),
                ("[", "] GET / HTTP/1.1"),
                ("ping ", ""),
                ("src=", " dst=10.1.2.3"),
                ("ssh root@", ""),
            ]
        )
        return planted(kind, before, value, behind, "")
    if kind == "secret":
        value = rng.choice(SERVICES)(rng)
        before, behind = rng.choice(
            [around(rng, value)] * 2
            + [
                ("API_KEY=", ""),
                ("export TOKEN='", "'"),
                ("Authorization: Bearer ", ""),
                ("token: ", "\n"),
                ('client = Client(api_key="', '")'),
                ("?key=", "&v=2"),
                ('{"api_key":"', '"}'),
                ("here is my key ", " please don't share"),
            ]
        )
        return planted(kind, before, value, behind, "")
    if kind == "private_key":
        before, behind = rng.choice(
            [
                ("", ""),
                ("key: |\n    ", "\n"),
                ("here is my key\n", "\nthanks"),
                ('{"private_key": "', '"}'),
                ("```\n", "\n```"),
            ]
        )
        return planted(kind, before, private_key(rng), behind, "")
    before, behind = rng.choice(
        [
            ("DATABASE_URL=", ""),
            ("connect to ", "/shop?sslmode=require"),
            ('{"url": "', '/0"}'),
            ("git clone ", "/team/repo.git"),
            ("see ", ""),
            ("`", "`"),
            ("(", ")"),
            ("url: '", "'"),
            ('engine = create_engine("', '/x")'),
            ("打开 ", " 。"),
        ]
    )
    return planted("url_credentials", before, url(rng), behind, "")


# ---- what only looks like it


def failing_card(rng) -> str:
    number = card(rng)
    return number[:-1] + str((int(number[-1]) + rng.randint(1, 9)) % 10)


def isbn13(rng) -> str:
    body = rng.choice(["978", "979"]) + digits(rng, 9)
    full = body + str(-sum(int(d) * (1, 3)[at % 2] for at, d in enumerate(body)) % 10)
    return rng.choice(
        [
            full,
            f"{full[:3]}-{full[3]}-{full[4:7]}-{full[7:12]}-{full[12]}",
            f"{full[:3]} {full[3:5]} {full[5:9]} {full[9:12]} {full[12]}",
        ]
    )


def date(rng) -> str:
    y, m, d, h, mi = (
        rng.randint(1990, 2027),
        rng.randint(1, 12),
        rng.randint(1, 28),
        rng.randint(0, 23),
        rng.randint(0, 59),
    )
    return rng.choice(
        [
            f"{y}-{m:02}-{d:02}",
            f"{d:02}.{m:02}.{y}",
            f"{m:02}/{d:02}/{y}",
            f"{y}-{m:02}-{d:02}T{h:02}:{mi:02}:00+02:00",
            f"{d:02}-{m:02}-{y} {h:02}:{mi:02}",
            f"{y}{m:02}{d:02}",
            f"{y}{m:02}{d:02}{h:02}{mi:02}00",
            f"{d:02}.{m:02}.{y} - {d:02}.{m:02}.{y}",
            f"{y}-{m:02}-{d:02} {h:02}:{mi:02}:{d:02}.{digits(rng, 6)}",
            f"{d:02} {m:02} {y}",
            f"{y}/{m:02}/{d:02} {h:02}.{mi:02}",
        ]
    )


def version(rng) -> str:
    a, b, c, d = rng.randint(0, 40), rng.randint(0, 300), rng.randint(0, 6000), rng.randint(0, 300)
    return rng.choice(
        [
            f"v{a}.{b}.{c % 250}.{d % 250}",
            f"version {a}.{b % 250}.{c % 250}.{d % 250}",
            f"Version: {a}.{b % 200}.{c % 200}.{d % 200}",
            f"Chrome/{a + 80}.0.{c}.{d}",
            f"{a}.{b}.{c}",
            f"package=={a}.{b % 250}.{c % 250}.{d % 250}",
            f"lib-{a}.{b % 99}.{c % 99}.{d % 99}.tar.gz",
            f"release {a}.{b % 99}.{c % 99}.{d % 99}",
            f"firmware {a}.{b % 99}.{c % 99}.{d % 99}",
            f"{a}.{b}.{c}-rc.{d}",
            f"section {a % 9 + 1}.{b % 9 + 1}.{c % 9 + 1}.{d % 9 + 1}",
            f"Python {a % 4}.{b % 20}.{c % 20}",
            f"{a % 5}.{b % 5}.{c % 9}.{d % 9}",
            f"build {a}.{b % 250}.{c % 250}.{d % 250}",
            f"OID 1.3.6.1.4.1.{c}.{d}",
        ]
    )


def private_ip(rng) -> str:
    return rng.choice(
        [
            f"10.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}",
            f"192.168.{rng.randint(0, 255)}.{rng.randint(1, 254)}",
            f"172.{rng.randint(16, 31)}.0.{rng.randint(1, 254)}",
            "127.0.0.1",
            "0.0.0.0",
            "255.255.255.0",
            "255.255.255.255",
            "169.254.10.20",
            "192.0.2.44",
            "198.51.100.7",
            "203.0.113.99",
            "224.0.0.251",
            "8.8.8.8",
            "1.1.1.1",
        ]
    )


def in_fours(number: str) -> str:
    return " ".join(number[at : at + 4] for at in range(0, len(number), 4))


def failing_iban(rng) -> str:
    right = iban(rng)
    return f"{right[:2]}{(int(right[2:4]) + rng.randint(1, 80)) % 100:02d}{right[4:]}"


PACKAGES = ("lodash", "react-dom", "left-pad", "@types/node")
NEGATIVES = {
    "16 digits that fail Luhn": failing_card,
    "failing card in groups": lambda r: in_fours(failing_card(r)),
    "order number": lambda r: r.choice(
        [
            f"order #{digits(r, 8)}",
            f"order number {digits(r, 10)}",
            f"Order ID: {digits(r, 3)}-{digits(r, 7)}-{digits(r, 7)}",
            f"ORD-{digits(r, 10)}",
            f"Bestellung Nr. {digits(r, 9)}",
            f"my order {digits(r, 9)} is late",
            f"PO{digits(r, 8)}",
            f"订单号 {digits(r, 12)}",
            f'{{"order_id": {digits(r, 11)}}}',
        ]
    ),
    "order of 16 digits": lambda r: f"order {r.choice('1789')}{digits(r, 15)}",
    "tracking number": lambda r: r.choice(
        [
            f"1Z{of(r, string.ascii_uppercase + string.digits, 16)}",
            f"tracking 9400 1{digits(r, 3)} {digits(r, 4)} {digits(r, 4)} {digits(r, 4)} {digits(r, 2)}",
            f"FedEx tracking {digits(r, 12)}",
            f"parcel 00340434{digits(r, 12)}",
            f"RR{digits(r, 9)}DE",
            f"DHL tracking number {digits(r, 10)}",
        ]
    ),
    "isbn": lambda r: f"ISBN {isbn13(r)}",
    "isbn alone": isbn13,
    "isbn 10": lambda r: f"ISBN {r.randint(0, 9)}-{digits(r, 3)}-{digits(r, 5)}-{digits(r, 1)}",
    "uuid": lambda r: str(uuid.UUID(int=r.getrandbits(128), version=4)),
    "uuid of digits": lambda r: f"{digits(r, 8)}-{digits(r, 4)}-4{digits(r, 3)}-8{digits(r, 3)}-{digits(r, 12)}",
    "version": version,
    "date": date,
    "private address": private_ip,
    "hash": lambda r: r.choice(
        [
            of(r, HEX, 32),
            of(r, HEX, 40),
            of(r, HEX, 64),
            "sha256:" + of(r, HEX, 64),
            "commit " + of(r, HEX, 7),
            "md5 " + of(r, HEX, 32),
        ]
    ),
    "coordinates": lambda r: r.choice(
        [
            f"{r.uniform(-90, 90):.6f}, {r.uniform(-180, 180):.6f}",
            f"lat={r.uniform(0, 90):.14f}",
            f"({r.uniform(0, 90):.4f} {r.uniform(0, 180):.4f})",
            f"N {r.randint(10, 59)}° {r.uniform(0, 60):.3f}'",
        ]
    ),
    "no domain": lambda r: r.choice(
        [
            f"{r.choice(FIRST)}@host",
            f"root@server{digits(r, 2)}",
            f"{r.choice(FIRST)}@localhost",
            f"ssh {r.choice(FIRST)}@db-{digits(r, 1)}",
            f"{r.choice(FIRST)}@ {r.choice(LAST)}",
            "user@",
            "@example.com",
        ]
    ),
    "mention": lambda r: r.choice(
        [
            f"@{r.choice(FIRST)}_{digits(r, 2)}",
            f"thanks @{r.choice(FIRST)}.{r.choice(FIRST)}!",
            f"RT @{r.choice(LAST)}: ok",
            f"cc @{r.choice(FIRST)}, @{r.choice(FIRST)}",
        ]
    ),
    "package": lambda r: r.choice(
        [
            f"{r.choice(PACKAGES)}@{r.randint(0, 20)}.{r.randint(0, 30)}.{r.randint(0, 30)}",
            f"npm i vue@^{r.randint(1, 4)}.{r.randint(0, 9)}.{r.randint(0, 9)}",
            f"next@{r.randint(9, 15)}.0.{r.randint(0, 9)}-canary.{r.randint(0, 99)}",
            "babel@latest",
            "django@5.x",
            "setup@v4.1.0",
        ]
    ),
    "remote": lambda r: r.choice(
        [
            f"git@github.com:{r.choice(FIRST)}/repo.git",
            "git@gitlab.firma.de:team/app.git",
            f"scp x.txt {r.choice(['deploy', 'ann'])}@web1.firma.de:/srv/www",
            "ssh://git@host.org/x.git",
            "icon@2x.png",
            "image@sha256:" + of(r, HEX, 64),
            "@media (min-width: 640px)",
            "@app.route('/x')",
            "foo@bar()",
        ]
    ),
    "price": lambda r: r.choice(
        [
            f"${r.randint(1, 999)},{digits(r, 3)}.{digits(r, 2)}",
            f"{r.randint(1, 99)}.{digits(r, 3)}.{digits(r, 3)},{digits(r, 2)} €",
            f"EUR {digits(r, 6)}.{digits(r, 2)}",
            f"USD {r.randint(1, 9)} {digits(r, 3)} {digits(r, 3)}",
            f"+{r.randint(1, 9)}{digits(r, 7)}.{digits(r, 2)}",
            f"total {r.randint(1, 9)}{digits(r, 6)}",
        ]
    ),
    "timestamp": lambda r: r.choice(
        [
            f"15{digits(r, 8)}",
            f"16{digits(r, 11)}",
            f"17{digits(r, 14)}",
            f"at 15{digits(r, 11)} ms",
            f"17{digits(r, 17)}",
        ]
    ),
    "iban-like": lambda r: r.choice(
        [
            failing_iban(r),
            f"AB{digits(r, 20)}",
            f"DE{digits(r, 9)}",
            f"GB{digits(r, 9)}",
            f"ATU{digits(r, 8)}",
            f"FR{digits(r, 11)}",
            f"XX00 {digits(r, 4)} {digits(r, 4)} {digits(r, 4)}",
        ]
    ),
    "no social security number": lambda r: r.choice(
        [
            f"000-{digits(r, 2)}-{digits(r, 4)}",
            f"666-12-{digits(r, 4)}",
            f"9{digits(r, 2)}-12-{digits(r, 4)}",
            f"123-00-{digits(r, 4)}",
            "321-45-0000",
            f"{digits(r, 9)}",
            f"invoice {digits(r, 3)} {digits(r, 2)} {digits(r, 4)}",
            f"zip {digits(r, 5)}-{digits(r, 4)}",
            f"case {digits(r, 9)}",
            f"ssn ending in {digits(r, 4)}",
            f"PN-{digits(r, 3)}-{digits(r, 2)}-{digits(r, 4)}",
        ]
    ),
    "zip": lambda r: f"{r.choice(['Boston, MA 0', 'Chicago, IL 6', 'Austin TX 7'])}{digits(r, 4)}-{digits(r, 4)}",
    "arithmetic": lambda r: r.choice(
        [
            f"{digits(r, 4)} + {digits(r, 5)} = {digits(r, 6)}",
            f"{r.randint(1, 9)}{digits(r, 3)}*{digits(r, 3)}={digits(r, 6)}",
            f"7 +{r.randint(2, 9)}{digits(r, 8)}*2",
            f"{digits(r, 3)} - {digits(r, 3)} - {digits(r, 4)}",
            f"0.{digits(r, 16)}",
            f"{r.random() * 1e9:.6f}",
            f"{r.random():.12f}",
            f"1e-{digits(r, 2)}",
            f"x = {digits(r, 3)} / {digits(r, 7)}",
        ]
    ),
    "list of numbers": lambda r: r.choice(
        [
            " ".join(str(r.randint(1, 99)) for _ in range(12)),
            ", ".join(digits(r, 4) for _ in range(6)),
            " ".join(str(r.randint(100, 999)) for _ in range(8)),
            "\t".join(digits(r, 5) for _ in range(5)),
            "[" + ", ".join(str(r.randint(0, 255)) for _ in range(10)) + "]",
            " ".join(f"{r.random():.3f}" for _ in range(6)),
            " ".join(digits(r, 4) for _ in range(9)),
        ]
    ),
    "other numbers": lambda r: r.choice(
        [
            f"IMEI 35{digits(r, 13)}",
            f"ean 40{digits(r, 11)}",
            f"VIN WBA{of(r, 'ABCDEFGH0123456789', 14)}",
            f"NCT0{digits(r, 7)}",
            f"PMID: {digits(r, 8)}",
            f"doi:10.{digits(r, 4)}/{digits(r, 7)}.{digits(r, 4)}",
            f"flight LH{digits(r, 3)} gate {digits(r, 2)}",
            f"RFC {digits(r, 4)}",
            f"tax id {digits(r, 2)}-{digits(r, 7)}",
            f"policy {digits(r, 3)}-{digits(r, 4)}-{digits(r, 3)}",
            f"1998;{digits(r, 2)}({r.randint(1, 9)}):{digits(r, 3)}-{digits(r, 3)}",
            f"account {digits(r, 10)}",
            f"{digits(r, 3)}x{digits(r, 4)}px",
            f"temperature {r.uniform(30, 40):.4f}",
            f"confirmation code {digits(r, 6)}",
            f"tweet 1{digits(r, 18)}",
            f"sort code {digits(r, 2)}-{digits(r, 2)}-{digits(r, 2)} account {digits(r, 8)}",
            f"card ending in {digits(r, 4)}",
            f"page {digits(r, 3)}-{digits(r, 3)}",
            f"years 1990-1995 2000-2005 {digits(r, 2)}",
        ]
    ),
    "stand-in for a key": lambda r: r.choice(
        [
            "sk-xxxxxxxxxxxxxxxxxxxxxxxx",
            "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "AKIAXXXXXXXXXXXXXXXX",
            "hf_YOUR_TOKEN_HERE",
            "API_KEY=<your key>",
            "sk-...",
            "Bearer <token>",
            "sk-learn-style-estimators",
            "npm_config_cache",
            "xoxb-your-token",
            "key-value-store",
            "$GITHUB_TOKEN",
            "AIza...",
            "sk_live_...",
            "pk_live_" + of(r, BASE62, 24),
            "hf_hub_download",
            "ssh-rsa AAAAB3NzaC1yc2E" + of(r, BASE62, 60),
            "gh_actions_cache_v2",
            "sk-" + "-".join(r.choice(WORDS) for _ in range(5)),
        ]
    ),
    "no private key": lambda r: r.choice(
        [
            "-----BEGIN PUBLIC KEY-----\n" + of(r, BASE62, 64) + "\n-----END PUBLIC KEY-----",
            "-----BEGIN CERTIFICATE-----\n" + of(r, BASE62, 64) + "\n-----END CERTIFICATE-----",
            "a file that begins with -----BEGIN RSA PRIVATE KEY----- is a key",
            "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n" + of(r, BASE62, 64),
            "-----BEGIN RSA PRIVATE KEY-----\n<your key here>\n-----END RSA PRIVATE KEY-----",
            "my private key is lost",
        ]
    ),
    "address without password": lambda r: r.choice(
        [
            "https://example.com:8080/a@b",
            "http://localhost:3000/@ann",
            "postgres://${USER}:${PASSWORD}@db/x",
            "https://user@host.org/x",
            "redis://localhost:6379/0",
            "https://medium.com/@ann/12:30",
            "mongodb://<user>:<password>@host",
            "https://a.org/x?t=10:20@30",
            "amqp://{user}:{password}@mq",
            "https://maps.example/@52.52,13.40,15z",
            "ftp://ftp.example.org/pub",
            "s3://bucket/a:b@c",
            "https://x.org/a:b/c@d.e",
            "postgres://ann:***@db.internal/x",
        ]
    ),
}


def negative(rng, about: str) -> Sample:
    value = NEGATIVES[about](rng)
    before, behind = rng.choice(
        [
            ("", ""),
            (words(rng) + " ", " " + words(rng)),
            ("(", ")"),
            (words(rng).capitalize() + ": ", "."),
            ('{"v": "', '"}'),
            ("", "\n"),
            ("- ", ""),
            ("| ", " |"),
            ("它是 ", " 。"),
        ]
    )
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
