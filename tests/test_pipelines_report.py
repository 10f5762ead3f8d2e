"""The page: its numbers are the Parquet files', it needs nothing but itself, and nothing on it can act or hide."""

import base64
import hashlib
import json
import re
import shutil
from collections import Counter

import lxml.html
import pyarrow.parquet as pq
import pytest

from pipelines.report import SECTIONS, write_report
from tests.synthetic_output import HOSTILE, make_output, write_overlap, write_verdict
from webtext.errors import UsageError

STAGES = ("links", "pages", "documents", "duplicates", "corpus")


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
    return lxml.html.parse(output / "report" / "index.html").getroot()


def rows_of(output, stage, pattern="rejections-*.parquet"):
    return [row for path in sorted((output / stage).glob(pattern)) for row in pq.read_table(path).to_pylist()]


def cells(table):
    """Read a table as rows of text."""
    return [
        [cell.text_content().strip() for cell in row.iter("td")]
        for row in table.iter("tr")
        if row.find("td") is not None
    ]


def number(text):
    return int(text.replace(",", ""))


def under(page, section, heading):
    """Find the first table after a heading of a section."""
    return page.xpath(f'//section[@id="{section}"]//h3[normalize-space()="{heading}"]/following::table')[0]


def test_funnel_is_the_files(output, page):
    for stage in STAGES:
        part = page.xpath(f'//div[@data-stage="{stage}"]')[0]
        expected = Counter(row["reason"] for row in rows_of(output, stage))
        assert {row[0]: number(row[1]) for table in part.iter("table") for row in cells(table)} == expected
    kept = len(rows_of(output, "corpus", "*-of-*.parquet"))
    rejected = sum(len(rows_of(output, stage)) for stage in STAGES)
    told = page.xpath('//p[@class="balance"]')[0].text_content()
    assert told.endswith(f"{kept + rejected:,} given = {kept:,} kept + {rejected:,} rejected, each for one reason.")


def test_hosts_are_the_files(output, page):
    links = Counter(row["host"] for row in rows_of(output, "links", "links-*.parquet"))
    kept = Counter(row["host"] for row in rows_of(output, "corpus", "*-of-*.parquet"))
    shown = {row[0]: (number(row[2]), number(row[3])) for row in cells(under(page, "hosts", "Most frequent in links"))}
    assert shown == {host: (count, kept[host]) for host, count in links.items()}
    for host, told, *_ in cells(under(page, "hosts", "Most frequent in links")):
        later = [row for stage in STAGES[1:] for row in rows_of(output, stage) if f"//{host}/" in row["url"]]
        reasons = Counter(row["reason"] for row in later)
        assert told == "{} {}".format(*min(reasons.items(), key=lambda item: (-item[1], item[0])))
    in_corpus = {row[0]: number(row[1]) for row in cells(under(page, "hosts", "Most frequent in the corpus"))}
    assert in_corpus == kept


def test_languages_lengths_karma_and_dates_are_the_files(output, page):
    documents, links = rows_of(output, "corpus", "*-of-*.parquet"), rows_of(output, "links", "links-*.parquet")
    foreign = [row["detail"].split()[0] for row in rows_of(output, "documents") if row["reason"] == "language"]
    languages = {row[0]: (number(row[1]), number(row[2])) for row in cells(under(page, "documents", "Languages"))}
    assert languages == {"en": (len(documents), 0), **{code: (0, foreign.count(code)) for code in ("de", "fr")}}
    assert _binned(under(page, "documents", "Length")) == [len(documents)]
    assert _binned(under(page, "documents", "Karma")) == [
        sum(row["karma"] is not None for row in rows) for rows in (links, documents)
    ]
    assert _binned(under(page, "documents", "First posted")) == [
        sum(row["first_posted"] is not None for row in rows) for rows in (links, documents)
    ]
    assert _binned(under(page, "documents", "Date of the page")) == [sum(bool(row["date"]) for row in documents)]


def _binned(table):
    """Sum the columns of a chart's numbers, and check that each bin holds what its name says."""
    return [sum(map(number, column)) for column in list(zip(*cells(table), strict=True))[1:]]


def test_karma_bins_hold_what_their_names_say(output, page):
    karma = [row["karma"] for row in rows_of(output, "links", "links-*.parquet") if row["karma"] is not None]
    for name, count, _ in cells(under(page, "documents", "Karma")):
        low, _, high = name.replace(",", "").partition(" to ")
        assert number(count) == sum(int(low) <= value <= int(high or low) for value in karma)


def test_samples_are_rows_of_their_reason(output, page):
    by_reason = {}
    for stage in STAGES:
        for row in rows_of(output, stage):
            by_reason.setdefault((stage, row["reason"]), {})[row["url"]] = row
    for (stage, reason), rows in by_reason.items():
        group = page.xpath(f'//*[@id="sample-{stage}-{reason}"]')[0]
        shown = [found.text_content() for found in group.xpath('.//p[@class="facts"]/*[1]')]
        assert len(shown) == min(5, len(rows))
        if reason != "not_a_url":
            assert set(shown) <= set(rows)
        assert f"{len(rows):,} rejected" in group.text_content()
    texts = {row["url"]: row["text"] for row in rows_of(output, "corpus", "*-of-*.parquet")}
    articles = page.xpath('//section[@id="kept"]//article')
    assert len(articles) == 10
    for article in articles:
        url = article.xpath('.//a[@class="url"]')[0].text_content()
        assert texts[url].startswith(article.xpath(".//blockquote")[0].text[:1500])


def test_clusters_show_both_texts(output, page):
    dropped = {row["url"]: row for row in rows_of(output, "duplicates")}
    texts = {row["url"]: row["text"] for row in rows_of(output, "documents", "part-*.parquet")}
    clusters = page.xpath(
        '//section[@id="duplicates"]//div[contains(@class, "cluster ")or contains(@class, " cluster")]'
    )
    assert len(clusters) == min(16, len({row["cluster"] for row in dropped.values()}))
    for cluster in clusters:
        urls = [row[0] for row in cells(cluster.xpath(".//table")[0])]
        assert [row[1] for row in cells(cluster.xpath(".//table")[0])] == [
            f"{dropped[url]['similarity']:.3f}" for url in urls
        ]
        changed = [mark.text_content() for mark in cluster.xpath(".//mark")]
        assert any("An addition." in text for text in changed)
        assert all(text in texts[urls[-1]] or text in texts[dropped[urls[-1]]["kept_url"]] for text in changed)


def test_fidelity_is_told_with_its_warning(output, page):
    section = page.xpath('//section[@id="fidelity"]')[0]
    rows = {row[0]: row[1:] for table in section.iter("table") for row in cells(table)}
    assert rows["listed domains found"] == ["3 of 3", "2 of 3"]
    assert rows["coverage"] == ["100 %", "70.0 %"]
    (alarm,) = section.xpath('.//div[@class="alarm"]')
    assert alarm.text_content().startswith("robots_disallowed takes whole domains that were 30.0 % of")


def test_verdict_is_told(page):
    told = " ".join(page.xpath('//section[@id="validation"]')[0].text_content().split())
    assert "Against its copy with shuffled words: better." in told
    assert "+0.1200 bits per byte, 95 % interval +0.1000 to +0.1400" in told
    assert "beats unigrams passed" in told.replace("passed", " passed ").replace("  ", " ")
    loss, heldout, samples = page.xpath('//section[@id="validation"]//*[local-name()="polyline"]')
    stairs = [float(pair.split(",")[1]) for pair in samples.get("points").split()]
    assert (stairs[0], stairs[-1], len(stairs)) == (200.0, 14.0, 10)  # five samples, a corner before and after each
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
