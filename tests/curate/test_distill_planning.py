"""Plans: cells of the grid, how many rows each wants, and which rows make which draft; recipes that are wrong say where."""

import pytest
from vetset.curate.distill.lineage import Lineage, Teacher
from vetset.curate.distill.planning import plan_cells
from vetset.curate.distill.recipe import read_recipe
from vetset.curate.distill.seeds import blocks, open_seeds
from vetset.curate.errors import DataError, UsageError
from vetset.curate.reading.mapping import Given
from vetset.curate.reading.reader import read

RECIPE = """
seeds = "{set}"
{top}
[teacher]
model = "canned:none.json"
[plan]
kind = "{kind}"
instruction = "A message"
{plan}
"""


@pytest.fixture
def bank(tmp_path):
    lines = [f"card number {number} of mine is lost,lost" for number in range(9)]
    lines += [f"how do I change pin {number} at home,pin" for number in range(3)]
    (tmp_path / "bank.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    return read([tmp_path / "bank.csv"], tmp_path / "bank.vet", columns=Given(label="label")).dataset


def cells_of(tmp_path, bank, *, kind="labelled", top="accepted = 5", plan=""):
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE.format(set=bank.folder.name, kind=kind, top=top, plan=plan))
    return plan_cells(read_recipe(path), open_seeds(bank))


def test_a_grid_has_a_cell_for_each_combination_but_those_left_out(tmp_path, bank):
    plan = 'without = [{ label = "pin", tone = "angry" }]\n[plan.grid]\nlabel = ["*"]\ntone = ["calm", "angry"]'
    found = [dict(one.cell) for one in cells_of(tmp_path, bank, plan=plan)]
    assert found == [
        {"label": "lost", "tone": "calm"}, {"label": "lost", "tone": "angry"}, {"label": "pin", "tone": "calm"},
    ]  # fmt: skip


def test_fill_asks_for_what_real_rows_lack_and_parts_it_over_the_cells_of_a_label(tmp_path, bank):
    plan = 'fill = 9\n[plan.grid]\nlabel = ["*"]\ntone = ["calm", "angry"]'
    found = {(one.cell["label"], one.cell["tone"]): one.wanted for one in cells_of(tmp_path, bank, top="", plan=plan)}
    assert found == {("lost", "calm"): 0, ("lost", "angry"): 0, ("pin", "calm"): 3, ("pin", "angry"): 3}


def test_a_quota_takes_the_place_of_the_number_for_all_and_the_last_that_fits_counts(tmp_path, bank):
    plan = 'quotas = [{ label = "pin", accepted = 2 }, { label = "pin", tone = "calm", accepted = 1 }]\n'
    plan += '[plan.grid]\nlabel = ["*"]\ntone = ["calm", "angry"]'
    assert [one.wanted for one in cells_of(tmp_path, bank, plan=plan)] == [5, 5, 1, 2]


def test_examples_stand_in_one_block_alone_so_that_families_stay_small(tmp_path, bank):
    lost, pin = cells_of(tmp_path, bank, plan='examples = 3\n[plan.grid]\nlabel = ["lost", "pin"]')
    shown = [row for block in lost.parents for row in block]
    assert len(shown) == len(set(shown)) == 9
    assert {lost.draft(index).parents for index in range(20)} == set(lost.parents)
    assert len(pin.parents) == 1


def test_examples_of_a_label_are_shown_for_that_label_only(tmp_path, bank):
    labels = dict(zip(bank.rows["id"], bank.rows["label"], strict=True))
    for cell in cells_of(tmp_path, bank, plan='[plan.grid]\nlabel = ["*"]'):
        assert {labels[row] for block in cell.parents for row in block} == {cell.cell["label"]}


def test_a_label_that_no_row_has_begins_without_examples(tmp_path, bank):
    plan = 'about = { stolen = "it was taken by somebody" }\n[plan.grid]\nlabel = ["stolen"]'
    (cell,) = cells_of(tmp_path, bank, plan=plan)
    assert cell.parents == [()]


def test_a_label_that_no_row_has_is_a_slip_unless_the_recipe_says_what_it_means(tmp_path, bank):
    with pytest.raises(UsageError, match=r"no row of .* has the label 'lostt'; did you mean 'lost'"):
        cells_of(tmp_path, bank, plan='[plan.grid]\nlabel = ["lostt"]')


def test_a_grid_of_too_many_cells_is_refused_before_it_is_built(tmp_path, bank):
    values = ", ".join(f'"{number}"' for number in range(400))
    with pytest.raises(UsageError, match="more than 100,000 cells"):
        cells_of(tmp_path, bank, plan=f"[plan.grid]\na = [{values}]\nb = [{values}]")


def test_every_label_of_a_set_without_labels_is_told_as_that(tmp_path):
    (tmp_path / "notes.txt").write_text("a first text\na second text\n")
    notes = read([tmp_path / "notes.txt"], tmp_path / "bank.vet").dataset
    with pytest.raises(UsageError, match="no row has one; name labels"):
        cells_of(tmp_path, notes, plan='[plan.grid]\nlabel = ["*"]')


def test_a_plan_of_each_row_has_one_draft_a_row_and_none_hangs_on_its_place(tmp_path, bank):
    (cell,) = cells_of(tmp_path, bank, kind="rationale", top="")
    drafts = [cell.draft(number) for number in range(cell.most)]
    assert (cell.wanted, cell.most) == (12, 12)
    assert {draft.index for draft in drafts} == {0}
    assert len({draft.id for draft in drafts}) == 12


def test_rows_of_a_teacher_and_of_the_eval_side_are_never_shown(tmp_path, bank):
    rows = bank.rows
    made = Lineage(parents=(rows["id"][0],), teacher=Teacher("m")).to_extra()
    held = rows.slice(1, 2)
    changed = rows.with_columns(extra=rows["extra"].scatter(3, made))
    bank.__dict__["rows"] = changed
    found = open_seeds(bank, held=held, too_close=[rows["id"][5]])
    assert found.left == {"written by a teacher": 1, "in an eval set": 2, "too close to an eval row": 1}
    assert not set(found.by_id) & {rows["id"][1], rows["id"][2], rows["id"][3], rows["id"][5]}


def test_a_set_of_which_nothing_may_be_shown_is_refused(bank):
    with pytest.raises(DataError, match="12 in an eval set"):
        open_seeds(bank, held=bank.rows)


def test_blocks_are_the_same_for_the_same_seed_and_cell():
    ids = [f"r{number}" for number in range(20)]
    assert blocks(ids, 4, seed=1, name="a") == blocks(ids, 4, seed=1, name="a")
    assert blocks(ids, 4, seed=1, name="a") != blocks(ids, 4, seed=1, name="b")
    assert blocks(ids, 0, seed=1, name="a") == [()]


@pytest.mark.parametrize(
    ("top", "plan", "said"),
    [
        ("accepted = 5", 'kinds = "x"', "plan.kinds is no key of a recipe .did you mean kind"),
        ("acepted = 5", "", "acepted is no key of a recipe .did you mean accepted"),
        ("", "", "accepted: say how many rows"),
        ("accepted = 5", "options = { votes = 3 }", "labelled has no option votes"),
        ("accepted = 5", '[plan.grid]\nlabel = ["a", "a"]', "label has no value, an empty one, or one twice"),
        ("accepted = 5", "attempts = 0.5", "plan.attempts: input should be greater than or equal to 1"),
        ("accepted = 5", "[budget]\nmoney = 3.0", "money needs prices"),
        ("accepted = 5", '[gates]\nevalset = "off"', "gates.evalset.action: can't be off"),
        ("accepted = 5", "fill = 5", "plan.fill: it is by label"),
        (
            'accepted = 5\n[gates]\nduplicate = "off"',
            "",
            "gates.duplicate is no key of a recipe .did you mean duplicates",
        ),
    ],
)
def test_a_wrong_recipe_is_one_sentence_that_names_the_key(tmp_path, bank, top, plan, said):
    with pytest.raises(UsageError, match=said):
        cells_of(tmp_path, bank, top=top, plan=plan)


def test_a_quota_of_no_cell_and_a_grid_without_cells_are_refused(tmp_path, bank):
    with pytest.raises(UsageError, match="no cell fits"):
        cells_of(tmp_path, bank, plan='quotas = [{ label = "x", accepted = 1 }]\n[plan.grid]\nlabel = ["pin"]')
    with pytest.raises(UsageError, match="leaves no cell"):
        cells_of(tmp_path, bank, plan='without = [{ label = "pin" }]\n[plan.grid]\nlabel = ["pin"]')


def test_paths_of_a_recipe_are_seen_from_its_folder(tmp_path, bank):
    folder = tmp_path / "deep"
    folder.mkdir()
    (folder / "mine.json").write_text("{}")
    text = RECIPE.format(set="../bank.vet", kind="labelled", top="accepted = 1", plan="").replace(
        "none.json", "mine.json"
    )
    (folder / "recipe.toml").write_text(text)
    found = read_recipe(folder / "recipe.toml")
    assert found.teacher.model == f"canned:{folder / 'mine.json'}"
    assert found.seeds == str(folder / "../bank.vet")
