"""Training: is it learning, or forgetting?"""

from __future__ import annotations

from . import notyet


def page() -> None:
    """Draw the page."""
    notyet.say(
        (
            "loss on train and dev by step, learning rate, tokens a second, gradient norm",
            "what the recipe changed against the run before",
            "checkpoints with their score on the eval set, and what was forgotten",
            "which vetted file went in, by its sha256",
        ),
        "vetset train RECIPE.toml",
        "`vetset train` is not part of this version; `vetset export` writes the file that it will take.",
    )
