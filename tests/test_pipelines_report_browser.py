"""The page in a real browser: it fits a phone, asks for nothing, can be read, and its script only helps."""

import lxml.html
import pytest

from pipelines.report import write_report
from tests.chromium import PROGRAM, chromium
from tests.synthetic_output import make_output, write_overlap, write_verdict


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    folder = make_output(tmp_path_factory.mktemp("browser"))
    write_verdict(folder / "validation")
    write_overlap(folder / "overlap")
    (folder / "domains.txt").write_text("600 bbc\n300 github\n100 nytimes\n")
    write_report(str(folder), folder / "domains.txt")
    return folder


@pytest.fixture(scope="module")
def page(output):
    return lxml.html.parse(output / "report" / "index.html").getroot()


@pytest.fixture(scope="module")
def browser():
    if PROGRAM is None:
        pytest.skip("no Chromium is installed")
    with chromium() as started:
        yield started


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_the_window_without_asking_for_anything(output, browser, width, dark):
    path = output / "report" / "index.html"
    browser.open(path, width=width, dark=dark)
    browser.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    assert browser.evaluate("document.documentElement.scrollWidth") == width
    outside = (
        "[...document.querySelectorAll('main *')].filter((part) => !part.closest('.scroll, svg, nav') && "
        "part.getBoundingClientRect().right > innerWidth + 1).length"
    )
    assert browser.evaluate(outside) == 0
    assert browser.requests() == [path.resolve().as_uri()]
    assert browser.complaints() == []
    assert browser.evaluate(_LEAST_CONTRAST) >= 4.5


# WCAG 2.1's contrast ratio of each text with the first opaque background behind it; the least of all.
_LEAST_CONTRAST = """
(() => {
  const channel = (value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const light = (color) => {
    const [red, green, blue] = color.match(/[\\d.]+/g).map((value) => channel(value / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (part) => {
    for (; part; part = part.parentElement) {
      const color = getComputedStyle(part).backgroundColor;
      if (!color.endsWith(", 0)")) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const ratios = [...document.querySelectorAll("body *")]
    .filter((part) => [...part.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .filter((part) => part.checkVisibility())
    .map((part) => {
      const style = getComputedStyle(part);
      const one = light(part.closest("svg") ? style.fill : style.color), other = light(behind(part));
      return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    });
  return Math.min(...ratios);
})()
"""


def test_every_fact_is_there_without_script(output, browser, page):
    browser.open(output / "report" / "index.html", script=False)
    assert browser.evaluate("document.querySelectorAll('.tools, th button').length") == 0
    shown = browser.evaluate("[...document.querySelectorAll('main td')].map((cell) => cell.textContent.trim())")
    assert shown == [cell.text_content().strip() for cell in page.xpath("//main//td")]


def test_script_sorts_and_filters(output, browser):
    browser.open(output / "report" / "index.html")
    assert browser.complaints() == []
    table = "document.querySelectorAll('#hosts table')[0]"
    column = f"[...{table}.tBodies[0].rows].map((row) => parseInt(row.cells[3].textContent))"
    click = f"{table}.tHead.rows[0].cells[3].querySelector('button').click()"
    kept = browser.evaluate(column)
    browser.evaluate(click)
    assert browser.evaluate(column) == sorted(kept, reverse=True)
    browser.evaluate(click)
    assert browser.evaluate(column) == sorted(kept)
    browser.evaluate("document.querySelector('#rejected input').value = 'timeout'")
    browser.evaluate("document.querySelector('#rejected input').dispatchEvent(new Event('input')), 0")
    groups = "[...document.querySelectorAll('#rejected .group')].filter((group) => group.checkVisibility())"
    assert browser.evaluate(f"{groups}.map((group) => group.id)") == ["sample-pages-timeout"]


def test_a_link_to_a_reason_opens_its_samples(output, browser):
    browser.open(output / "report" / "index.html")
    browser.evaluate(
        "new Promise((done) => {"
        "  addEventListener('hashchange', () => done(true));"
        "  document.querySelector('a[href=\"#sample-pages-timeout\"]').click();"
        "})"
    )
    assert browser.evaluate("document.querySelector('#sample-pages-timeout details').open") is True
