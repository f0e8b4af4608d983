"""One peer on the rows of ``benchmarks/harness.py``; run by it, in an environment of the peers' own.

    python benchmarks/harness_peers.py NAME FOLDER TURNS

Each does what its own documentation shows for a model that is a function: the rows, one call a row, an exact match, its log.
Prints JSON: median CPU and wall seconds of the turns, without imports, and the score.
"""

import contextlib
import io
import json
import statistics
import sys
import time
from importlib.metadata import version
from pathlib import Path


def rows_of(folder):
    return [json.loads(line) for line in (folder / "rows.jsonl").read_text(encoding="utf-8").splitlines()]


def pydantic_evals(folder):
    from pydantic_evals import Case, Dataset
    from pydantic_evals.evaluators import EqualsExpected

    rows = rows_of(folder)
    answers = {row["text"]: row["answer"] for row in rows}

    async def canned(text):
        return answers[text]

    def run(turn):
        cases = [Case(name=str(at), inputs=row["text"], expected_output=row["label"]) for at, row in enumerate(rows)]
        report = Dataset(name="bank", cases=cases, evaluators=[EqualsExpected()]).evaluate_sync(canned, progress=False)
        return report.averages().assertions

    return run


def inspect_ai(folder):
    from inspect_ai import Task, eval
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import ModelAPI, ModelOutput, modelapi
    from inspect_ai.scorer import exact
    from inspect_ai.solver import generate

    rows = rows_of(folder)
    answers = {row["text"]: row["answer"] for row in rows}

    @modelapi(name="canned")
    class Canned(ModelAPI):
        async def generate(self, input, tools, tool_choice, config):
            return ModelOutput.from_content("canned", answers[input[-1].text])

    def run(turn):
        samples = [Sample(id=str(at), input=row["text"], target=row["label"]) for at, row in enumerate(rows)]
        task = Task(name="bank", dataset=MemoryDataset(samples), solver=generate(), scorer=exact())
        logs = eval(task, model="canned/m", log_dir=str(folder / f"logs{turn}"), display="none")
        return (
            logs[0]
            .results.scores[0]
            .metrics["mean" if "mean" in logs[0].results.scores[0].metrics else "accuracy"]
            .value
        )

    return run


def lm_eval(folder):
    import lm_eval as harness
    from lm_eval.api.model import LM
    from lm_eval.tasks import TaskManager

    answers = {row["text"]: row["answer"] for row in rows_of(folder)}
    (folder / "bank.yaml").write_text(
        "task: bank\ndataset_path: json\ndataset_kwargs:\n  data_files:\n    test: "
        f"{folder / 'rows.jsonl'}\ntest_split: test\noutput_type: generate_until\ndoc_to_text: '{{{{text}}}}'\n"
        "doc_to_target: '{{label}}'\nmetric_list:\n  - metric: exact_match\n    aggregation: mean\n    higher_is_better: true\n"
        "generation_kwargs:\n  until: ['\\n\\n']\n  max_gen_toks: 32\n",
        encoding="utf-8",
    )

    class Canned(LM):
        def generate_until(self, requests, disable_tqdm=True):
            return [answers[request.args[0]] for request in requests]

        def loglikelihood(self, requests, disable_tqdm=True):
            raise NotImplementedError

        def loglikelihood_rolling(self, requests, disable_tqdm=True):
            raise NotImplementedError

    manager = TaskManager(include_path=str(folder), include_defaults=False)

    def run(turn):
        found = harness.simple_evaluate(model=Canned(), tasks=["bank"], task_manager=manager, log_samples=True)
        (folder / f"samples{turn}.json").write_text(json.dumps(found["samples"], default=str), encoding="utf-8")
        return found["results"]["bank"]["exact_match,none"]

    return run


if __name__ == "__main__":
    name, place, turns = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    make = {"pydantic-evals": pydantic_evals, "inspect-ai": inspect_ai, "lm-eval": lm_eval}[name]
    taken = []
    with contextlib.redirect_stdout(io.StringIO()):
        run = make(place)
        if turns > 1:
            run("warm")
        for turn in range(turns):
            began, wall = time.process_time(), time.perf_counter()
            score = run(turn)
            taken.append((time.process_time() - began, time.perf_counter() - wall))
    cpu, wall = (statistics.median(column) for column in zip(*taken, strict=True))
    print(json.dumps({"cpu": cpu, "wall": wall, "score": score, "version": version(name)}))
