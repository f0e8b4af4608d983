"""Where an OpenAI-compatible server is, and the key to it: what may be written down of both, and what may not."""

from __future__ import annotations

import ipaddress
import os
import urllib.request
from urllib.parse import urlsplit, urlunsplit

from ...curate.errors import UsageError, quote


def base_url(text: str) -> str:
    """Return the address under which ``/chat/completions`` stands.

    Without a path it is ``/v1``, where vLLM, llama.cpp, Ollama and the hosted services have it.

    Raises:
        UsageError: it is no http or https address, or holds what may not be written down: a password, a query.

    >>> base_url("http://localhost:8000"), base_url("https://api.example.com/v1/chat/completions")
    ('http://localhost:8000/v1', 'https://api.example.com/v1')
    """
    try:
        parts = urlsplit(text.strip())
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(
            f"{quote(_plain(text))} is no address ({error}); give one such as http://localhost:8000/v1."
        ) from error
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError(f"{quote(_plain(text))} is no http address; give one such as http://localhost:8000/v1.")
    if "@" in parts.netloc:
        raise UsageError(
            f"the address of {quote(host)} holds a name or password, which would be written down with every run; put the key "
            "into an environment variable and name that (key_env)."
        )
    if parts.query or parts.fragment:
        raise UsageError(
            f"the address of {quote(host)} has a query or fragment; give it up to the path, which ends in /v1."
        )
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    return urlunsplit((parts.scheme, parts.netloc.lower(), path or "/v1", "", ""))


def read_key(name: str | None) -> str | None:
    """Return the API key that stands in an environment variable; ``None`` where none is named.

    No variable is read that nobody named: the key of one service would be sent to another.

    Raises:
        UsageError: the variable is not set, or can't be a key.
    """
    if name is None:
        return None
    if not name.replace("_", "a").isalnum() or len(name) > 100:  # most likely the key itself: it is not repeated here
        raise UsageError("key_env is the name of an environment variable that holds the key, not the key.")
    key = os.environ.get(name, "").strip()
    if not key:
        raise UsageError(f"the environment variable {name} is not set; put the API key there (export {name}=...).")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UsageError(f"the environment variable {name} holds characters that no API key has; set it again.")
    return key


def is_loopback(url: str) -> bool:
    """Say whether an address is this machine's own, so that nothing leaves it.

    >>> is_loopback("http://127.0.0.1:8000/v1"), is_loopback("https://localhost.example.com/v1")
    (True, False)
    """
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")  # RFC 6761, section 6.3


def proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names for an address, with its password where it has one; ``None`` without one.

    It is looked up here and once: the HTTP library would also send what ``~/.netrc`` has for the host.
    """
    parts = urlsplit(url)
    if is_loopback(url) or urllib.request.proxy_bypass(parts.netloc):
        return None
    named = urllib.request.getproxies()
    found = named.get(parts.scheme) or named.get("all")
    return found if found is None or "://" in found else f"http://{found}"


def note(url: str, model: str, key_env: str | None) -> str:
    """Return one sentence on where questions go, and with which key."""
    where = (
        "which is this machine: nothing leaves it"
        if is_loopback(url)
        else "another machine; nothing else leaves this one"
    )
    key = f", with the key in ${key_env}" if key_env else ""
    plain = (
        " The way there is not encrypted (http): others on it can read them."
        if url.startswith("http:") and not is_loopback(url)
        else ""
    )
    return f"The questions go to {url} ({quote(model)}{key}), {where}.{plain}"


def _plain(text: str) -> str:
    """An address without what may be a password."""
    return text.rpartition("@")[2]
