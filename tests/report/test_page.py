"""The page: its numbers are the Parquet files', it needs nothing but itself, and nothing on it can act or hide.

In a real browser it fits a phone, asks for nothing and can be read, and its script only helps.
"""

import base64
import hashlib
import json
import re
import shutil

import lxml.html
import pyarrow.parquet as pq
import pytest

from pipelines.report import search
from pipelines.report.facts import gather
from pipelines.report.markup import printable
from pipelines.report.page import SECTIONS, write_report
from pipelines.report.samples import RejectionTally
from pipelines.stages.stage import read_manifest
from tests.double.chromium import PROGRAM, chromium
from tests.double.report_checks import cells, check_report, read_page, rows_of
from tests.double.synthetic_output import HOSTILE, make_output, write_overlap, write_verdict
from webtext.errors import UsageError

WIDE_ON_A_PHONE = ["overlap", "overlap", "validation"]  # tables of six and seven columns, which scroll in their boxes


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    folder = make_output(tmp_path_factory.mktemp("report"))
    write_verdict(folder / "validation")
    write_overlap(folder / "overlap")
    (folder / "domains.txt").write_text("600 bbc\n300 github\n100 nytimes\n")
    write_report(str(folder), folder / "domains.txt")
    return folder


@pytest.fixture(scope="module")
def page(output):
    return read_page(output / "report" / "index.html")


def test_all_that_the_page_says_is_the_files(output, page):
    check_report(output, page)


def test_clusters_show_what_was_changed(page):
    marks = page.xpath('//section[@id="duplicates"]//mark')
    assert any("An addition." in mark.text_content() for mark in marks)


def test_what_a_rejection_keeps_of_a_text_or_of_a_line_is_shown(output, page):
    excerpts = {row["url"]: row["excerpt"] for row in rows_of(output, "documents") if row["reason"] == "language"}
    articles = page.xpath('//*[@id="sample-documents-language"]//article')
    longer = [article for article in articles if article.xpath(".//details")]
    assert longer
    for article in longer:
        text = excerpts[article.xpath(".//a")[0].text_content()]
        quote, rest = article.xpath(".//blockquote")[0], article.xpath('.//div[@class="rest"]')[0]
        assert quote.text + rest.text_content() == text
        assert f"{len(text) - 600:,} more characters" in quote.text_content()
    (line,) = page.xpath('//*[@id="sample-links-malformed_line"]//article')
    assert line.xpath(".//blockquote")[0].text == '{"url": "http://cut.ex'


def test_fidelity_is_told_with_its_warning(output, page):
    section = page.xpath('//section[@id="fidelity"]')[0]
    rows = {row[0]: row[1:] for table in section.iter("table") for row in cells(table)}
    assert rows["listed domains found"] == ["3 of 3", "2 of 3"]
    assert rows["coverage"] == ["100 %", "70.0 %"]
    (alarm,) = section.xpath('.//div[@class="alarm"]')
    assert alarm.text_content().startswith("robots_disallowed takes whole domains that were 30.0 % of")


def test_the_share_of_links_that_each_signal_took_is_told(output, page):
    rejected = json.loads((output / "pages" / "manifest.json").read_text())["counts"]["rejected"]
    said = {reason: number for reason, number in rejected.items() if reason.startswith(("opt_out_", "robots_"))}
    section = page.xpath('//section[@id="signals"]')[0]
    (table,) = section.iter("table")
    assert {row[0]: int(row[1].replace(",", "")) for row in cells(table)} == said
    assert "robots_disallowed" in said
    assert "were left alone" in section.text_content()


def test_verdict_is_told(page):
    told = " ".join(page.xpath('//section[@id="validation"]')[0].text_content().split())
    assert "Against its copy with shuffled words: better." in told
    assert "+0.1200 bits per byte, 95 % interval +0.1000 to +0.1400" in told
    assert "beats unigrams passed" in told.replace("passed", " passed ").replace("  ", " ")
    drawn = page.xpath('//section[@id="validation"]//*[local-name()="polyline"]')
    called = [line.findtext("{*}title") or line.findtext("title") for line in drawn]
    assert called == ["corpus", "other", "corpus, training", "corpus, held-out", "samples"]
    stairs = [float(pair.split(",")[1]) for pair in drawn[-1].get("points").split()]
    assert (stairs[0], stairs[-1], len(stairs)) == (200.0, 14.0, 11)  # five samples, a corner before and after each
    assert "80.0 %" in told


def test_overlap_is_told(page):
    section = page.xpath('//section[@id="overlap"]')[0]
    first, by_item = (cells(table) for table in section.iter("table"))
    assert first == [
        ["lambada", "5", "200", "10.0 %", "9.5 %", "-", "1"],
        ["ptb", "4", "100", "0 %", "-", "2.7 %", "-"],
    ]
    assert by_item[0] == ["lambada", "66.7 %", "12.0 %", "5.0 %", "1", "1", "1"]
    assert "Of 1,000 random n-grams that the corpus cannot hold it found 0" in section.text_content()
    curves = [line.findtext("{*}title") or line.findtext("title") for line in section.iter() if line.tag == "polyline"]
    assert curves == ["lambada", "ptb"]
    stairs = section.xpath('.//*[local-name()="polyline"]')[0].get("points").split()
    assert [float(pair.split(",")[1]) for pair in stairs] == [200.0, 200.0, 138.0, 138.0, 14.0, 14.0]
    assert [found.text_content() for found in section.xpath('.//article//a[@class="url"]')] == ["https://a.example/1"]


def test_equal_outputs_have_equal_pages(output, tmp_path):
    again = make_output(tmp_path / "again")
    for directory in ("validation", "overlap"):
        shutil.copytree(output / directory, again / directory)
    write_report(str(again), output / "domains.txt")
    for name in ("index.html", "figures.json"):
        assert (again / "report" / name).read_bytes() == (output / "report" / name).read_bytes()


def test_the_page_needs_nothing_and_runs_nothing_but_its_own(output, page):
    text = (output / "report" / "index.html").read_text("utf-8")
    assert "<script>alert" not in text and "\x00" not in text
    assert len(re.findall("<script", text)) == 1
    assert page.xpath("//@src | //link | //iframe | //object | //form | //img | //@style | //@onclick") == []
    assert all(url.startswith(("#", "http://", "https://")) for url in page.xpath("//@href"))
    policy = page.xpath('//meta[@http-equiv="Content-Security-Policy"]/@content')[0]
    for kind in ("style", "script"):
        inner = re.search(f"<{kind}>(.*?)</{kind}>", text, re.DOTALL).group(1)
        digest = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "@import" not in text and "url(" not in text


def test_text_of_the_web_is_shown_as_it_is(page):
    group = page.xpath('//*[@id="sample-links-not_a_url"]')[0]
    assert HOSTILE.replace("\x00", "\ufffd") in group.text_content()


def test_contents_name_every_section(page):
    assert [link.get("href") for link in page.xpath("//nav//a")] == [f"#{name}" for name, _ in SECTIONS]
    assert page.xpath("//main/section/@id") == [name for name, _ in SECTIONS]


def test_figures_are_there_for_scripts(output):
    figures = json.loads((output / "report" / "figures.json").read_text())
    assert sum(split["documents"] for split in figures["splits"].values()) == len(
        rows_of(output, "corpus", "*-of-*.parquet")
    )
    assert figures["problems"] == []


def test_what_has_not_run_is_told_in_a_line(tmp_path):
    output = make_output(tmp_path / "output", 60)
    for stage in ("documents", "duplicates", "corpus"):
        shutil.rmtree(output / stage)
    page = lxml.html.parse(write_report(str(output))).getroot()
    for section in ("documents", "kept", "duplicates", "overlap", "validation"):
        content = page.xpath(f'//section[@id="{section}"]/*')
        assert [part.tag for part in content] == ["h2", "p"]
    assert "--reference-domains" in page.xpath('//section[@id="fidelity"]')[0].text_content()
    with pytest.raises(UsageError, match="no finished stage"):
        write_report(str(tmp_path / "nothing"))


def test_files_that_do_not_hold_what_was_published_are_told(tmp_path):
    output = make_output(tmp_path / "output", 60)
    path = next(path for path in (output / "pages").glob("rejections-*.parquet") if pq.read_metadata(path).num_rows)
    pq.write_table(pq.read_table(path).slice(1), path)
    page = lxml.html.parse(write_report(str(output))).getroot()
    (alarm,) = page.xpath('//header//div[@class="alarm"]')
    assert alarm.text_content().startswith("The sums do not balance.pages: ")


def test_alarms_of_de_duplication_are_shown(tmp_path):
    output = make_output(tmp_path / "output", 60)
    (output / "duplicates" / "summary.json").write_text(json.dumps({"alarms": ["cluster x looks like a template"]}))
    page = lxml.html.parse(write_report(str(output))).getroot()
    for place in ("//header", '//section[@id="duplicates"]'):
        assert [found.text_content() for found in page.xpath(f'{place}//div[@class="alarm"]')] == [
            "cluster x looks like a template"
        ]


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
    texts, marks = browser.evaluate(_LEAST_CONTRASTS)
    assert (texts >= 4.5, marks >= 3.0) == (True, True), (texts, marks)  # WCAG 2.1, AA: text, and graphics
    # What unfolds a text is not out of sight in a box that scrolls, which a phone shows without a bar.
    cut = "[...document.querySelectorAll('blockquote')].filter((text) => text.scrollHeight > text.clientHeight + 1)"
    assert browser.evaluate(f"{cut}.length") == 0
    if width < 600:
        wide = "[...document.querySelectorAll('.scroll')].filter((box) => box.scrollWidth > box.clientWidth + 1)"
        assert browser.evaluate(f"{wide}.map((box) => box.closest('section').id)") == WIDE_ON_A_PHONE


# The contrast of each text, and of each mark of a chart or bar, with the first opaque background behind it; the least.
_LEAST_CONTRASTS = """
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
  const ratio = (part, color) => {
    const one = light(color), other = light(behind(part));
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  };
  const seen = (query) => [...document.querySelectorAll(query)].filter((part) => part.checkVisibility());
  const texts = seen("body *")
    .filter((part) => [...part.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .map((part) => ratio(part, part.closest("svg") ? getComputedStyle(part).fill : getComputedStyle(part).color));
  const marks = seen("main rect").map((part) => ratio(part, getComputedStyle(part).fill))
    .concat(seen("main .line").map((part) => ratio(part, getComputedStyle(part).stroke)));
  return [Math.min(...texts), Math.min(...marks)];
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
    # A host that begins with a digit is a word; a dash, where there is nothing to share, is less than any number.
    first, last = f"{table}.tBodies[0].rows[0]", f"{table}.tBodies[0].rows[1]"
    browser.evaluate(f"{first}.cells[0].textContent = '9gag.example', {last}.cells[0].textContent = '10.example'")
    browser.evaluate(f"{first}.cells[4].textContent = '-', {last}.cells[4].textContent = '1,000.5 %'")
    browser.evaluate(f"sortBy({table}, 0, false)")
    hosts = browser.evaluate(f"[...{table}.tBodies[0].rows].map((row) => row.cells[0].textContent)")
    assert hosts[:2] == ["10.example", "9gag.example"]
    browser.evaluate(f"sortBy({table}, 4, true)")
    shares = browser.evaluate(f"[...{table}.tBodies[0].rows].map((row) => row.cells[4].textContent)")
    assert (shares[0], shares[-1]) == ("1,000.5 %", "-")
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


def test_the_page_says_what_it_is_of_and_answers_at_the_top(output, page):
    versions = read_manifest(str(output / "corpus")).versions
    names = [file.name for file in read_manifest(str(output / "links")).inputs]
    assert page.xpath("string(//title)") == f"{', '.join(names)}: corpus report"
    head = page.xpath("//header")[0].text_content()
    assert f"made by webtext {versions['webtext']}" in head and "first posted 20" in head
    for question in ("Is it any good?", "Is it like WebText?", "Why do links not stay?", "What was honoured?"):
        assert question in head
    assert "of the words are in documents of other languages than" in head


def test_bars_of_reasons_are_on_one_scale(output, page):
    most = max(RejectionTally.of(str(output)).reasons.values())
    for row in page.xpath('//div[@class="stage"]//tbody/tr'):
        number = int(row[1].text_content().replace(",", ""))
        assert float(row.xpath(".//rect/@width")[0]) == pytest.approx(100 * number / most, abs=0.01)


def test_the_index_in_the_page_knows_each_link_and_its_end(output, page):
    lines = [line.split("\t") for line in page.get_element_by_id("index").text.splitlines()]
    assert all(len(line) == 4 for line in lines)
    kept = [url for url, stage, *_ in lines if not stage]
    assert sorted(kept) == sorted(row["url"] for row in rows_of(output, "corpus", "*-of-*.parquet"))
    rows = [
        row for name in ("links", "pages", "documents", "duplicates") for row in rows_of(output, name) if row["url"]
    ]
    gone = {(printable(row["url"]), row["reason"]) for row in rows if row["reason"] != "repeated_submission"}
    assert {(url, reason) for url, stage, reason, _ in lines if stage and reason != "repeated_submission"} == gone


def test_too_many_links_are_not_put_into_the_page(output, monkeypatch):
    monkeypatch.setattr(search, "MOST_LINKS", 10)
    said = search.search_section(gather(str(output)))
    assert "webtext serve OUTPUT" in said and 'id="index"' not in said


def test_the_page_answers_why_a_page_is_missing(output, browser):
    row = next(row for row in rows_of(output, "pages") if row["url"])
    browser.open(output / "report" / "index.html", width=390, dark=True)

    def ask(words):
        return browser.evaluate(
            "{ const field = document.querySelector('#search input'); field.value = " + json.dumps(words) + "; "
            "field.dispatchEvent(new Event('input')); } document.querySelector('#search').innerText"
        )

    told = ask(row["url"])
    assert f"Fetch left it out: {row['reason']}" in told and "left it out: repeated" not in told
    assert " found" in ask("https://www.a.example/#top")
    assert "No stage has seen it" in ask("no.such")
    assert "xn--bcherstube-9db.example/%c3%bcber%20uns?ort=k%c3%bcste" in browser.evaluate(
        "waysToWrite('http://www.B\u00fccherstube.example/\u00fcber uns?ort=k\u00fcste#here')"
    )
    assert browser.evaluate("waysToWrite('k\u00fcste')") == ["k\u00fcste", "xn--kste-0ra", "k%c3%bcste"]
