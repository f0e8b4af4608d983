"""The kinds of plan, by the word that a recipe calls them."""

from __future__ import annotations

from .backtranslation import BACKTRANSLATION
from .conversation import CONVERSATION
from .edge_cases import EDGE_CASES
from .evolve import EVOLVE
from .hard_negatives import HARD_NEGATIVES
from .instruct import INSTRUCT, PROMPTS
from .kind import Kind
from .label_rows import LABEL_ROWS
from .labelled import LABELLED
from .paraphrase import PARAPHRASE
from .preference import PREFERENCE
from .questions import QUESTIONS
from .rationale import RATIONALE
from .soft_labels import SOFT_LABELS
from .tool_calls import TOOL_CALLS

KINDS: dict[str, Kind] = {
    "labelled": LABELLED,
    "paraphrase": PARAPHRASE,
    "evolve": EVOLVE,
    "instruct": INSTRUCT,
    "questions": QUESTIONS,
    "backtranslation": BACKTRANSLATION,
    "edge_cases": EDGE_CASES,
    "hard_negatives": HARD_NEGATIVES,
    "tool_calls": TOOL_CALLS,
    "conversation": CONVERSATION,
    "preference": PREFERENCE,
    "rationale": RATIONALE,
    "soft_labels": SOFT_LABELS,
    "label_rows": LABEL_ROWS,
    "prompts": PROMPTS,
}
