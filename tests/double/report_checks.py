"""What a report must say, counted anew from the Parquet files of its output: the same checks for any output."""

import re
from collections import Counter
from urllib.parse import urlsplit

import lxml.html
import pyarrow.parquet as pq

from pipelines.report.page import write_report

STAGES = ("links", "pages", "documents", "duplicates", "removed", "corpus")
MOST_HOSTS, MOST_LANGUAGES = 40, 20  # the most that have a line


def read_page(path):
    return lxml.html.parse(path).getroot()


def report_of(output, folder):
    """Write the report of an output that others use, too, into a folder that looks like it; give both."""
    folder.mkdir()
    for stage in (*STAGES, "overlap", "validation"):
        if (output / stage).is_dir():
            (folder / stage).symlink_to(output / stage)
    return folder, read_page(write_report(str(folder)))


def rows_of(output, stage, pattern="rejections-*.parquet"):
    return [row for path in sorted((output / stage).rglob(pattern)) for row in pq.read_table(path).to_pylist()]


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


def check_report(output, page):
    """Compare all that stands on a page of an output, from links to a corpus, with the files."""
    rejected = {stage: rows_of(output, stage) for stage in STAGES}
    documents, links = rows_of(output, "corpus", "*-of-*.parquet"), rows_of(output, "links", "links-*.parquet")
    check_funnel(page, rejected, documents)
    check_hosts(page, rejected, documents, links)
    check_languages(page, rejected, documents)
    check_charts(page, documents, links)
    check_samples(page, rejected, documents)
    check_clusters(page, rejected["duplicates"], rows_of(output, "documents", "part-*.parquet"))


def check_funnel(page, rejected, documents):
    for stage in STAGES:
        expected = Counter(row["reason"] for row in rejected[stage])
        told = {
            row[0]: number(row[1])
            for part in page.xpath(f'//div[@data-stage="{stage}"]')
            for table in part.iter("table")
            for row in cells(table)
        }
        assert told == expected
    kept, all_rejected = len(documents), sum(map(len, rejected.values()))
    told = page.xpath('//p[@class="balance"]')[0].text_content()
    sums = f"{kept + all_rejected:,} given = {kept:,} kept + {all_rejected:,} rejected, each for one reason."
    assert told.endswith(sums)
    figures = [found.text_content() for found in page.xpath('//dl[@class="figures"]//dd')]
    words = sum(row["n_words"] for row in documents)
    assert figures[:3] == [f"{kept + all_rejected:,}", f"{kept:,}", f"{words:,}"]
    assert figures[4] == f"{len({host_of(row) for row in documents}):,}"


def host_of(row):
    return urlsplit(row["url"]).hostname


def ranked(counter):
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))


def check_hosts(page, rejected, documents, links):
    posted, kept = (Counter(map(host_of, rows)) for rows in (links, documents))
    shown = [(row[0], number(row[2]), number(row[3])) for row in cells(under(page, "hosts", "Most frequent in links"))]
    assert shown == [(host, count, kept[host]) for host, count in ranked(posted)[:MOST_HOSTS]]
    later = [row for stage in STAGES[1:] for row in rejected[stage]]
    for host, told, *_ in cells(under(page, "hosts", "Most frequent in links")):
        reasons = Counter(row["reason"] for row in later if re.match(f"https?://{re.escape(host)}[:/]", row["url"]))
        assert told == ("{} {:,}".format(*ranked(reasons)[0]) if reasons else "")
    in_corpus = [(row[0], number(row[1])) for row in cells(under(page, "hosts", "Most frequent in the corpus"))]
    assert in_corpus == ranked(kept)[:MOST_HOSTS]


def check_languages(page, rejected, documents):
    foreign = Counter(row["detail"].split()[0] for row in rejected["documents"] if row["reason"] == "language")
    kept = Counter(row["language"] for row in documents)
    expected = {code: (kept[code], foreign[code]) for code, _ in ranked(kept + foreign)[:MOST_LANGUAGES]}
    told = {row[0]: (number(row[1]), number(row[2])) for row in cells(under(page, "documents", "Languages"))}
    for name in [name for name in told if name.endswith(" others")]:
        assert name == f"{len(kept + foreign) - MOST_LANGUAGES} others"
        expected[name] = tuple(sum(side.values()) - sum(column) for side, column in
                               zip((kept, foreign), zip(*expected.values(), strict=True), strict=True))  # fmt: skip
    assert told == expected


def check_charts(page, documents, links):
    """Check that the numbers under each chart are the rows', and that each bin holds what its name says."""
    known = [[row["karma"] for row in rows if row["karma"] is not None] for rows in (links, documents)]
    lengths = [[row["n_words"] for row in documents]]
    for heading, series in (("Length", lengths), ("Karma", known)):
        for name, *counts in cells(under(page, "documents", heading)):
            low, _, high = name.replace(",", "").partition(" to ")
            inside = [sum(int(low) <= value <= int(high or low) for value in values) for values in series]
            assert list(map(number, counts)) == inside
        assert _sums(under(page, "documents", heading)) == [sum(value >= 1 for value in values) for values in series]
    posted = [sum(row["first_posted"] is not None for row in rows) for rows in (links, documents)]
    assert _sums(under(page, "documents", "First posted")) == posted
    dated = sum(row["date"][:4].isdecimal() for row in documents)
    assert sum(_sums(under(page, "documents", "Date of the page"))) == dated


def _sums(table):
    return [sum(map(number, column)) for column in list(zip(*cells(table), strict=True))[1:]]


def check_samples(page, rejected, documents):
    """Check that what is shown of a reason are rows of that reason, and of the corpus documents with their text."""
    for stage in STAGES:
        for reason in {row["reason"] for row in rejected[stage]}:
            rows = {row["url"]: row for row in rejected[stage] if row["reason"] == reason}
            group = page.xpath(f'//*[@id="sample-{stage}-{reason}"]')[0]
            facts = group.xpath('.//p[@class="facts"]')
            count = sum(row["reason"] == reason for row in rejected[stage])
            assert len(facts) == min(5, count)
            assert f"{count:,} rejected" in group.text_content()
            shown = {found.text_content() for found in group.xpath('.//p[@class="facts"]/*[1][contains(@class,"url")]')}
            assert {url for url in shown if url.startswith("http")} <= set(rows)
    texts = {row["url"]: row["text"] for row in documents}
    articles = page.xpath('//section[@id="kept"]//article')
    assert len(articles) == min(10, len(documents))
    for article in articles:
        url = article.xpath('.//a[@class="url"]')[0].text_content()
        assert texts[url].startswith(article.xpath(".//blockquote")[0].text[:1500])


def check_clusters(page, rejections, documents):
    dropped = {row["url"]: row for row in rejections}
    texts = {row["url"]: row["text"] for row in documents}
    words, of_url = Counter(), {row["url"]: row["n_words"] for row in documents}
    for row in rejections:
        words[row["cluster"]] += of_url[row["url"]]
    clusters = page.xpath('//section[@id="duplicates"]//div[contains(concat(" ", @class, " "), " cluster ")]')
    assert len(clusters) == min(16, len({row["cluster"] for row in dropped.values()}))
    for cluster in clusters:
        rows = cells(cluster.xpath(".//table")[0])
        assert [row[1] for row in rows] == [
            "" if dropped[url]["similarity"] is None else f"{dropped[url]['similarity']:.3f}" for url, _ in rows
        ]
        last = rows[-1][0]
        gone = words[dropped[last]["cluster"]]
        assert f" documents, {gone:,} words dropped, " in cluster.xpath(".//summary")[0].text_content()
        for mark in cluster.xpath(".//mark"):
            text = mark.text_content()
            assert text in texts[last] or text in texts[dropped[last]["kept_url"]]
