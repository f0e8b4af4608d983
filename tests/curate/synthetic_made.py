"""Sets with synthetic rows, made by hand."""

import random

from vetset.curate.dataset import frame
from vetset.curate.distill.lineage import Lineage, Teacher, Verdict

LABELS, TONES = ("card", "loan", "refund", "transfer"), ("calm", "angry", "short")


def judged(score, *, verdict="pass", gate="distill.judge", note=""):
    return Verdict(gate, verdict, score, note)


def real_rows(count=24):
    """Rows that people wrote: each says its number, so that no two are the same."""
    return frame([
        {"messages": f"my {LABELS[n % 4]} of last week, number {n}, is not right", "label": LABELS[n % 4], "origin": "human",
         "license": "CC-BY-4.0", "source": "bank"} for n in range(count)
    ])  # fmt: skip


def made_row(n, parents, **lineage):
    """One synthetic row."""
    label, tone = LABELS[n % 4], TONES[n % 3]
    told = {
        "run": "first", "kind": "labelled", "draft": f"d-{n:012x}", "cell": {"label": label, "tone": tone},
        "tokens": (100, 20), "cost": 0.001, "currency": "USD", "made": f"2026-11-{10 + n % 2:02d}",
        "verdicts": (Verdict("distill.schema", "pass"), judged(1.0)),
    } | lineage  # fmt: skip
    teacher = told.pop("teacher", Teacher("HuggingFaceTB/SmolLM2-1.7B-Instruct", revision="abc"))
    return {
        "messages": f"please look at the {label}, {tone}, case {n}", "label": label, "origin": teacher.model,
        "source": f"distill:{told['run']}", "extra": Lineage(parents=tuple(parents), teacher=teacher, **told).to_extra(),
    }  # fmt: skip


def mixed(real=24, made=12, **lineage):
    """Real rows, and synthetic ones that were made from two of them each; every third is under review."""
    rows = real_rows(real)
    ids, draw = rows["id"].to_list(), random.Random(0)
    lines = []
    for n in range(made):
        fate = {
            "fate": "review",
            "why": "the judge was of two minds",
            "verdicts": (judged(0.5 + 0.02 * n, verdict="review"),),
        }
        lines.append(made_row(n, draw.sample(ids, 2), **(fate if n % 3 == 0 else {}), **lineage))
    return rows.vstack(frame(lines)) if lines else rows
