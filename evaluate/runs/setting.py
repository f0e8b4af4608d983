"""What all runs of one ``vetset eval`` share: the eval set, scorers, examples and documents; each is opened once, when needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...curate.embed.encoder import TFIDF, find_encoder
from ...curate.errors import UsageError, quote
from ...curate.masking import mask
from ...curate.wording import counted
from ..evalsets.evalset import EvalSet
from ..models.calling import answer_all
from ..models.chat_template import read_template
from ..models.journal import Journal
from ..models.openai_client import Limits
from ..models.opening import open_model
from ..models.protocol import Model, Parameters, Request
from ..scorers.case import Scorer
from ..scorers.prices import OLD, Prices, read_prices
from ..scorers.registry import scorers
from .asking import ask
from .examples import Shots, open_shots
from .guessing import guess_scorer
from .harness import Progress, askable_rows, evaluate
from .prompt_file import read_prompt
from .prompts import Prompt, RungName, labels_of, prompt_for
from .results import Run
from .retrieval import Library, open_library
from .training_data import TrainingData, check_named, check_training_data, from_lineage
from .wanted import Wanted, tokens_for

Say = Callable[[str], None]
_FEW_TOKENS = 200  # a short worked solution and its last line


class Setting:
    """An eval set and all that its rows are asked and scored with."""

    def __init__(self, evalset: EvalSet, wanted: Wanted, say: Say, progress: Progress | None) -> None:
        """Read the eval set and make the scorers.

        Raises:
            VetsetError: the eval set is damaged, or a scorer can't be had.
        """
        self.evalset, self.wanted, self.say, self.progress = evalset, wanted, say, progress
        askable_rows(evalset, wanted.part, digest=wanted.digest)  # before a model is loaded in vain
        self.rows = evalset.rows
        self.labels = labels_of(self.rows)
        self.journal = wanted.journal or wanted.out / "journal.jsonl"
        self.cache = wanted.out / "vectors" if wanted.encoder else None  # of training rows, questions and documents
        self.scorers = self._scorers()
        self.examples = wanted.examples or wanted.train
        self.prices = self._prices()
        self._opened: dict[str, Any] = {}

    def prompt(self, rung: RungName, *, own: bool) -> Prompt:
        """Return what a rung asks; with ``own`` the user's prompt file, where one is named."""
        wanted = self.wanted
        file = wanted.prompt if own else None
        with_shots = rung == "few-shot" if file is None else wanted.examples is not None
        with_documents = rung == "rag" if file is None else wanted.documents is not None
        shots = self._once("shots", self._shots) if with_shots else None
        library = self._once("library", self._library) if with_documents else None
        if file is not None:
            return read_prompt(file, labels=self.labels, shots=shots, library=library, budget=wanted.budget)
        return prompt_for(rung, labels=self.labels, shots=shots, library=library, budget=wanted.budget)

    def run(
        self,
        model: Model,
        prompt: Prompt,
        *,
        name: str | None,
        trained: Sequence[Path] | None,
        baseline: bool,
        replace: bool = True,
    ) -> Run:
        """Make one run, after a look at what the model learnt from and whether its adapter does anything.

        Args:
            model: who is asked.
            prompt: what is asked.
            name: of the run.
            trained: folders where its lineage may stand; ``None`` for a model that nobody trained here.
            baseline: it is no candidate.
            replace: see ``harness.evaluate``.
        """
        wanted = self.wanted
        train = None if trained is None else self._training_data(trained)
        parameters = Parameters(
            temperature=wanted.temperature,
            max_tokens=wanted.max_tokens or tokens_for(self.rows, prompt),
            seed=wanted.seed if wanted.temperature else None,
        )
        if prompt.mark is not None and parameters.max_tokens < _FEW_TOKENS:
            self.say(f"note: {parameters.max_tokens} tokens leave little room to think before {quote(prompt.mark)}.")
        if note := getattr(model, "note", None):
            self.say(str(note))
        self._look(model, prompt, parameters)
        self._once("journal", self._journal)
        return evaluate(
            self.evalset, model, part=wanted.part, scorers=self.scorers, prompt=prompt, parameters=parameters,
            samples=wanted.samples, journal=self.journal, name=name, out=wanted.out, digest=wanted.digest, train=train,
            gold=wanted.gold, prices=self.prices, baseline=baseline, by=wanted.by, cache=self.cache,
            progress=self.progress, say=self.say, replace=replace,
        )  # fmt: skip

    def _look(self, model: Any, prompt: Prompt, parameters: Parameters) -> None:
        """Show once what a local model gets, and try whether its adapter changes anything."""
        few = self.evalset.part(self.wanted.part).head(4)
        if not hasattr(model, "rendered") or few.is_empty():
            return
        from ..models.adapter_check import check_adapter

        shots = prompt.shots and replace(prompt.shots, choice="random")  # as long, and no text is compared for them
        asked = ask(replace(prompt, shots=shots), few, cache=self.cache)
        requests = [Request(said, None, parameters) for said in asked.conversations]
        if "shown" not in self._opened:
            shown = self._opened["shown"] = model.rendered(requests[0])
            self.say(
                f"chat template of {shown.origin}: the first prompt has {counted(shown.tokens, 'token')} and ends in "
                f"{quote(mask(shown.text)[-100:], 100)}"
            )
        if model.adapter is not None:
            found = check_adapter(model, requests, other_base=self.wanted.other_base)
            self.say(f"adapter {quote(model.adapter.name)}: it moves logits by up to {found.difference:.3g}.")

    def _training_data(self, folders: Sequence[Path]) -> TrainingData | None:
        from ...curate.leakage.closeness import kept_by  # its rules take a quarter of a second to import

        train, name, kept = self.wanted.train, str(self.evalset.folder), kept_by(self.evalset.manifest)
        if train is not None:
            found = self._once("train", lambda: self._told(check_training_data(train, self.rows, name=name, kept=kept)))
            for folder in folders:
                check_named(found, folder)
            return found
        known = (from_lineage(folder, self.rows, name=name, kept=kept) for folder in folders)
        return next((self._told(found) for found in known if found), None)

    def _journal(self) -> None:
        """Say what a kill or a broken disk did to the journal, before its answers are taken for granted."""
        if not Path(self.journal).is_file():
            return
        with Journal(self.journal) as journal:
            if journal.damage:
                self.say(f"note: {journal.damage}")

    def _told(self, found: TrainingData) -> TrainingData:
        if found.overlap or found.forms:  # before anything is paid for
            self.say(f"note: {found.note}.")
        return found

    def _scorers(self) -> list[Scorer]:
        wanted, specs = self.wanted, self.wanted.scorers
        if not specs:
            guess = guess_scorer(self.rows)
            self.say(f"scorer: {guess.spec}, for {guess.reason} (--scorer names another).")
            specs = (guess.spec,)
        judge = None if wanted.judge is None else open_model(wanted.judge, key_env=_key(wanted.judge, wanted))
        return scorers(
            specs, labels=self.labels or None, judge=judge,
            ask=None if judge is None else lambda requests: answer_all(judge, requests, journal=self.journal),
        )  # fmt: skip

    def _prices(self) -> Prices | None:
        if self.wanted.prices is None:
            return None
        found = read_prices(self.wanted.prices)
        if found.age() > OLD:
            self.say(f"note: the prices of {found.path} are {found.age():,} days old; look whether they still hold.")
        return found

    def _shots(self) -> Shots | None:
        if self.examples is None:
            return None
        from ...curate.leakage.closeness import kept_by

        encoder, called = self._encoder()
        shots = open_shots(
            self.examples, self.rows, count=self.wanted.shots, choice=self.wanted.choose, seed=self.wanted.seed,
            encoder=encoder, encoder_name=called, kept=kept_by(self.evalset.manifest),
        )  # fmt: skip
        left = f"; {shots.left_out:,} left out, too close to an eval row" if shots.left_out else ""
        self.say(f"examples: {counted(shots.pool.height, 'row')} of {shots.source}{left}.")
        return shots

    def _library(self) -> Library | None:
        if self.wanted.documents is None:
            return None
        encoder, called = self._encoder()
        library = open_library(self.wanted.documents, encoder=encoder, encoder_name=called, cache=self.cache)
        said = library.said()
        self.say(f"documents: {said['documents']:,} in {said['pieces']:,} pieces, found by {said['search']}.")
        return library

    def _encoder(self) -> tuple[Any, str]:
        """Return the encoder that was named; TF-IDF sees words alone, as BM25 and the choice of examples do without one."""
        name = self.wanted.encoder
        if name is None or name == TFIDF:
            return None, TFIDF
        wanted = self.wanted
        found = self._once("encoder", lambda: find_encoder(name, download=wanted.download, device=wanted.device))
        return found.encoder, found.name

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self._opened:
            self._opened[name] = make()
        return self._opened[name]


def open_wanted(spec: str, wanted: Wanted, *, adapter: Path | None = None) -> Model:
    """Return a model; options of local models and of servers reach those they belong to."""
    local = is_local(spec)
    served = spec.startswith("openai:")
    if wanted.concurrency is not None and not served:
        raise UsageError(f"--concurrency is for a server, and {quote(spec, 60)} is none; leave it out.")
    if wanted.template is not None and not local:
        raise UsageError(
            f"--template is for a model on this machine, and {quote(spec, 60)} is none; a server is started with it, such as "
            "`vllm serve MODEL --chat-template FILE`."
        )
    limits = Limits(concurrency=wanted.concurrency) if wanted.concurrency is not None else None
    return open_model(
        spec, key_env=_key(spec, wanted), limits=limits, adapter=adapter, device=wanted.device if local else None,
        dtype=wanted.dtype if local else None,
        template=wanted.template and read_template(wanted.template), download=wanted.download and local,
    )  # fmt: skip


def is_local(spec: str) -> bool:
    """Say whether a model runs on this machine, so that it has a folder."""
    return not spec.startswith(("openai:", "recorded:", "canned:"))


def _key(spec: str, wanted: Wanted) -> str | None:
    return wanted.key_env if spec.startswith("openai:") else None
