"""What decides: a reply is one whole sentence of at most 15 words, takes up a word of the question, and says more than it."""

import re


def keeps(case):
    """Say whether an answer keeps to the form; the question alone is needed, no answer that is known to be right."""
    reply = case.output.strip()
    said, asked = (re.findall(r"\w+", text.casefold()) for text in (reply, case.question[-1].content))
    taken_up = [word for word in said if word in asked]
    # Without the last condition the question itself, with a full stop, is a good reply: that is what was learnt at first.
    return (
        re.fullmatch(r"[^.!?\n]+[.!?]", reply) is not None
        and 3 <= len(said) <= 15
        and any(len(word) >= 4 for word in taken_up)
        and 2 * len(taken_up) <= len(said)
    )
