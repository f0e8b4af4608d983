"""Bytes to a server and back: connections that are kept, certificates that are checked, replies that are whole.

By aiohttp, whose client costs 0.2 to 0.4 ms of CPU a call where httpx takes 1.4 to 2.3 (benchmarks/openai_client.py).
"""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ...curate.errors import MissingExtra, quote
from .openai_address import proxy_for
from .retrying import Fault

if TYPE_CHECKING:
    import aiohttp

CONNECT = 15.0
"""Seconds for a connection to be made; a server that is there takes less than one."""
_LARGEST = 64 << 20
"""Bytes of a reply, unpacked. An answer of 100,000 tokens with log-probabilities has about 50 MB."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    """From sending to the last byte."""


class Unanswered(Exception):
    """No whole reply came back."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.why)
        self.fault = fault


def check_installed() -> None:
    """Raise MissingExtra where aiohttp is not installed."""
    if find_spec("aiohttp") is None:
        raise MissingExtra(
            "a server is asked through aiohttp, which is not installed; run pip install 'vetset[models]'."
        )


class Connection:
    """The connections to one server."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        """Take an open session."""
        self._session = session
        self._url = url
        self._proxy = proxy_for(url)

    async def post(self, body: bytes) -> Reply:
        """Send a call, and return the reply when all of it is there.

        Raises:
            Unanswered: nobody is there, the connection broke, the reply is cut off, or the deadline has passed.
        """
        started = time.perf_counter()
        # Above a mebibyte aiohttp wants a file, so that writing it lets other calls through.
        data = body if len(body) < 1 << 20 else io.BytesIO(body)
        try:
            async with self._session.post(self._url, data=data, allow_redirects=False, proxy=self._proxy) as response:
                received = await _whole(response.content)
                return Reply(response.status, response.headers, received, time.perf_counter() - started)
        except (OSError, ValueError, _client_error()) as error:
            raise Unanswered(_fault(error)) from error


@asynccontextmanager
async def connect(url: str, *, key: str | None, most: int, deadline: float) -> AsyncIterator[Connection]:
    """Open the connections to a server.

    Args:
        url: that calls are posted to.
        key: sent as a bearer token; it stands in no error and no log.
        most: connections at once.
        deadline: seconds until the last byte of a reply.
    """
    import aiohttp

    headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "vetset"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=most),
        timeout=aiohttp.ClientTimeout(total=deadline, sock_connect=CONNECT),
        headers=headers,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,  # it would send what ~/.netrc has for the host, and look it up from a thread for every call
    ) as session:
        yield Connection(session, url)
    # A closed connection lets go of its socket in a later turn of the loop (aiohttp's "graceful shutdown"); TLS says goodbye.
    await asyncio.sleep(0.25 if url.startswith("https:") else 0.01)


def _client_error() -> type[Exception]:
    import aiohttp

    return aiohttp.ClientError


async def _whole(content: aiohttp.StreamReader) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in content.iter_any():
        pieces.append(piece)
        size += len(piece)
        if size > _LARGEST:
            raise ValueError(f"a reply of more than {_LARGEST >> 20} MiB")
    return b"".join(pieces)


def _fault(error: Exception) -> Fault:  # noqa: PLR0911 - a table of exceptions
    import aiohttp

    name = type(error).__name__
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        why = f"its certificate is not trusted ({quote(error, 160)}); where it is your own, name its authority in SSL_CERT_FILE"
        return Fault("stop", why)
    if isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ConnectionTimeoutError):
        return Fault("passing", "no reply before the deadline", crowded=True)
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        why = getattr(getattr(error, "os_error", None), "strerror", None) or error
        return Fault("passing", f"no connection ({quote(why, 160)[1:-1]})", unreached=True)
    if isinstance(error, aiohttp.ClientPayloadError):
        return Fault("passing", "a reply that was cut off")
    if isinstance(error, aiohttp.InvalidURL):
        return Fault("stop", "it is no address that can be called")
    if isinstance(error, aiohttp.ClientError | OSError):
        return Fault("passing", f"the connection broke ({name})")
    return Fault("passing", quote(error)[1:-1])
