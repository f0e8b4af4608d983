"""Rows that a teacher wrote, for tests: real frames with a lineage, as a run of ``vetset distill`` hands them over."""

import json

from vetset.curate.dataset import frame
from vetset.curate.distill.lineage import Lineage, Teacher, Verdict

MODEL = "HuggingFaceTB/SmolLM2-360M-Instruct"


def child(
    text, *parents, label=None, model=MODEL, fate="accepted", why=None, draft=None, run="first", terms=None, **columns
):
    """A record for ``frame``: a row that ``model`` wrote from ``parents``."""
    told = Lineage(
        parents=parents, teacher=Teacher(model, revision="r1", terms=terms), run=run, kind="labelled",
        draft=draft or f"d-{text}", cell={"label": label or "none"}, recipe="c" * 64, prompt_sha256="a" * 64,
        response_sha256="b" * 64, tokens=(120, 30), cost=0.002, currency="EUR", made="2026-11-20", fate=fate, why=why,
        verdicts=(Verdict("distill.schema", "pass"), Verdict("distill.judge", "pass", 0.8, "clear")),
    )  # fmt: skip
    return {
        "messages": text,
        "label": label,
        "origin": model,
        "source": f"distill:{run}",
        "extra": told.to_extra(),
        **columns,
    }


def children(*records):
    """A rows frame of synthetic rows."""
    return frame(list(records))


def write_lines(path, rows):
    """Write rows as a run's folder keeps them."""
    told = [
        {"text": row["messages"][0]["content"], "label": row["label"], "source": row["source"], "origin": row["origin"],
         "license": row["license"], **json.loads(row["extra"])}
        for row in rows.iter_rows(named=True)
    ]  # fmt: skip
    path.parent.mkdir(exist_ok=True)
    lines = [json.dumps({name: value for name, value in one.items() if value is not None}) for one in told]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
