"""An index in Redis: datasketch's ``MinHashLSH`` keeps the bands, a hash beside it the evidence and where rows stand.

datasketch writes the bands table by table, so a client that is killed leaves a row in some of them. What makes a row count is
therefore written last, in one transaction: its evidence and its standings. A row without evidence is no suspect, and is added
again by the next run. Keys are plain bytes: datasketch would otherwise pickle them, and whoever can write to the server could run
code here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import unquote, urldefrag

import numpy as np
import numpy.typing as npt
import polars as pl

from ..errors import DataError, MissingExtra, UsageError, quote
from ..wording import shell
from .signatures import DAMAGED, U32, Settings
from .stores import STANDING, Batch, Ints, shown

_NAME = "vetset"
_AT_ONCE = 2_000  # rows of one round trip
_ASKED_AT_ONCE = 500  # rows whose suspects are asked for: where a template fills the index, each has thousands


@dataclass(frozen=True)
class RedisStore:
    """An open index on a Redis server."""

    address: str
    client: Any
    settings: Settings
    name: str
    lsh: Any
    keys: list[bytes] = field(default_factory=list)
    """The key of each handle; handles are given out as sets are met."""
    handles: dict[bytes, int] = field(default_factory=dict)

    @classmethod
    def opened(cls, address: str, new: Callable[[], Settings] | None) -> Self:
        """Connect; with ``new``, make the index where there is none."""
        try:
            import redis  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise MissingExtra("an index in Redis needs Redis' client; `pip install redis`.") from error
        from datasketch import MinHashLSH

        base, fragment = urldefrag(address)
        name = f"{_NAME}:{unquote(fragment)}" if fragment else _NAME
        try:
            pool = redis.ConnectionPool.from_url(base, socket_connect_timeout=10)
        except ValueError as error:
            raise UsageError(f"{shown(address)} is no address of Redis; write redis://HOST:PORT/DATABASE.") from error
        try:
            with _plain_errors(address):
                client = redis.Redis(connection_pool=pool)
                settings = _head(client, name, address, new)
                lsh = MinHashLSH(
                    num_perm=settings.parameters[0].size,
                    params=(settings.bands, settings.width),
                    # One pool for all of its 22 tables, which would otherwise hold a connection each, and never close it.
                    storage_config={
                        "type": "redis", "basename": f"{name}:bands".encode(), "redis": {"connection_pool": pool},
                    },
                    prepickle=False,
                )  # fmt: skip
                return cls(address, client, settings, name, lsh)
        except BaseException:
            pool.disconnect()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.connection_pool.disconnect()

    def write(self, batch: Batch) -> npt.NDArray[np.bool_]:
        """Keep a batch: bands first, then evidence and standings, 2,000 rows a transaction."""
        keys = batch.sketches.keys
        with _plain_errors(self.address):
            have = [known for low in range(0, len(keys), _AT_ONCE) for known in self._have(keys[low : low + _AT_ONCE])]
            fresh = [number for number, known in enumerate(have) if not known]
            for low in range(0, len(fresh), _AT_ONCE):
                self._add_bands(keys, batch.signed, fresh[low : low + _AT_ONCE])
                pipe = self.client.pipeline()
                for number in fresh[low : low + _AT_ONCE]:
                    pipe.hset(f"{self.name}:evidence", keys[number], batch.evidence(number, self.settings))
                pipe.execute()
            return self._add_standings(batch, keys)

    def suspects(
        self, signed: U32, limit: int, apart_from: Sequence[str] = ()
    ) -> Generator[tuple[Ints, Ints], None, None]:
        """Yield query numbers and handles that share a band; see ``Store``."""
        del apart_from  # to know where each stands would take a question a row
        for low in range(0, len(signed), _ASKED_AT_ONCE):
            here = signed[low : low + _ASKED_AT_ONCE]
            shared: list[Counter[bytes]] = [Counter() for _ in here]
            for (start, end), table in zip(self.lsh.hashranges, self.lsh.hashtables, strict=True):
                buckets = _buckets(here, start, end)
                distinct = list(dict.fromkeys(buckets))  # a template's rows share one: it is fetched once
                with _plain_errors(self.address):
                    members = dict(zip(distinct, table.getmany(*distinct), strict=True))
                for count, bucket in zip(shared, buckets, strict=True):
                    count.update(members[bucket])
            queries, handles = [], []
            for at, count in enumerate(shared):
                best = sorted(count.items(), key=lambda item: (-item[1], item[0]))[:limit]
                queries += [low + at] * len(best)
                handles += [self._handle(key) for key, _ in best]
            yield np.array(queries, np.int64), np.array(handles, np.int64)

    def evidence(self, handles: Ints) -> tuple[list[bytes], list[bytes]]:
        """Return the key of each set and its evidence; both empty for a set whose addition was cut off."""
        keys = [self.keys[handle] for handle in handles.tolist()]
        found: list[bytes | None] = []
        with _plain_errors(self.address):
            for low in range(0, len(keys), _AT_ONCE):
                found += self.client.hmget(f"{self.name}:evidence", keys[low : low + _AT_ONCE])
        unit = 8 if self.settings.exact else 4 * self.settings.parameters[0].size
        if any(len(held) % unit for held in found if held is not None):
            raise DataError(f"{shown(self.address)} holds rows that can't be read; {DAMAGED}")
        none = b"" if self.settings.exact else bytes(unit)
        return [b"" if held is None else key for key, held in zip(keys, found, strict=True)], [
            none if held is None else held for held in found
        ]

    def standings(self, handles: Ints, apart_from: Sequence[str]) -> pl.DataFrame:
        """Return where sets stand; see ``Store``."""
        lines = []
        with _plain_errors(self.address):
            for handle in handles.tolist():  # a set of 20,000 rows is one answer of 2 MB
                first: dict[tuple[str, str | None, int], list[Any]] = {}
                for place, told in self.client.hgetall(self._place(self.keys[handle])).items():
                    name, split, content = json.loads(place)
                    part, file, line, added = json.loads(told)
                    entry = [handle, part, name, split, content, file, line, added]
                    stands = first.setdefault((name, split, part), [*entry, 0])
                    if (added, line or 0, content) < (stands[7], stands[6] or 0, stands[4]):
                        stands[:8] = entry
                    stands[8] += 1
                lines += [stands for key, stands in sorted(first.items(), key=str) if key[0] not in apart_from]
        return pl.DataFrame(lines, schema=STANDING, orient="row")

    def figures(self) -> dict[str, Any]:
        """Return what ``info`` tells."""
        sets = []
        with _plain_errors(self.address):
            last = self.client.hgetall(f"{self.name}:last")
            for place, first in self.client.hgetall(f"{self.name}:first").items():
                name, split = json.loads(place)
                times = {"first": first.decode(), "last": last.get(place, first).decode()}
                rows = self.client.scard(f"{self.name}:rows:".encode() + place)
                sets.append({"set": name, "split": split, "rows": rows, **times})
            sketches = self.client.hlen(f"{self.name}:evidence")
        sets.sort(key=lambda entry: (entry["set"], entry["split"] or ""))
        return {"sketches": sketches, "bytes": None, "sets": sets}

    def _have(self, keys: list[bytes]) -> list[bool]:
        pipe = self.client.pipeline(transaction=False)
        for key in keys:
            pipe.hexists(f"{self.name}:evidence", key)
        return pipe.execute()

    def _add_bands(self, keys: list[bytes], signed: U32, numbers: list[int]) -> None:
        """Let datasketch keep the bands; what a killed client has left of them is written over."""
        from datasketch import MinHash

        parameters = np.array(self.settings.parameters)
        with self.lsh.insertion_session(buffer_size=50_000) as session:
            for number in numbers:
                values = signed[number]
                one = MinHash(hashvalues=values, permutations=parameters, scheme="affine32")
                session.insert(keys[number], one, check_duplication=False)

    def _add_standings(self, batch: Batch, keys: list[bytes]) -> npt.NDArray[np.bool_]:
        """Keep the standings that are new; the first to tell of one wins. Return which were new."""
        new: list[bool] = []
        lines = [*batch.standings.select("number", "content", "split", "file", "line", "part").iter_rows()]
        for low in range(0, len(lines), _AT_ONCE):
            pipe = self.client.pipeline()
            for number, content, split, file, line, part in lines[low : low + _AT_ONCE]:
                place, told = json.dumps([batch.name, split]), json.dumps([part, file, line, batch.added])
                pipe.hsetnx(self._place(keys[number]), json.dumps([batch.name, split, content]), told)
                pipe.hsetnx(f"{self.name}:first", place, batch.added)
                pipe.sadd(f"{self.name}:rows:{place}", content)
            new += [bool(fresh) for fresh in pipe.execute()[::3]]
        for split in batch.standings.filter(pl.Series(new, dtype=pl.Boolean))["split"].unique():
            self.client.hset(f"{self.name}:last", json.dumps([batch.name, split]), batch.added)
        return np.array(new, np.bool_)

    def _place(self, key: bytes) -> bytes:
        return f"{self.name}:standing:".encode() + key

    def _handle(self, key: bytes) -> int:
        if key not in self.handles:
            self.handles[key] = len(self.keys)
            self.keys.append(key)
        return self.handles[key]


def _buckets(signed: U32, start: int, end: int) -> list[bytes]:
    """Return the bucket of each signature in the table of one band, as ``MinHashLSH`` names it: big-endian values."""
    whole = signed[:, start:end].astype(">u4").tobytes()
    return [whole[at : at + 4 * (end - start)] for at in range(0, len(whole), 4 * (end - start))]


def _head(client: Any, name: str, address: str, new: Callable[[], Settings] | None) -> Settings:
    found = client.get(f"{name}:head")
    if found is None and new is not None:
        client.set(f"{name}:head", new().to_json(), nx=True)  # of two that make it, the first wins
        found = client.get(f"{name}:head")
    place = shown(address)
    if found is None:
        raise UsageError(f"{place}: no such index; make one with `vetset index add {shell(place)} NAME.vet`.")
    return Settings.from_json(found.decode(errors="replace"), place)


@contextmanager
def _plain_errors(address: str) -> Iterator[None]:
    """Turn the errors of the client that a user can meet into sentences; they never hold the password."""
    from redis import exceptions  # pyright: ignore[reportMissingImports]

    try:
        yield
    except exceptions.AuthenticationError as error:
        raise UsageError(
            f"{shown(address)} refuses this user or password; write redis://USER:PASSWORD@HOST."
        ) from error
    except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
        raise UsageError(f"{shown(address)} can't be reached; is the server up, and the address right?") from error
    except exceptions.ResponseError as error:
        raise UsageError(
            f"{shown(address)} refused the command ({quote(error)}); run it again once that is mended."
        ) from error
