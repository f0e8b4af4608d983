"""Where a model's files are: a folder, or what a name on the Hugging Face hub has left in the cache."""

from __future__ import annotations

from pathlib import Path

from ...curate.errors import MissingExtra, UsageError, quote

_NEEDED = ["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt"]  # no pickles, and no weights for other frameworks


def model_folder(name: str | Path, *, holds: str = "config.json", download: bool = False) -> Path:
    """Return the folder with a model or an adapter; nothing is fetched from a network unless ``download`` says so.

    Args:
        name: a folder, or ``OWNER/MODEL`` on the hub.
        holds: the file that makes it one: ``config.json``, of an adapter ``adapter_config.json``.
        download: what is not on this machine may be fetched from the hub.

    Raises:
        MissingExtra: a hub's name is given, and huggingface-hub is not installed.
        UsageError: there is no such folder, or it would have to be fetched.
    """
    folder = Path(name).expanduser()
    said = str(name)
    if (folder / holds).is_file():
        return folder
    if folder.exists() or said.count("/") != 1 or said.startswith((".", "/", "~")):
        kind = "an adapter" if holds.startswith("adapter") else "a model"
        adapter = (folder / "adapter_config.json").is_file()
        hint = " (it is an adapter: name its base as the model, and it as the adapter)" if adapter else ""
        raise UsageError(f"{quote(said)} is no folder with {kind}: it holds no {holds}{hint}; check the path.")
    try:
        import huggingface_hub
    except ImportError as error:
        raise MissingExtra("a model on the hub needs huggingface-hub; run pip install 'vetset[train]'.") from error
    try:
        known = huggingface_hub.try_to_load_from_cache(said, holds)
        if isinstance(known, str) and any(Path(known).parent.glob("*.safetensors")):
            return Path(known).parent
        if download:
            return Path(huggingface_hub.snapshot_download(said, allow_patterns=_NEEDED))
    except huggingface_hub.errors.HFValidationError as error:
        raise UsageError(f"{quote(said)} is neither a folder nor a name on the hub, which is OWNER/MODEL.") from error
    except Exception as error:  # each release of huggingface_hub brings another HTTP library with errors of its own
        raise UsageError(
            f"{quote(said)} could not be fetched from the Hugging Face hub ({type(error).__name__}); check the name and the "
            "network, or give a folder."
        ) from error
    raise UsageError(
        f"{quote(said)} is not on this machine and would be fetched from https://huggingface.co/{quote(said)[1:-1]} (its "
        f"weights); add --download to fetch it (or run `hf download {quote(said)[1:-1]}`), or give a folder that holds it."
    )
