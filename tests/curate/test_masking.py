"""Secrets and personal data are masked where a text is shown."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate.masking import mask

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
    "piece", ["eyJ-", "a.b@", "1 ", "-----BEGIN PRIVATE KEY-----", "bearer ", "AB12 ", "-", "sk-a"]
)
def test_no_text_takes_long(piece):
    start = time.process_time()
    mask(piece * (200_000 // len(piece)))
    assert time.process_time() - start < 5


@given(st.text())
def test_masking_twice_changes_nothing_more(text):
    assert mask(mask(text)) == mask(text)
