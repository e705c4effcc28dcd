"""Files stay short enough to be read in one sitting."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("components", "pipelines", "images", "manifests", "tests", ".ci")
WRITTEN = {"", ".py", ".sh", ".yaml", ".css", ".j2", ".toml"}  # scripts without an ending, too; no generated JSON
LONGER = {"components/compare/report/report.html.j2"}  # a whole page
MOST_LINES = 300


def test_no_file_is_longer_than_300_lines_but_for_the_page_of_the_report():
    lengths = {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8").count("\n")
        for path in [
            ROOT / "Makefile",
            ROOT / "pyproject.toml",
            *(p for room in ROOMS for p in (ROOT / room).rglob("*")),
        ]
        if path.is_file() and path.suffix in WRITTEN and "__pycache__" not in path.parts
    }
    assert lengths.keys() >= LONGER
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES and name not in LONGER} == {}
