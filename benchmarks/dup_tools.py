"""One tool, from texts to clusters, in a process of its own: run by ``duplicates.py`` in the tool's environment.

    python dup_tools.py TOOL TEXTS OUT [THREADS]

Needs nothing but the tool. The clock runs after imports and after the texts are in memory, in the container that the tool
takes: a list of strings, or a polars Series for vetset. Peers get what their own pages show for a threshold of 0.8, and word
5-grams of the text in lower case where they leave the cutting to the user.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path


def memory(field):
    """MB of ``VmRSS`` (now) or ``VmHWM`` (the most since ``clear``)."""
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def clear():
    """Let ``VmHWM`` begin anew."""
    with open("/proc/self/clear_refs", "w") as out:
        out.write("5")


def cpu():
    """CPU seconds of this process, in user and system mode, of all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def grams(text, width=5):
    """Word n-grams as the peers' pages cut them: lower case, at white space."""
    words = text.lower().split()
    return [" ".join(words[at : at + width]) for at in range(max(1, len(words) - width + 1))]


def clusters(rows, pairs):
    """Lowest row of each row's cluster, by union-find."""
    parent = list(range(rows))

    def root(row):
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for a, b in pairs:
        one, other = root(a), root(b)
        parent[max(one, other)] = min(one, other)
    return [root(row) for row in range(rows)]


def lowest_kept(label):
    """Of each cluster the lowest row is kept, as text-dedup, datatrove and gaoya's users do."""
    return {"label": label, "removed": [int(row != at) for at, row in enumerate(label)]}


def rensa_headline(texts):
    """The path of rensa's published figures: words, rho sketch, one-shot flags (both rows of a pair are flagged)."""
    from rensa import RMinHash, RMinHashLSH

    def work():
        return _rensa_rho((text.split() for text in texts), RMinHash, RMinHashLSH)

    return work


def rensa_grams(texts):
    """The same on word 5-grams."""
    from rensa import RMinHash, RMinHashLSH

    return lambda: _rensa_rho((grams(text) for text in texts), RMinHash, RMinHashLSH)


def _rensa_rho(tokens, sketch, index):
    matrix = sketch.digest_matrix_from_token_sets_rho(list(tokens), num_perm=128, seed=42, probes=4)
    lsh = index(threshold=0.8, num_perm=128, num_bands=8)
    return {"removed": [int(flag) for flag in lsh.query_duplicate_flags_matrix_one_shot(matrix)]}


def rensa_full(texts):
    """Every token counts: the full matrix on 5-grams, 16 bands of 8, flags."""
    from rensa import RMinHash, RMinHashLSH

    def work():
        matrix = RMinHash.digest_matrix_from_token_sets([grams(text) for text in texts], num_perm=128, seed=42)
        lsh = RMinHashLSH(threshold=0.8, num_perm=128, num_bands=16)
        return {"removed": [int(flag) for flag in lsh.query_duplicate_flags_matrix_one_shot(matrix)]}

    return work


def rensa_keep(texts):
    """The example of rensa's page, "keep unique documents": a row is kept or not."""
    from rensa import RMinHashDeduplicator

    def work():
        index = RMinHashDeduplicator(threshold=0.8, num_perm=128, use_lsh=True)
        kept = index.add_pairs((str(row), text.split()) for row, text in enumerate(texts))
        return {"removed": [int(not keep) for keep in kept]}

    return work


def datasketch(texts):
    """Bulk signatures and the index with its own choice of bands."""
    from datasketch import MinHash, MinHashLSH

    def work():
        signatures = MinHash.bulk(([gram.encode() for gram in grams(text)] for text in texts), num_perm=128)
        index = MinHashLSH(threshold=0.8, num_perm=128)
        pairs = []
        for row, signature in enumerate(signatures):
            pairs += [(row, other) for other in index.query(signature)]
            index.insert(row, signature)
        return lowest_kept(clusters(len(texts), pairs))

    return work


def set_similarity_search(texts):
    """The exact join in Python; a row is removed if it is near to a kept row before it."""
    from SetSimilaritySearch import all_pairs

    def work():
        pairs = [(int(a), int(b)) for a, b, _ in all_pairs([list(set(grams(text))) for text in texts], "jaccard", 0.8)]
        near = {}
        for a, b in pairs:
            near.setdefault(max(a, b), []).append(min(a, b))
        removed = [0] * len(texts)
        for row in sorted(near):
            removed[row] = int(any(not removed[other] for other in near[row]))
        return {"label": clusters(len(texts), pairs), "removed": removed}

    return work


def gaoya(texts):
    """Its Rust index with its Rust tokeniser; 16 bands of 8."""
    from gaoya.minhash import MinHashStringIndex

    def work():
        index = MinHashStringIndex(
            32, 0.8, 16, 8, analyzer="word", lowercase=True, ngram_range=(5, 5), id_container="vec"
        )
        index.par_bulk_insert_docs(list(range(len(texts))), texts)
        found = index.par_bulk_query(texts)
        return lowest_kept(
            clusters(len(texts), [(row, int(other)) for row, some in enumerate(found) for other in some])
        )

    return work


def text_dedup(texts):
    """The functions of its MinHash command, its defaults, without its files."""
    from collections import defaultdict

    import numpy as np
    from text_dedup import minhash
    from text_dedup.utils import optimal_param, xxh3_32hash

    def work():
        bands, width = optimal_param(0.8, 250, false_positive_weight=0.5, false_negative_weight=0.5)
        prime = np.uint64((1 << 61) - 1)
        draw = np.random.RandomState(42)
        numbers = (
            draw.randint(1, prime, size=(250,), dtype=np.uint64),
            draw.randint(0, prime, size=(250,), dtype=np.uint64),
        )
        tables = [defaultdict(set) for _ in range(bands)]
        for row, text in enumerate(texts):
            made = minhash.embed_func(
                text, row, num_perm=250, ngram_size=5, min_length=5,
                hashranges=[(band * width, (band + 1) * width) for band in range(bands)], permutations=numbers,
                hash_func=xxh3_32hash, dtype=np.uint64, max_hash=np.uint32((1 << 32) - 1), modulo_prime=prime,
            )  # fmt: skip
            if len(minhash.NON_ALPHA.split(text.lower())) >= 5:
                for table, signature in zip(tables, made["__signatures__"], strict=True):
                    table[signature].add(row)
        pairs = [(row, min(some)) for table in tables for some in table.values() if len(some) > 1 for row in some]
        return lowest_kept(clusters(len(texts), pairs))

    return work


def datatrove(texts):
    """Three of its four MinHash stages, its defaults, through files in a folder of their own."""
    import struct
    import tempfile

    from datatrove.data import Document
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupSignature
    from datatrove.utils.logging import logger

    logger.remove()

    def work():
        with tempfile.TemporaryDirectory() as folder:
            signatures, buckets, found = (f"{folder}/{name}" for name in ("signatures", "buckets", "found"))
            documents = (Document(text=text, id=str(row)) for row, text in enumerate(texts))
            MinhashDedupSignature(signatures).run(documents, 0, 1)
            for bucket in range(14):
                MinhashDedupBuckets(signatures, buckets).run(None, bucket, 14)
            MinhashDedupCluster(buckets, found, save_cluster_id=True).run(None, 0, 1)
            label = list(range(len(texts)))
            numbers = Path(found, "000000.clusters").read_bytes()
            for row, number in struct.iter_unpack("<II", numbers):
                label[row] = len(texts) + number
            removed = [0] * len(texts)
            for (row,) in struct.iter_unpack("<I", Path(found, "000000.remove").read_bytes()):
                removed[row] = 1
        return {"label": label, "removed": removed}

    return work


def vetset(texts):
    """Exact components, and stars around the first row of each."""
    import numpy as np
    from vetset.curate.near import joining
    from vetset.curate.near.shingles import shingled

    threads = int(os.environ.get("POLARS_MAX_THREADS", "1"))
    steps: dict[str, float] = {}

    def work(texts=texts):
        steps.clear()
        started = cpu()
        sets = shingled(texts, threads=threads)
        steps["shingled"] = cpu()
        ready = joining.prepare(sets, 0.8, threads=threads)
        steps["prepare"] = cpu()
        label = joining.components(sets, ready)
        steps["components"] = cpu()
        keepers, jaccard = joining.stars(sets, ready, label, np.arange(len(texts)))
        steps["stars"] = cpu()
        ends = [started, *steps.values()]
        steps.update({name: end - before for name, before, end in zip(list(steps), ends[:-1], ends[1:], strict=True)})
        return sets, ready, label, keepers, jaccard

    work(texts.__class__(["one two three four five six", "one two three four five six seven ä", "ก", "e\u0301"] * 2))
    work.start = cpu()  # all that the process has used so far but the reading of the texts, which is some hundredths

    def told(result):
        sets, ready, label, keepers, jaccard = result
        rows = np.arange(len(texts))
        said = {
            "label": np.where(label < 0, rows, label).tolist(),
            "removed": ((keepers >= 0) & (keepers != rows)).astype(int).tolist(),
            "steps": steps,
        }
        if len(texts) <= 100_000:
            said |= {"keepers": keepers.tolist(), "jaccard": jaccard.tolist(), "empty": (label < 0).tolist()}
            said["pairs"] = joining.pairs(sets, ready).to_dict(as_series=False)
        return said

    work.told = told
    return work


TOOLS = {
    "vetset": vetset,
    "rensa headline": rensa_headline,
    "rensa 5-grams": rensa_grams,
    "rensa full matrix": rensa_full,
    "rensa keep": rensa_keep,
    "gaoya": gaoya,
    "datasketch bulk": datasketch,
    "SetSimilaritySearch": set_similarity_search,
    "text-dedup": text_dedup,
    "datatrove": datatrove,
}


def main(tool: str, texts_file: str, out: str) -> None:
    """Run one tool and write what it said and what it used as JSON."""
    if tool == "vetset":
        import polars as pl

        # By way of bytes: a mapped file would count as memory only where it is read, which is within the clock.
        texts = pl.read_ipc(Path(texts_file).read_bytes())["text"].rechunk()
    else:
        with open(Path(texts_file).with_suffix(".jsonl"), encoding="utf-8") as lines:
            texts = [json.loads(line) for line in lines]
    work = TOOLS[tool](texts)
    before = memory("VmRSS")
    clear()
    wall, used = time.perf_counter(), cpu()
    result = work()
    used, wall, most = cpu() - used, time.perf_counter() - wall, memory("VmHWM")
    said = work.told(result) if hasattr(work, "told") else result
    Path(out).write_text(
        json.dumps(
            {
                **said,
                "cpu": used,
                "wall": wall,
                "above": most - before,
                "rss": before,
                "start": getattr(work, "start", 0.0),
                "rows": len(texts),
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:4])
