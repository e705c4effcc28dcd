import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
from PIL import Image

from components.pictures.similarity import side_by_side
from components.prepare.page import report_html

VOID = {"meta", "img", "br", "link"}


def report(**changes) -> dict:
    pair = {"a": "test/a/<1>.png", "b": "train/a/2.png", "correlation": 0.99871, "across_splits": True}
    white = np.full((16, 16, 3), 255, dtype=np.uint8)
    whole = {
        "name": "nevi & more",
        "notice": "Phantoms, not patients.",
        "digest": "ab" * 32,
        "classes": ["benign", "malignant"],
        "counts": {"development": {"benign": 1200, "malignant": 34}, "test": {"benign": 5, "malignant": 6}},
        "files": 1250,
        "refused": [{"path": f"train/a/{i}.png", "reason": "empty: the file has zero bytes"} for i in range(60)],
        "converted": {"CMYK to RGB": 7},
        "exact_duplicates": [],
        "exact_duplicate_count": 0,
        "near_duplicates": [pair | {"same_label": True}],
        "near_duplicate_count": 2000,
        "conflicting_labels": [pair | {"same_label": False}],
        "conflicting_label_count": 1,
        "leaks": {
            "test_images": 97,
            "development_images": 103,
            "by_group_table": 90,
            "by_near_duplicate": 14,
            "dropped": 103,
            "policy": "drop",
        },
        "conflicts": {"images": 0, "dropped": 0, "policy": "drop"},
        "external_test_sets": [],
        "understood": ["data set: 3 files"],
        "warnings": ["look <b>here</b>"],
        "table": None,
        "subgroups": {},
        "groups": {"given": True, "count": 900, "unlisted": 12, "largest": 4},
        "worst_pairs": [pair | {"same_label": True, "picture": side_by_side(white, white // 2)}],
    }
    return whole | changes


class Checker(HTMLParser):
    def __init__(self, html: str):
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_shows_counts_leaks_and_the_notice():
    html = report_html(report())
    text = " ".join(re.sub(r"<[^>]+>", " ", html).split())
    assert "Phantoms, not patients." in text
    assert "97 test images show what 103 images to learn from also show." in text
    assert "benign 1200 5" in text
    assert "all 1234 11" in text
    assert "the first 50 of 60" in text
    assert "the first 1 of 2000" in text
    assert "CMYK to RGB 7" in text


def test_the_page_is_well_formed_and_needs_nothing_from_outside():
    html = report_html(report())
    tags = Checker(html).tags
    assert not re.search(r"https?://|src=\"(?!data:)|@import|url\(", html)
    assert not any(tag in ("script", "link", "iframe") for tag, _ in tags)
    assert "prefers-color-scheme: dark" in html


def test_tables_have_headers_and_pictures_alternative_texts():
    tags = Checker(report_html(report())).tags
    tables = sum(tag == "table" for tag, _ in tags)
    assert sum(tag == "caption" for tag, _ in tags) == tables
    assert all("scope" in attributes for tag, attributes in tags if tag == "th")
    images = [attributes for tag, attributes in tags if tag == "img"]
    assert len(images) == 1
    assert all(attributes["alt"] for attributes in images)
    assert [attributes.get("lang") for tag, attributes in tags if tag == "html"] == ["en"]


def test_names_from_the_data_set_are_escaped():
    html = report_html(report(name="<script>alert(1)</script>"))
    assert "<script>" not in html
    assert "test/a/&lt;1&gt;.png" in html


def test_what_was_understood_and_what_deserves_a_look_stands_first():
    page = report_html(report(subgroups={"sex": {"": 2, "male": 3}}))
    assert "data set: 3 files" in page
    assert "<li>look &lt;b&gt;here&lt;/b&gt;</li>" in page
    assert page.index("Look at this") < page.index("<h2>Images")
    assert "Subgroups by sex: unknown 2, male 3." in page


def test_a_clean_data_set_has_a_clean_page():
    nothing = {
        "refused": [],
        "converted": {},
        "near_duplicates": [],
        "near_duplicate_count": 0,
        "conflicting_labels": [],
        "conflicting_label_count": 0,
        "worst_pairs": [],
        "notice": "",
        "leaks": dict.fromkeys(report()["leaks"], 0) | {"policy": "drop"},
        "warnings": [],
        "groups": {"given": False, "count": 1245, "unlisted": 1245, "largest": 1},
    }
    html = report_html(report(**nothing))
    Checker(html)
    assert "No file was left out." in html
    assert "Look at this" not in html
    assert "No image to learn from shows what a test image shows, as far as is known." in html
    assert 'class="notice"' not in html
    assert "<img" not in html


def test_two_pictures_stand_beside_each_other():
    left, right = np.zeros((32, 32, 3), np.uint8), np.full((32, 32, 3), 90, np.uint8)
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(side_by_side(left, right)))))
    assert image.shape == (32, 66, 3)
    assert (image[:, :32] == 0).all()
    assert (image[:, 32:34] == 255).all()
    assert (image[:, 34:] == 90).all()
