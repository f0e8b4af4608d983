"""The commands of ``vetset adapters``: a library of adapters in a folder."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .answering import Json, announce, answer

commands = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]}
)

_Folder = Annotated[Path, typer.Argument(metavar="[FOLDER]", help="Holds the adapters, one or two levels down.")]
_One = Annotated[Path, typer.Argument(metavar="ADAPTER", help="Folder of an adapter, as `vetset train` writes it.")]
_Several = Annotated[list[Path], typer.Argument(metavar="ADAPTER...", help="Folders of adapters of one base.")]
_Base = Annotated[
    str | None, typer.Option(help="Folder or hub name of the base, where the adapter's own is not right.")
]
_Out = Annotated[Path, typer.Option("-o", "--out", help="What is written; must not be there yet.")]
_Runs = Annotated[
    list[Path] | None,
    typer.Option(help="Folder with runs, where verdicts are looked for besides the usual places; may be repeated."),
]


class Way(StrEnum):
    """How several adapters become one."""

    cat = "cat"
    svd = "svd"
    linear = "linear"


class Numbers(StrEnum):
    """Numbers in a GGUF."""

    auto = "auto"
    f32 = "f32"
    f16 = "f16"
    bf16 = "bf16"
    q8_0 = "q8_0"


@commands.command("list")
def list_(folder: _Folder = Path(), runs: _Runs = None, as_json: Json = False) -> None:
    """List adapters: task, base, data, verdict, age, and which are due for a re-tune since base or data moved on."""
    from ..train.adapters.listing import list_adapters
    from .adapters_page import print_list

    result = list_adapters(folder, runs=runs or ())
    answer(result.summary(), as_json, lambda: print_list(result))
    for fault in result.faults:
        announce(f"note: {fault}")


@commands.command()
def show(name: _One, runs: _Runs = None, as_json: Json = False) -> None:
    """Show all that is known of one adapter: base, data, recipe, curves, cost, verdict."""
    from ..train.adapters.library import open_adapter
    from ..train.adapters.listing import listed
    from .adapters_page import print_one

    result = listed(open_adapter(name), runs=runs or ())
    answer(result.summary(whole=True), as_json, lambda: print_one(result))


@commands.command()
def card(name: _One, runs: _Runs = None) -> None:
    """Print the model card anew, with the verdict where there is one by now: `vetset adapters card A > A/README.md`."""
    from ..train.adapters.library import open_adapter
    from ..train.adapters.listing import listed
    from ..train.adapters.model_card import card as card_of
    from .lines import say

    result = listed(open_adapter(name), runs=runs or ())
    for line in card_of(result.adapter.known(), result.adapter.settings or None, result.verdict).splitlines():
        say(line)


@commands.command()
def compare(first: _One, second: _One, runs: _Runs = None, as_json: Json = False) -> None:
    """Compare two adapters: what differs in recipe and data, their curves, their verdicts."""
    from ..train.adapters.library import compare_adapters, open_adapter
    from ..train.adapters.listing import listed
    from .adapters_page import print_compared

    pair = [listed(open_adapter(name), runs=runs or ()) for name in (first, second)]
    told = compare_adapters(pair[0].adapter, pair[1].adapter) | {"verdicts": [one.word for one in pair]}
    answer(told, as_json, lambda: print_compared(told))


@commands.command()
def merge(
    names: _Several,
    out: _Out,
    weights: Annotated[
        str | None, typer.Option(help="A weight for each, with commas between (default: equal shares of 1).")
    ] = None,
    way: Annotated[
        Way, typer.Option(help="cat is exact, and ranks add up; svd keeps a rank; linear is rough.")
    ] = Way.cat,
    rank: Annotated[int | None, typer.Option(min=1, help="Of the result, with --way svd.")] = None,
    base: _Base = None,
    dtype: Annotated[
        str | None,
        typer.Option(help="Of the file, when one is merged: float32, bfloat16 or float16 (default: as the base)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Merge one adapter into its 16-bit base, or several by weight into one adapter.

    A base in 4 bits is refused: what was learnt would be rounded away. Score what comes out before it is used.
    """
    from ..curate.errors import UsageError
    from ..train.adapters.library import open_adapter
    from ..train.adapters.merging import merge_into_base, merge_weighted
    from .adapters_page import print_merged
    from .given import numbers

    adapters = [open_adapter(name) for name in names]
    shares = numbers(weights, float, "--weights")
    if len(adapters) == 1:
        if shares or rank or way != Way.cat:
            raise UsageError("--weights, --way and --rank are for several adapters; name more, or leave them out.")
        result = merge_into_base(adapters[0], out, base=base, dtype=dtype)
    elif dtype:
        raise UsageError("--dtype is for one adapter that goes into its base; several make an adapter, in float32.")
    else:
        result = merge_weighted(adapters, out, weights=shares, way=way.value, rank=rank, base=base)
    answer(result.summary(), as_json, lambda: print_merged(result))


@commands.command()
def export(
    name: _One,
    out: _Out,
    merged: Annotated[bool, typer.Option("--merged", help="As a whole model: base and adapter in one.")] = False,
    base: _Base = None,
    as_json: Json = False,
) -> None:
    """Copy what others need of an adapter, without checkpoints and without paths of this machine; or merge it."""
    from ..train.adapters.library import open_adapter
    from ..train.adapters.merging import merge_into_base
    from ..train.adapters.shipping import export_adapter
    from .adapters_page import print_merged
    from .lines import say

    if merged:
        result = merge_into_base(open_adapter(name), out, base=base)
        answer(result.summary(), as_json, lambda: print_merged(result))
        return
    files = export_adapter(open_adapter(name), out, base=base)
    answer({"folder": str(out), "files": files}, as_json, lambda: say(f"{out}: {', '.join(files)}"))


@commands.command()
def gguf(
    name: _One,
    out: _Out,
    numbers: Annotated[Numbers, typer.Option(help="Numbers in it.")] = Numbers.auto,
    converter: Annotated[
        Path | None, typer.Option(help="A clone of llama.cpp (default: LLAMA_CPP, or what is on the path).")
    ] = None,
    base: _Base = None,
    as_json: Json = False,
) -> None:
    """Write a model as GGUF through llama.cpp's own converter; an adapter is merged first. Nothing is downloaded."""
    from ..train.adapters.library import open_adapter
    from ..train.adapters.shipping import to_gguf
    from .lines import say

    path = to_gguf(open_adapter(name), out, kind=numbers.value, converter=converter, base=base)
    size = path.stat().st_size
    answer({"file": str(path), "bytes": size}, as_json, lambda: say(f"{path}: {size / 1e6:,.1f} MB"))


@commands.command()
def serve(names: _Several, base: _Base = None, as_json: Json = False) -> None:
    """Print the line that serves adapters over one base with vLLM; it is not run."""
    from ..train.adapters.library import open_adapter
    from ..train.adapters.shipping import serving
    from .adapters_page import print_serving

    result = serving([open_adapter(name) for name in names], base=base)
    answer({"command": result.words, "models": result.models}, as_json, lambda: print_serving(result))


@commands.command()
def delete(
    name: _One,
    yes: Annotated[bool, typer.Option("--yes", help="For good, and not into .trash beside it.")] = False,
    as_json: Json = False,
) -> None:
    """Move an adapter into `.trash` beside it, or delete it for good; one that others were merged from stays."""
    from ..train.adapters.deleting import delete_adapter
    from .lines import say

    at = delete_adapter(name, for_good=yes)
    said = f"{name} is deleted" if at is None else f"{name} lies in {at}; move it back to have it again"
    answer({"deleted": str(name), "trash": None if at is None else str(at)}, as_json, lambda: say(said))


@commands.command()
def forgetting(
    names: _Several,
    base: _Base = None,
    device: Annotated[str | None, typer.Option(help="As torch calls it (default: the best there is).")] = None,
    journal: Annotated[Path | None, typer.Option(help="File that keeps answers, so that none is made twice.")] = None,
    as_json: Json = False,
) -> None:
    """Measure what each adapter made the base forget, and every other one against the first, over one loaded base.

    Exit code 1 if one loses more than the budgets of a verdict allow: against the base where one adapter is named, else against
    the first.
    """
    from ..train.adapters.library import open_adapter
    from ..train.adapters.remembering import forgotten_by
    from .adapters_page import print_forgotten

    found = forgotten_by(
        [open_adapter(name) for name in names], base=base, device=device, journal=journal, told=announce
    )
    answer({"losses": [one.summary() for one in found]}, as_json, lambda: print_forgotten(found))
    if not all(one.holds for one in found[len(names) if len(names) > 1 else 0 :]):
        raise typer.Exit(1)
