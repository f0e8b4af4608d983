r"""The compiled loop that lifts plain conversations out of JSON lines, in one pass and without the interpreter's lock.

Compiled by numba at first use and kept beside the module (or in the user's cache folder) for the next run. It does what
``plain_chats`` does with numpy, and takes more: messages whose content comes first, and escapes such as ``\u00e9``.
"""

# numba reads neither annotations nor small functions for free: docstrings give the types, loops stand whole

from __future__ import annotations

import numpy as np
from numba import njit

_STEP = 32  # bytes that are looked at together: the comparison is one vector instruction
_KEYS = 128  # of a line; one with more is doubtful
_DEPTH = 64
_STACK_END = 6 + _DEPTH
SCRATCH = _STACK_END + 3 * _KEYS

_HEX = np.full(256, -1, np.int64)
for _digit, _letter in enumerate(b"0123456789abcdef"):
    _HEX[_letter] = _digit
for _digit, _letter in enumerate(b"ABCDEF"):
    _HEX[_letter] = _digit + 10

_MEANT = np.zeros(256, np.uint8)  # what a letter behind a backslash means
for _letter, _sign in zip(b'"\\/bfnrt', b'"\\/\b\f\n\r\t', strict=True):
    _MEANT[_letter] = _sign

_SHORT = np.zeros(128, np.uint8)  # the letter that the compact form puts behind a backslash for a character
for _letter, _sign in zip(b'"\\bfnrt', b'"\\\b\f\n\r\t', strict=True):
    _SHORT[_sign] = _letter

_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)
_HEAD = np.frombuffer(b'{"role":"', np.uint8)
_MIDDLE = np.frombuffer(b'","content":"', np.uint8)
_ROLE = np.frombuffer(b"role", np.uint8)
_CONTENT = np.frombuffer(b"content", np.uint8)

_QUOTED, _SLASHED, _FIVE = np.uint8(34), np.uint8(92), np.uint8(5)  # of eight bits, so that 32 fill a register
_IS_SPECIAL = np.zeros(256, np.bool_)
_IS_SPECIAL[:32] = _IS_SPECIAL[[34, 92]] = True
_QUOTE, _BACKSLASH, _FEED, _BLANK, _U = 34, 92, 10, 32, 117


@njit(cache=True, nogil=True)
def _code(data, at):
    """The number that four hexadecimal digits write, or -1."""
    found = (_HEX[data[at]] << 12) | (_HEX[data[at + 1]] << 8) | (_HEX[data[at + 2]] << 4) | _HEX[data[at + 3]]
    return found if found >= 0 else -1


@njit(cache=True, nogil=True)
def _special(data, at):
    """The first quote, backslash or control character from ``at`` on."""
    while True:
        near = data[at : at + _STEP]
        least = np.uint8(255)
        for k in range(_STEP):
            sign = near[k]
            least = min(least, np.uint8(sign ^ _QUOTED), np.uint8(sign ^ _SLASHED), np.uint8(sign >> _FIVE))
        if least == 0:
            break
        at += _STEP
    while not _IS_SPECIAL[data[at]]:
        at += 1
    return at


@njit(cache=True, nogil=True)
def _end_of_string(data, at):
    """Where the string whose text begins at ``at`` closes, and whether it holds escapes; -1 where it is no JSON text."""
    escaped = False
    while True:
        at = _special(data, at)
        sign = data[at]
        if sign == _QUOTE:
            return at, escaped
        if sign != _BACKSLASH:
            return -1, escaped
        escaped = True
        sign = data[at + 1]
        if sign != _U:
            if _MEANT[sign] == 0:
                return -1, escaped
            at += 2
            continue
        code = _code(data, at + 2)
        at += 6
        if 0xD800 <= code < 0xDC00:
            if data[at] != _BACKSLASH or data[at + 1] != _U or not 0xDC00 <= _code(data, at + 2) < 0xE000:
                return -1, escaped
            at += 6
        elif code < 0 or 0xDC00 <= code < 0xE000:
            return -1, escaped


@njit(cache=True, nogil=True)
def _copied(data, begin, end, out, place):
    """Copy bytes to ``out`` at ``place``; return the place behind them."""
    source, target = data[begin:end], out[place : place + end - begin]
    for k in range(len(source)):
        target[k] = source[k]
    return place + end - begin


@njit(cache=True, nogil=True)
def _character(code, out, place):
    """Write a character as UTF-8."""
    if code < 0x80:
        out[place] = code
        return place + 1
    if code < 0x800:
        out[place] = 0xC0 | (code >> 6)
        out[place + 1] = 0x80 | (code & 0x3F)
        return place + 2
    if code < 0x10000:
        out[place] = 0xE0 | (code >> 12)
        out[place + 1] = 0x80 | ((code >> 6) & 0x3F)
        out[place + 2] = 0x80 | (code & 0x3F)
        return place + 3
    out[place] = 0xF0 | (code >> 18)
    out[place + 1] = 0x80 | ((code >> 12) & 0x3F)
    out[place + 2] = 0x80 | ((code >> 6) & 0x3F)
    out[place + 3] = 0x80 | (code & 0x3F)
    return place + 4


@njit(cache=True, nogil=True)
def _compact(code, out, place):
    """Write a character as the compact form of JSON has it."""
    if code >= 0x80:
        return _character(code, out, place)
    if _SHORT[code]:
        out[place] = _BACKSLASH
        out[place + 1] = _SHORT[code]
        return place + 2
    if code >= _BLANK:
        out[place] = code
        return place + 1
    out[place] = _BACKSLASH
    out[place + 1] = _U
    out[place + 2] = _DIGITS[0]
    out[place + 3] = _DIGITS[0]
    out[place + 4] = _DIGITS[code >> 4]
    out[place + 5] = _DIGITS[code & 15]
    return place + 6


@njit(cache=True, nogil=True)
def _unescaped(data, begin, end, plain, at, compact, to):
    """Write a text with escapes as it is meant to ``plain``, and in the compact form to ``compact``."""
    while begin < end:
        stop = min(_special(data, begin), end)
        at = _copied(data, begin, stop, plain, at)
        to = _copied(data, begin, stop, compact, to)
        if stop == end:
            break
        begin = stop + 2
        code = np.int64(_MEANT[data[stop + 1]])
        if data[stop + 1] == _U:
            code = _code(data, begin)
            begin += 4
            if 0xD800 <= code < 0xDC00:
                code = 0x10000 + ((code - 0xD800) << 10) + _code(data, begin + 2) - 0xDC00
                begin += 6
        at = _character(code, plain, at)
        to = _compact(code, compact, to)
    return at, to


@njit(cache=True, nogil=True)
def _same(data, begin, end, word):
    """Whether the bytes are those of ``word``."""
    if end - begin != len(word):
        return False
    for k in range(len(word)):
        if data[begin + k] != word[k]:
            return False
    return True


@njit(cache=True, nogil=True)
def _past_blanks(data, at):
    while data[at] == _BLANK:
        at += 1
    return at


@njit(cache=True, nogil=True)
def _message(data, at, spans):
    """Find role and content of a message that opens at ``at``; return the place behind it, or -1 if it is not plain.

    ``spans`` gets begin, end and whether there are escapes, of the role and of the content.
    """
    if data[at] != 123:
        return -1
    at = _past_blanks(data, at + 1)
    seen = 0
    while True:
        if data[at] != _QUOTE:
            return -1
        which = 3 if data[at + 1] == 99 else 0
        if seen >> which & 1:
            return -1
        word = _CONTENT if which else _ROLE
        if not _same(data, at + 1, at + 1 + len(word), word) or data[at + 1 + len(word)] != _QUOTE:
            return -1
        seen |= 1 << which
        at = _past_blanks(data, at + len(word) + 2)
        if data[at] != 58:
            return -1
        at = _past_blanks(data, at + 1)
        if data[at] != _QUOTE:
            return -1
        end, escaped = _end_of_string(data, at + 1)
        if end < 0:
            return -1
        spans[which] = at + 1
        spans[which + 1] = end
        spans[which + 2] = escaped
        at = _past_blanks(data, end + 1)
        if seen == 9:
            return at + 1 if data[at] == 125 else -1
        if data[at] != 44:
            return -1
        at = _past_blanks(data, at + 1)


@njit(cache=True, nogil=True)
def _known(data, begin, end, owner, keys, owners, count):
    """Whether the object ``owner`` has named this key before."""
    for k in range(count):
        if owners[k] == owner and keys[2 * k + 1] - keys[2 * k] == end - begin:
            same = True
            for n in range(end - begin):
                if data[begin + n] != data[keys[2 * k] + n]:
                    same = False
                    break
            if same:
                return True
    return False


@njit(cache=True, nogil=True)
def lift_lines(data, size, column, mark, rest, roles, role_ends, contents, content_ends, said, rows, counts, said_ends,
               doubtful, scratch):  # fmt: skip
    """Take the plain conversations out of lines.

    All that is written goes to the arrays from ``rest`` on, each long enough for whatever comes (bytes: as long as
    ``data``; messages: an eighth of it; lines: as many as there are). What a role, a content and a compact conversation
    are stands one behind the other, with the place behind each in ``..._ends``.

    Args:
        data: records, one a line, without the last line's end, and 64 bytes more, of which the first is a line feed.
        size: bytes of the lines.
        column: the name of the column that the conversations stand under.
        mark: stands in ``rest`` where a conversation was.

    Returns:
        How many bytes of ``rest`` and how many lines and messages there are.
    """
    spans = scratch[:6]
    stack = scratch[6:_STACK_END]
    owners = scratch[_STACK_END : _STACK_END + _KEYS]
    keys = scratch[_STACK_END + _KEYS : SCRATCH]
    lifted = messages = rest_end = role_end = content_end = said_end = 0
    start = line = 0
    while start <= size:
        at = start
        begin = end = -1
        first, role_was, content_was, said_was = messages, role_end, content_end, said_end
        depth = objects = named = 0
        repeated = False
        good = data[at] == 123
        while good:
            sign = data[at]
            if sign == _QUOTE:
                stop = at + 1
                escaped = False
                while data[stop] != _QUOTE and data[stop] >= _BLANK:
                    if data[stop] == _BACKSLASH:
                        escaped = True
                        stop += data[stop + 1] >= _BLANK
                    stop += 1
                if data[stop] != _QUOTE:
                    good = False
                    break
                after = _past_blanks(data, stop + 1)
                if data[after] == 58:
                    owner = stack[depth]
                    if escaped or named == _KEYS or _known(data, at + 1, stop, owner, keys, owners, named):
                        repeated = True
                    else:
                        keys[2 * named] = at + 1
                        keys[2 * named + 1] = stop
                        owners[named] = owner
                        named += 1
                    if depth == 1 and begin < 0 and _same(data, at + 1, stop, column):
                        begin = _past_blanks(data, after + 1)
                        if data[begin] != 91:
                            good = False
                            break
                        at = _past_blanks(data, begin + 1)
                        said[said_end] = 91
                        said_end += 1
                        while True:
                            at = _message(data, at, spans)
                            if at < 0:
                                break
                            said_end = _copied(_HEAD, 0, len(_HEAD), said, said_end)
                            if spans[2]:
                                role_end, said_end = _unescaped(
                                    data, spans[0], spans[1], roles, role_end, said, said_end
                                )
                            else:
                                role_end = _copied(data, spans[0], spans[1], roles, role_end)
                                said_end = _copied(data, spans[0], spans[1], said, said_end)
                            role_ends[messages] = role_end
                            said_end = _copied(_MIDDLE, 0, len(_MIDDLE), said, said_end)
                            if spans[5]:
                                content_end, said_end = _unescaped(
                                    data, spans[3], spans[4], contents, content_end, said, said_end
                                )
                            else:
                                content_end = _copied(data, spans[3], spans[4], contents, content_end)
                                said_end = _copied(data, spans[3], spans[4], said, said_end)
                            content_ends[messages] = content_end
                            messages += 1
                            said[said_end] = _QUOTE
                            said[said_end + 1] = 125
                            said_end += 2
                            at = _past_blanks(data, at)
                            if data[at] != 44:
                                break
                            said[said_end] = 44
                            said_end += 1
                            at = _past_blanks(data, at + 1)
                        if at < 0 or data[at] != 93:
                            good = False
                            break
                        said[said_end] = 93
                        said_end += 1
                        end = at = at + 1
                        continue
                    at = after + 1
                    continue
                at = after
                continue
            if sign == 123:
                depth += 1
                if depth == _DEPTH:
                    good = False
                    break
                objects += 1
                stack[depth] = objects
            elif sign == 125:
                depth -= 1
                if depth < 0:
                    good = False
                    break
            elif sign < _BLANK:
                good = sign == _FEED
                break
            at += 1
        if good and end >= 0:
            rest_end = _copied(data, start, begin, rest, rest_end)
            rest_end = _copied(mark, 0, len(mark), rest, rest_end)
            rest_end = _copied(data, end, at + 1, rest, rest_end)
            rows[lifted] = line
            counts[lifted] = messages - first
            said_ends[lifted] = said_end
            doubtful[lifted] = repeated
            lifted += 1
        else:
            messages, role_end, content_end, said_end = first, role_was, content_was, said_was
            at = start
        while data[at] != _FEED:
            at += 1
        start = at + 1
        line += 1
    return rest_end, lifted, messages
