"""SQLite's errors as sentences, each provoked in a real file."""

import sqlite3

import pytest
from vetset.curate.errors import DataError, UsageError
from vetset.curate.sqlite_errors import plain_errors


def nothing_of_its_own(name, error):
    return None


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "x.db"
    connection = sqlite3.connect(path, isolation_level=None, timeout=0)
    connection.execute("CREATE TABLE t (a UNIQUE)")
    yield path, connection
    connection.close()


def test_a_file_in_use_says_so(file):
    path, connection = file
    other = sqlite3.connect(path, isolation_level=None, timeout=0)
    other.execute("BEGIN EXCLUSIVE")
    told = r"x\.db is in use by another process; nothing was written"
    with pytest.raises(UsageError, match=told), plain_errors(path, nothing_of_its_own):
        connection.execute("INSERT INTO t VALUES (1)")
    other.close()


def test_a_full_disk_says_so(file):
    path, connection = file
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={pages}")
    told = r"x\.db: the disk is full; nothing was written"
    with pytest.raises(UsageError, match=told), plain_errors(path, nothing_of_its_own):
        connection.execute("INSERT INTO t VALUES (?)", ["x" * 100_000])


def test_a_file_that_may_only_be_read_says_so(file):
    path, _ = file
    readonly = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)
    told = r"x\.db can't be opened or written .*; nothing was written"
    with pytest.raises(UsageError, match=told), plain_errors(path, nothing_of_its_own):
        readonly.execute("INSERT INTO t VALUES (1)")
    readonly.close()


def test_what_a_kind_of_file_says_itself_goes_before(tmp_path):
    (tmp_path / "x.db").write_bytes(b"no database at all, but long enough to be one" * 100)
    connection = sqlite3.connect(tmp_path / "x.db")
    seen = []

    def own(name, error):
        seen.append(name)
        return DataError("damaged; do this")

    with pytest.raises(DataError, match="damaged; do this") as raised, plain_errors(tmp_path / "x.db", own):
        connection.execute("SELECT * FROM t")
    assert seen == ["SQLITE_NOTADB"]
    assert isinstance(raised.value.__cause__, sqlite3.DatabaseError)
    connection.close()


def test_a_fault_of_ours_passes_as_it_is(file):
    path, connection = file
    connection.execute("INSERT INTO t VALUES (1)")
    with pytest.raises(sqlite3.IntegrityError), plain_errors(path, nothing_of_its_own):
        connection.execute("INSERT INTO t VALUES (1)")
