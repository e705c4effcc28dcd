"""The data report as one self-contained page."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
MOST_SHOWN = 50  # rows of a table on the page; data_report.json holds more


def report_html(report: dict[str, Any]) -> str:
    """Return the data report (the contents of data_report.json) as an HTML page that needs nothing from outside."""
    return _TEMPLATES.get_template("page.html.j2").render(report=report, most=MOST_SHOWN)
