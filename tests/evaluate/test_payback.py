"""Payback: the worked example, ranges, what never pays, and files that can't be used."""

import datetime
import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.app.cli import run as run_command
from vetset.curate.errors import DataError, UsageError
from vetset.evaluate.paying.amounts import Amount, amount
from vetset.evaluate.paying.costs import break_even_volume, costs, payback_days
from vetset.evaluate.paying.measured import measured_tokens
from vetset.evaluate.paying.sentences import money
from vetset.evaluate.paying.working_out import work_out
from vetset.evaluate.runs.results import save_run
from vetset.evaluate.stats.clustered import clustered_mean, design
from vetset.tests.evaluate.runs_made import made_evalset, made_run

DAY = datetime.date(2026, 2, 1)
HEAD = "dated = 2026-01-15\nrequests_per_day = 10_000\n"
BASE = '[[options]]\nname = "api"\nprice_per_request = 0.005\n'
TUNED = '[[options]]\nname = "tuned"\nprice_per_request = 0.0003\none_off = 200\n'


@pytest.fixture
def told(tmp_path):
    """Work out a price file that is given as text."""

    def told(text, **options):
        (tmp_path / "prices.toml").write_text(text, encoding="utf-8")
        return work_out(tmp_path / "prices.toml", today=DAY, **options)

    return told


def tuned(result):
    return result.outcomes[1]


# --- figures --------------------------------------------------------------------------------------------------------


def test_the_worked_example_comes_to_18_thousand_1_thousand_and_5_days(told):
    result = told(HEAD + BASE + TUNED)
    assert result.outcomes[0].yearly.likely == pytest.approx(18_250)
    assert tuned(result).yearly.likely == pytest.approx(1_095 + 40)  # upkeep: a fifth of the build
    assert tuned(result).saving.likely == pytest.approx(17_115)
    assert tuned(result).days.likely == 5  # 200 / (17,115 / 365) = 4.27
    assert "has paid for its $200 after 5 days" in tuned(result).sentence
    assert not result.stale
    assert not result.ranged
    assert result.summary()["ranges"] is None


def test_tokens_caches_servers_and_failures_add_up(told):
    result = told(
        "dated = 2026-01-15\nrequests_per_day = 1000\nfailure_cost = 2\n"
        '[[options]]\nname = "api"\ninput_price = 2\ncached_price = 0.5\noutput_price = 10\ninput_tokens = 1000\n'
        "cached_tokens = 400\noutput_tokens = 100\nfailure_rate = 0.1\n"
        '[[options]]\nname = "own"\nfixed_per_month = 100\none_off = { labels = 120, training = 80 }\nupkeep = 0.5\n'
        "failure_rate = 0.05\n"
    )
    request = (600 * 2 + 400 * 0.5 + 100 * 10) / 1e6
    assert result.outcomes[0].request.likely == pytest.approx(request)
    assert result.outcomes[0].yearly.likely == pytest.approx(365_000 * (request + 0.2))
    assert tuned(result).yearly.likely == pytest.approx(1_200 + 365_000 * 0.1 + 100)
    assert tuned(result).things == (("labels", 120.0), ("training", 80.0))


def test_tokens_may_come_from_a_run(tmp_path):
    of = made_evalset(tmp_path / "a.evalset", [{"messages": f"q{i}", "label": "x"} for i in range(9)])
    made_run(tmp_path / "a.run", of, [1.0] * 9)
    text = HEAD + '[[options]]\nname = "api"\nrun = "a.run"\ninput_price = 1\noutput_price = 4\n' + TUNED
    (tmp_path / "prices.toml").write_text(text, encoding="utf-8")
    assert work_out(tmp_path / "prices.toml", today=DAY).outcomes[0].request.likely == pytest.approx((10 + 2 * 4) / 1e6)


def test_tokens_of_a_run_count_by_weight_and_vary_by_cluster(tmp_path):
    """Half of the rows are long ones that were chosen nine times as often; four rows of a cluster are one observation."""
    count = 80
    tokens = [1000 + 10 * (i // 8) if i % 8 < 4 else 100 + 10 * (i // 8) for i in range(count)]
    weights = [1.0 if i % 8 < 4 else 9.0 for i in range(count)]
    of = made_evalset(
        tmp_path / "a.evalset", [{"messages": f"q{i}", "label": "x"} for i in range(count)],
        weight=weights, cluster=[f"c{i // 4}" for i in range(count)],
    )  # fmt: skip
    run = made_run(tmp_path / "a.run", of, [1.0] * count)
    rows = run.results.with_columns(prompt_tokens=pl.Series(tokens))
    save_run(run.folder, run.manifest, rows)
    found = measured_tokens(run.folder)["input_tokens"]
    assert found.likely == pytest.approx(145 + 0.1 * 900)
    told = clustered_mean(
        np.array(tokens, float), design(count, weights=weights, clusters=[i // 4 for i in range(count)])
    )
    assert found.high - found.likely == pytest.approx(2.4 * told.error)
    assert found.draw(50_000, np.random.default_rng(0)).std() == pytest.approx(told.error, rel=0.03)
    twice = pl.concat([rows, rows.with_columns(sample=pl.lit(1, pl.Int32))])
    save_run(run.folder, run.manifest, twice)
    assert measured_tokens(run.folder)["input_tokens"] == found  # a second answer to the same request says nothing new


@given(st.floats(0.001, 1), st.floats(0, 0.001), st.floats(1, 1e5), st.floats(1, 1e5))
def test_at_the_end_of_the_last_day_the_outlay_is_saved_and_not_a_day_before(price, other, outlay, volume):
    def of(price, outlay):
        given = {"price_per_request": np.array([price]), "upkeep": np.array([0.2])}
        return costs(given, one_off=np.array([outlay]), volume=np.array([volume]), failure_cost=np.zeros(1))

    base, option = of(price, 0.0), of(other, outlay)
    days = payback_days(option, base)[0]
    daily = (base.yearly[0] - option.yearly[0]) / 365
    if daily <= 0:
        assert days == np.inf
    else:
        assert daily * days >= outlay * (1 - 1e-6)
        assert daily * (days - 1) < outlay * (1 + 1e-6)
    needed = break_even_volume(option, base)[0]
    if np.isfinite(needed) and price > other:
        assert needed * 365 * (price - other) == pytest.approx(outlay * 1.2)


# --- ranges ---------------------------------------------------------------------------------------------------------


def test_ranges_are_drawn_by_the_seed_and_hold_the_likely_value(told):
    text = (
        HEAD.replace("10_000", "[5_000, 15_000]")
        + BASE
        + TUNED.replace("200", "{ low = 100, likely = 200, high = 900 }")
    )
    result = told(text)
    days = tuned(result).days
    assert result.ranged
    assert days.low < days.likely < days.high
    assert tuned(result).chance == 1.0
    assert json.dumps(result.summary()) == json.dumps(told(text).summary())
    assert json.dumps(result.summary()) != json.dumps(told(text, seed=1).summary())
    assert "In nine of ten draws it takes" in tuned(result).sentence


def test_a_volume_with_a_range_is_the_same_volume_for_both_options(told):
    """With volumes of their own the saving would have either sign; with one, the dearer price never saves."""
    text = HEAD.replace("10_000", "[0, 100_000]") + BASE + TUNED.replace("0.0003", "0.0051")
    assert tuned(told(text)).chance == 0.0


def test_draws_have_the_mean_of_their_distribution():
    random = np.random.default_rng(0)
    assert Amount(0, 3, 9).draw(50_000, random).mean() == pytest.approx(4.0, rel=0.01)  # triangular: a third of the sum
    assert amount("x", [2, 4]).draw(50_000, random).mean() == pytest.approx(3.0, rel=0.01)


def test_a_plan_that_may_not_pay_says_how_likely_it_is(told):
    result = told(HEAD + BASE + TUNED.replace("0.0003", "[0.004, 0.0062]"))
    assert 0.3 < tuned(result).chance < 0.5
    assert re.search(r"It pays back in \d\d% of the draws", tuned(result).sentence)
    assert tuned(result).days.summary()["high"] is None


# --- in words -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("0.0003", "0.006"), "never pays back: api is cheaper already by $3,690 a year."),
        (("0.0003\none_off = 200", "0.005"), "never pays back: it costs what api costs."),
        (("one_off = 200", "one_off = 0"), "$17,155 less than api, from the first day."),
        (
            ("one_off = 200", "one_off = 200\nfixed_per_month = 2000"),
            "It would within a year from 14,130 requests a day on.",
        ),
        (("one_off = 200", "one_off = 60000"), "Prices and models will have changed by then."),
    ],
)
def test_what_does_not_pay_is_said_in_words(told, change, said):
    assert said in tuned(told(HEAD + BASE + TUNED.replace(*change))).sentence


def test_no_requests_save_nothing(told):
    result = told(HEAD.replace("10_000", "0") + BASE + TUNED)
    assert (
        "never pays back: at no requests a day there is nothing to save, and it costs $200 once"
        in tuned(result).sentence
    )
    assert any("at no requests a day" in note for note in result.notes)
    assert "which runs now, is the cheapest" in result.sentence


@pytest.mark.parametrize(
    ("day", "stale"), [(DAY, False), (datetime.date(2026, 4, 15), False), (datetime.date(2026, 4, 16), True)]
)
def test_prices_over_90_days_old_are_said_to_be(told, day, stale, tmp_path):
    told(HEAD + BASE + TUNED)
    result = work_out(tmp_path / "prices.toml", today=day)
    assert result.stale is stale
    assert any("days old" in note for note in result.notes) is stale


def test_a_date_to_come_and_half_told_failures_are_remarked(told):
    assert any("to come" in note for note in told(HEAD.replace("2026-01", "2027-01") + BASE + TUNED).notes)
    notes = told(HEAD + BASE + TUNED + "failure_rate = 0.1\n").notes
    assert any("without failure_cost" in note for note in notes)
    assert any("api has no failure_rate" in note for note in notes)


@given(st.floats(-1e9, 1e9))
def test_money_is_short_and_never_wrong_by_a_tenth(value):
    text = money(value, "USD")
    assert len(text) < 24
    if abs(value) > 1e-6:
        assert float(text.replace("$", "").replace(",", "")) == pytest.approx(value, rel=0.06)


def test_an_option_takes_the_prices_of_a_model_that_the_file_lists_once(told):
    tokens = "input_tokens = 1000\ncached_tokens = 400\noutput_tokens = 100\n"
    listed = "[models.small]\ninput_price = 2\ncached_price = 0.5\noutput_price = [8, 12]\n"
    result = told(HEAD + BASE + f'[[options]]\nname = "own"\nmodel = "small"\n{tokens}' + listed)
    assert tuned(result).request.likely == pytest.approx((600 * 2 + 400 * 0.5 + 100 * 10) / 1e6)
    assert result.ranged
    fresh = told(
        HEAD + BASE + '[[options]]\nname = "own"\nmodel = "small"\ninput_tokens = 1\noutput_tokens = 0\n' + listed
    )
    assert tuned(fresh).request.likely == pytest.approx(2 / 1e6)


# --- files that can't be used ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("requests_per_day = 1\n" + BASE + TUNED, "has no date; add dated = 2026-01-31"),
        (HEAD.replace("2026-01-15", '"soon"') + BASE + TUNED, "dated is 'soon'"),
        ("dated = 2026-01-15\n" + BASE + TUNED, "no requests_per_day"),
        (HEAD + BASE, "fewer than two options"),
        (HEAD + BASE + BASE, "two options are called 'api'"),
        (HEAD + 'baseline = "x"\n' + BASE + TUNED, "baseline is 'x', which is no option"),
        (HEAD + BASE + TUNED + "tokens = 3\n", "'tokens' is no setting"),
        (HEAD + BASE + TUNED.replace("200", "-1"), "one_off is '-1'; give a number 0 or more"),
        (HEAD + BASE + TUNED.replace("200", "[3, 1]"), "out of order"),
        (HEAD + BASE + TUNED.replace("200", "nan"), "one_off is 'nan'"),
        (HEAD + BASE + TUNED.replace("200", "true"), "one_off is 'True'"),
        (HEAD + BASE + TUNED + "upkeep = 3\n", "from 0 to 1"),
        (HEAD + BASE + TUNED + "input_price = 3\n", "both price_per_request and input_price"),
        (HEAD + BASE + '[[options]]\nname = "x"\ninput_price = 1\n', "has no input_tokens"),
        (HEAD + BASE + '[[options]]\nname = ""\n', "has no name"),
        (HEAD + "x" + BASE, "is not TOML"),
        (HEAD + BASE + '[[options]]\nname = "x"\nmodel = "y"\n', "model is 'y', which [models] has no prices of"),
        (
            HEAD + BASE + TUNED + 'model = "y"\n[models.y]\ninput_price = 1\noutput_price = 1\n',
            "both model and price_per_request",
        ),
        (HEAD + BASE + TUNED + "[models.y]\ninput = 1\noutput = 1\n", "needs input_price and output_price"),
        (HEAD + BASE + '[[options]]\nname = "x"\nrun = "gone.run"\n', "is no run"),
    ],
)
def test_a_file_that_cant_be_used_says_where_and_what_to_do(told, text, said):
    with pytest.raises((UsageError, DataError), match=r"prices\.toml|gone\.run") as caught:
        told(text)
    assert said in str(caught.value)


# --- command --------------------------------------------------------------------------------------------------------


def test_the_documents_example_is_what_the_command_prints(tmp_path, monkeypatch, capsys):
    page = (Path(__file__).parents[2] / "docs" / "payback.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prices.toml").write_text(re.search(r"```toml\n(.*?)```", page, re.DOTALL)[1], encoding="utf-8")
    shown = re.findall(r"```console\n\$ vetset ([^\n]*)\n(.*?)```", page, re.DOTALL)
    assert shown
    for command, output in shown:
        assert run_command(command.split()) == 0
        assert capsys.readouterr().out.strip() == output.strip()
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(block, "payback.md", "exec"), {})


def test_the_command_prints_one_object_and_takes_a_gate(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.toml").write_text(HEAD + BASE + TUNED, encoding="utf-8")
    assert run_command(["payback", "p.toml", "--json", "--today", "2026-06-01"]) == 0
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert told["options"][1]["payback_days"]["likely"] == 5
    assert told["stale"] is True
    assert "137 days old" in said.err
    assert run_command(["payback", "p.toml", "--within", "5"]) == 0
    assert run_command(["payback", "p.toml", "--within", "4"]) == 1
    assert run_command(["payback", "gone.toml"]) == 64
    assert run_command(["payback", "p.toml", "--today", "yesterday"]) == 64
    assert "no such file" in capsys.readouterr().err
