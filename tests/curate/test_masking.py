"""Secrets and personal data are masked where a text is shown."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate.leakage.evidence import differences
from vetset.curate.masking import hidden, mask
from vetset.curate.near.explain import in_short

MASKED = {
    "ann@example.com": "[mail address]",
    "mail ann.b+c@mail.example.co.uk now": "mail [mail address] now",
    "4111 1111 1111 1111": "[card number]",
    "4111-1111-1111-1111.": "[card number].",
    "DE89 3704 0044 0532 0130 00 please": "[bank account] please",
    "ES91 2100 0418 4502 0005 1332 BANK OF SPAIN": "[bank account] BANK OF SPAIN",
    "GB82WEST12345698765432": "[bank account]",
    "key sk-abcdefghijkl0123456789": "key [secret]",
    "AKIAIOSFODNN7EXAMPLE": "[secret]",
    "call +49 170 1234560, or +1 (212) 555-0187": "call [phone number], or [phone number]",
    "my password: hunter2hunter2 works": "my [password] works",
    'the "Passwort"="gEh3im!x", they say': 'the "[password] they say',
    "Authorization: Bearer abc123def456ghi789jkl": "Authorization: [secret]",
    "a -----BEGIN RSA PRIVATE KEY-----\nMIIEabc+/=\nx\n-----END RSA PRIVATE KEY----- b": "a [private key] b",
}
LEFT = [
    "my password: forgotten", "the password is lost", "7 + 1234567890 = 1234567897", "GMT+1 at 12", "a +1 from me",
    "order 4111 1111 1111 1112", "at 1583712000000 ms", "the bearer of good tidings here", "AB12 CDEF GHIJ KLMN",
    "sk-learn-classification-report", "ann at example dot com", "@handle", "مرحبا 你好 😀", "", "1.1.1.1", "2020-03-09T13:05:00Z",
]  # fmt: skip


@pytest.mark.parametrize("text", MASKED)
def test_a_secret_is_masked(text):
    assert mask(text) == MASKED[text]


@pytest.mark.parametrize("text", LEFT)
def test_what_only_looks_like_one_is_left_alone(text):
    assert mask(text) == text


def test_a_private_key_that_is_cut_off_shows_nothing_of_its_body():
    body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"
    assert body not in mask(f"-----BEGIN PRIVATE KEY-----\n{body}\n{body}")
    assert body not in mask(
        json.dumps({"key": f"-----BEGIN PRIVATE KEY-----\n{body}\n{body}\n-----END PRIVATE KEY-----"})
    )


@pytest.mark.parametrize(
    "piece", ["eyJ-", "a.b@", "1 ", "-----BEGIN PRIVATE KEY-----", "bearer ", "AB12 ", "-", "sk-a", "1 a ", " @"]
)
def test_no_text_takes_long(piece):
    start = time.process_time()
    mask(piece * (200_000 // len(piece)))
    hidden(piece * (20_000 // len(piece)))
    assert time.process_time() - start < 5


TORN = (
    ("Phone: +49 170 1460911", "Phone: +49 please 170 1460911", "1460911"),
    ("card 4111 1111 1111 1111", "card 4111 1111, if you please, 1111 1111", "4111"),
    ("IBAN DE89 3704 0044 0532 0130 00", "IBAN DE89 3704 0044 0532 please 0130 00", "3704"),
    ("mail ann.lee@firma.org", "mail ann.lee @ firma.org", "firma"),
    ("key sk-live-4f9A8bC7dE6f5G4h3J2k1LmN", "key sk-live- 4f9A8bC7dE6f5G4h3J2k1LmN", "4f9A8bC7"),
    ("+49 please 170 1460911 is it", "+49 so 170 1460912 is it", "146091"),  # torn in both
)


@pytest.mark.parametrize(("whole", "torn", "secret"), TORN)
@pytest.mark.parametrize("say", [in_short, differences])
def test_what_a_word_tears_apart_is_not_shown_where_words_of_near_copies_are(say, whole, torn, secret):
    for note in (say(whole, torn), say(torn, whole)):
        assert secret.lower() not in note.lower()
        assert "masked" in note


def test_numbers_that_are_no_secret_stay_in_what_tells_two_texts_apart():
    assert in_short("order 20563 of 3 May", "order 20564 of 3 May") == "here '20563', there '20564'"
    assert in_short("I paid 5 for 4 and 3 to 2", "I paid 5 for 4 and 3 to 9") == "here '2', there '9'"
    assert hidden("2 apples and 3 pears @ home", "order 4111 1111 1111 1112", "你好 😀", "") == set()


@given(st.text())
def test_masking_twice_changes_nothing_more(text):
    assert mask(mask(text)) == mask(text)
