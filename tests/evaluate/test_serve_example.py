"""The server of examples/distill: a real model behind a real address, asked by the client, on a budget."""

import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from vetset.curate.calls import Parameters, Request
from vetset.curate.distill.budget import Account, Budget, refused
from vetset.curate.distill.spending import most_of
from vetset.curate.distill.within import within
from vetset.curate.errors import UsageError
from vetset.curate.messages import Said
from vetset.evaluate.models.calling import answer_all
from vetset.evaluate.models.openai_client import Limits, OpenAIModel
from vetset.tests.small_models import tiny_model

SERVE = Path(__file__).resolve().parents[2] / "examples" / "distill" / "serve.py"


@contextmanager
def served(folder):
    """Serve a model; gives the address."""
    command = [sys.executable, SERVE, folder]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield server.stdout.readline().strip()
        finally:
            server.stdin.close()
    assert server.returncode == 0


def requests(count, **fields):
    return [
        Request((Said("system", "Be brief."), Said("user", f"question {number}")), parameters=Parameters(**fields))
        for number in range(count)
    ]


@pytest.mark.slow
def test_a_real_model_is_asked_over_http_and_kept_to_a_budget(tmp_path):
    folder = tiny_model(tmp_path / "tiny")
    with served(folder) as url:
        model = OpenAIModel("tiny", url, limits=Limits(concurrency=8, pause=0.01))
        plain = answer_all(model, requests(12, max_tokens=8, temperature=0.0))
        assert all(answer.finish in ("stop", "length") and answer.completion_tokens <= 8 for answer in plain)
        assert all(answer.prompt_tokens > 20 and answer.served_by == "tiny" for answer in plain)
        again = answer_all(model, requests(12, max_tokens=8, temperature=0.0))
        assert [answer.text for answer in again] == [answer.text for answer in plain]
        (with_logprobs,) = answer_all(model, requests(1, max_tokens=4, top_logprobs=3))
        assert '"top_logprobs"' in with_logprobs.logprobs
        drawn = [requests(1, max_tokens=20, temperature=1.5, seed=seed)[0] for seed in (1, 2)]
        one, two = answer_all(model, drawn)
        assert one.text != two.text
        (form,) = answer_all(
            model, requests(1, max_tokens=4, schema='{"type": "object"}')
        )  # asked for, and passed over
        assert form.finish in ("stop", "length")
        (long,) = answer_all(model, [Request((Said("user", "x" * 5000),))])
        assert "2,048" in long.error

        asked = requests(40, max_tokens=8)
        account = Account(Budget(tokens=most_of(asked[0]).tokens * 4))
        answers = within(partial(answer_all, model), account, asked)
        sent = [answer for answer in answers if not refused(answer)]
        assert 4 < len(sent) < 40
        assert account.beyond == 0
        assert account.settled.tokens == sum(answer.prompt_tokens + answer.completion_tokens for answer in sent)
        assert account.spent.tokens <= account.budget.tokens
        with pytest.raises(UsageError, match="called 'tiny'"):
            answer_all(OpenAIModel("other", url), requests(1))
