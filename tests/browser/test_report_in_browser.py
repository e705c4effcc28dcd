"""The report in a browser: it draws all of itself, alone and in a sandboxed frame, and asks the network for nothing."""

import html
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "components" / "compare" / "report"))
from report_example import example_inputs, example_verdict, write_example

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)

LOOK = """
const wide = [...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll')
  && e.getBoundingClientRect().width > 0 && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1);
document.querySelectorAll('details').forEach(e => { e.open = true; });
const empty = e => { const box = e.getBoundingClientRect(); return box.width < 20 || box.height < 20; };
return {
  images: document.images.length,
  undrawn: [...document.images].filter(e => !e.complete || !e.naturalWidth || empty(e)).map(e => e.alt),
  charts: document.querySelectorAll('svg').length,
  blank: [...document.querySelectorAll('svg')].filter(
    e => empty(e) || e.getBBox().width < 100 || !e.querySelectorAll('text').length).map(e => e.ariaLabel),
  wide: wide.map(e => e.outerHTML.slice(0, 120)),
  overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  requests: performance.getEntriesByType('resource').map(e => e.name).filter(name => !name.startsWith('data:')),
  ink: getComputedStyle(document.querySelector('svg text')).fill,
  ground: getComputedStyle(document.body).backgroundColor,
};
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    selenium = pytest.importorskip("selenium", reason="selenium is not installed")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        reason = "chromium and chromedriver are not installed: apt-get install chromium chromium-driver"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    assert selenium
    started = webdriver.Chrome(options=options, service=Service(driver))
    yield started
    started.quit()


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    """The report of a run with four classes and enough GAN arms for every section."""
    folder = tmp_path_factory.mktemp("report")
    classes, arms = ("benign", "keratosis", "malignant", "nevus"), ("real", "gan:30", "gan:60", "gan:120")
    inputs = example_inputs(folder, classes, arms, test_per_class=30, replicates=2, updates=300)
    verdict, ledger = example_verdict(inputs)
    write_example(folder / "report.html", inputs, verdict, ledger)
    return folder / "report.html"


def size(browser, width: int, scheme: str = "light") -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def requests_beyond(browser, allowed: str) -> list[str]:
    """Return the addresses asked for since the last call, but for `allowed` and what the page carries itself."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    return [url for url in urls if not url.startswith(("data:", "about:")) and url != allowed]


def check(seen: dict) -> None:
    assert seen["undrawn"] == []
    assert seen["images"] > 60
    assert seen["blank"] == []
    assert seen["charts"] == 17  # 2 forests, 2 doses, ROC, and 4 each: calibrations, trainings, GANs
    assert seen["wide"] == []
    assert seen["overflow"] == 0
    assert seen["requests"] == []


@pytest.mark.parametrize("width", [400, 1400])
def test_the_report_draws_everything_without_network_or_console_messages(browser, report, width):
    size(browser, width)
    browser.get_log("browser"), browser.get_log("performance")
    browser.get(report.as_uri())
    check(browser.execute_script(LOOK))
    assert browser.get_log("browser") == []
    assert requests_beyond(browser, report.as_uri()) == []


def open_in_frame(browser, report: Path, folder: Path, sandbox: str) -> Path:
    """Show the report as Kubeflow Pipelines does: as the string of a sandboxed frame."""
    text = html.escape(report.read_text(encoding="utf-8"))
    page = folder / "frame.html"
    frame = f'<iframe sandbox="{sandbox}" style="width:800px;height:600px" srcdoc="{text}"></iframe>'
    page.write_text(f'<!doctype html><title>frame</title><link rel="icon" href="data:,">{frame}', encoding="utf-8")
    size(browser, 1000)
    browser.get_log("browser"), browser.get_log("performance")
    browser.get(page.as_uri())
    assert requests_beyond(browser, page.as_uri()) == []
    browser.switch_to.frame(0)
    return page


def test_the_report_works_in_a_sandboxed_frame_and_its_contents_lead_to_the_sections(browser, report, tmp_path):
    from selenium.webdriver.support.ui import WebDriverWait

    open_in_frame(browser, report, tmp_path, "allow-scripts")
    check(browser.execute_script(LOOK))
    browser.find_element("css selector", "nav a[href='#data']").click()
    top = "return document.getElementById('data').getBoundingClientRect().top"
    WebDriverWait(browser, 10).until(lambda _: abs(browser.execute_script(top)) < 2)
    assert browser.execute_script("return document.activeElement.id") == "data"
    browser.switch_to.default_content()
    assert browser.get_log("browser") == []


def test_the_report_draws_everything_in_a_frame_without_scripts(browser, report, tmp_path):
    open_in_frame(browser, report, tmp_path, "")
    check(browser.execute_script(LOOK))
    browser.switch_to.default_content()


def test_the_report_is_legible_in_dark_mode(browser, report):
    inks = {}
    for scheme in ("light", "dark"):
        size(browser, 1400, scheme)
        browser.get(report.as_uri())
        seen = browser.execute_script(LOOK)
        inks[scheme] = (luminance(seen["ink"]), luminance(seen["ground"]))
    assert contrast(*inks["light"]) > 10
    assert contrast(*inks["dark"]) > 10
    assert inks["light"][0] < inks["light"][1]
    assert inks["dark"][0] > inks["dark"][1]


def luminance(colour: str) -> float:
    """Return the relative luminance (WCAG 2.2) of "rgb(r, g, b)"."""
    channels = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)
