"""The script that Streamlit runs for ``vetset review``; everything else stands in ``dashboard``."""

from vetset.app.dashboard.shell import run  # pyright: ignore[reportMissingImports] - a script has no package

run()
