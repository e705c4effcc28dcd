"""Writes the README's table of parameters from the pipeline's docstring: python -m pipelines.readme."""

from pathlib import Path

from components.contracts.files import write_text
from pipelines.parameters import parameters_table

README = Path(__file__).parents[1] / "README.md"
START, END = "<!-- parameters: written by make readme -->\n", "<!-- end of parameters -->\n"


def with_table(text: str) -> str:
    """Return the README's text with a fresh table; raises ValueError if its place is not marked."""
    before, rest = text.split(START)
    _, after = rest.split(END)
    return before + START + parameters_table() + END + after


if __name__ == "__main__":
    write_text(README, with_table(README.read_text(encoding="utf-8")))
