"""Charts and pictures for reports: inline, self-contained, small, legible on any ground, the same every time."""

import base64
import io
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from components.pictures.figures import (
    MOST_POINTS,
    SERIES,
    Line,
    joined,
    line_chart,
    montage,
    picture_uri,
    series_style,
    thin,
)


def chart(key="one", description="A & B", count=3000):
    y = np.random.default_rng(0).normal(size=count)
    lines = [Line("generator", range(count), y), Line("other", [0, count], [0, 1], SERIES[1], band=([-1, 0], [1, 2]))]
    return line_chart(key, description, lines, "update", "loss 0.12345")


def test_a_chart_is_well_formed_small_and_described():
    svg = chart()
    ElementTree.fromstring(svg)
    assert svg.startswith('<svg role="img" aria-label="A &amp; B"')
    assert 'viewBox="0 0 360 250"' in svg
    assert len(svg) < 25_000


def test_a_chart_takes_its_ink_and_font_from_the_page_on_a_transparent_ground():
    svg = chart()
    assert svg.count("currentColor") > 10
    assert "font-family" not in svg
    assert "<style" not in svg
    assert set(re.findall(r"fill: (#\w+)", svg)) <= {SERIES[1]}


def test_text_stays_text_and_is_not_rounded():
    texts = re.findall(r"<text[^>]*>([^<]*)", chart())
    assert {"generator", "other", "update", "loss 0.12345"} <= set(texts)


def test_the_same_chart_has_the_same_bytes():
    assert chart() == chart()


def test_ids_of_two_charts_do_not_meet_and_references_stay_within_a_chart():
    ids = []
    for key in ("one", "two"):
        svg = chart(key)
        own = re.findall(r' id="([^"]+)"', svg)
        assert set(re.findall(r'(?:url\(|href=")#([^)"]+)', svg)) == set(own)
        ids += own
    assert len(ids) == len(set(ids)) > 0


def test_thinning_keeps_peaks_ends_and_order():
    y = np.zeros(10_000)
    y[4321] = 9
    y[777] = -9
    x, thinned = thin(np.arange(10_000), y)
    assert len(x) <= MOST_POINTS + 2
    assert {0, 777, 4321, 9999} <= set(x.tolist())
    assert np.all(np.diff(x) > 0)
    assert thinned.max() == 9
    short = np.arange(5)
    assert thin(short, short)[0] is short


def test_thinning_joined_curves_keeps_their_gaps_and_peaks():
    curves = [(range(1, 501), np.zeros(500)) for _ in range(30)] + [((1, 2), (0, 0))]
    curves[7][1][123] = 9
    x, y = joined(curves)
    assert len(x) == 30 * 501 + 2
    thinned_x, thinned = thin(x, y)
    assert len(thinned_x) <= 2 * MOST_POINTS
    assert np.isnan(thinned).sum() == 30
    assert not np.isnan(thinned[[0, -1]]).any()
    assert np.nanmax(thinned) == 9
    assert np.all(np.diff(thinned_x)[~np.isnan(np.diff(thinned_x))] > 0)


def test_joined_curves_are_drawn_apart():
    svg = line_chart("gaps", "two", [Line("", *joined([((1, 2), (0, 1)), ((1, 2), (1, 0)), ((), ())]))], "x", "y")
    (path,) = re.findall(r'<path d="(M[^"]*)"[^>]*clip-path[^>]*stroke: ' + SERIES[0], svg)
    assert path.count("M") == 2
    assert path.count("L") == 2


def test_fifty_series_look_different():
    assert len({series_style(i) for i in range(10)}) == 10


def test_small_pictures_are_exact_and_large_ones_are_packed():
    small = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    kind, encoded = picture_uri(small).split(",")
    assert kind == "data:image/png;base64"
    assert np.array_equal(np.array(Image.open(io.BytesIO(base64.b64decode(encoded)))), small)
    large = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    assert picture_uri(large).startswith("data:image/jpeg;base64,")


def test_a_montage_is_read_like_text_and_fills_up_with_grey():
    images = np.stack([np.full((2, 2, 3), value, dtype=np.uint8) for value in (10, 20, 30)])
    sheet = montage(images, columns=2)
    assert sheet.shape == (4, 4, 3)
    assert sheet[::2, ::2, 0].tolist() == [[10, 20], [30, 128]]


@pytest.mark.parametrize(
    "name",
    ["C:\\data", "a\\074img src=x onerror=1>", "\\g<0>", "$5% or $9", "$x^2$", "<b>&amp;", "[red]", "{{$.x}}"],
)
def test_a_name_is_shown_as_it_is_in_a_chart_and_its_description(name):
    svg = line_chart("one", name, [Line(name, [0, 1], [0, 1])], name, name)
    root = ElementTree.fromstring(svg)
    texts = [element.text for element in root.iter() if element.tag.endswith("text")]
    assert texts.count(name) == 3
    assert root.get("aria-label") == name
    assert "<img" not in svg
