"""The sample web by itself: is it whole, convincing, the same each time, and as hard as it says?"""

import gzip
import itertools
import json
import re
from collections import Counter
from html import unescape

import pytest
import zstandard
from fastwarc.warc import ArchiveIterator as FastArchive
from warcio.archiveiterator import ArchiveIterator

from sample.articles import HERE, read_articles
from sample.build import ARCHIVE, DUMP, EXPECTED, build, cases, distinct_answers, expectations
from sample.cases import canonical
from sample.copies import americanised, datelined, excerpted, halved, retitled
from sample.sites import boilerplate, furniture, read_comments, read_sites
from webtext.crawl.outcomes import is_reason
from webtext.text import ngrams, words
from webtext.urls import canonicalize_url

THRESHOLD = 0.7  # the default of near-duplicates
WITHOUT_COMMENTS = {"manual", "company", "homepage", "university"}


@pytest.fixture(scope="module")
def made(sample_web):
    return sample_web, list(cases())


def read_lines(directory):
    decompressor = zstandard.ZstdDecompressor(max_window_size=2**31)
    return decompressor.stream_reader((directory / DUMP).open("rb")).read().split(b"\n")[:-1]


def test_same_bytes_each_time(made, tmp_path):
    directory, _ = made
    build(tmp_path)
    for name in (ARCHIVE, DUMP, EXPECTED):
        assert (tmp_path / name).read_bytes() == (directory / name).read_bytes()


def test_articles_are_many_long_enough_and_each_is_its_own():
    articles = read_articles().values()
    lengths = [sum(len(words(line)) for block in article.blocks for line in block.lines) for article in articles]
    assert len(lengths) >= 80
    assert sum(300 <= length <= 900 for length in lengths) >= 80
    assert max(lengths) > 5000
    assert len({article.section for article in articles}) >= 30
    paragraphs = Counter(paragraph for article in articles for paragraph in article.paragraphs)
    assert max(paragraphs.values()) == 1


def test_every_article_has_a_site_and_sites_look_different():
    sites = read_sites().values()
    homes = Counter(slug for site in sites for slug in site.articles)
    assert homes == Counter(list(read_articles()))
    assert len({site.template for site in sites if site.articles}) >= 8
    assert len({site.markup for site in sites}) >= 5
    assert all(site.host.endswith(".example") for site in sites)


def test_foreign_pages_are_in_many_languages_and_encodings(made):
    foreign = [slug.partition("-")[0] for slug in read_articles("foreign")]
    assert len(set(foreign)) >= 5
    answers = {answer.url: answer for answer in distinct_answers(made[1])}
    encodings = {
        match[1]
        for url, answer in answers.items()
        if ".landpost.example" in url and (match := re.search(rb'<meta charset="([^"]+)', answer.body))
    }
    assert len(encodings) >= 8


def test_archive_is_read_by_others_record_by_record(made):
    directory, built = made
    with (directory / ARCHIVE).open("rb") as stream:
        records = ArchiveIterator(stream)
        slow = [(record.rec_type, record.rec_headers.get_header("WARC-Target-URI")) for record in records]
    with (directory / ARCHIVE).open("rb") as stream:
        fast = [(record.headers["WARC-Type"], record.headers.get("WARC-Target-URI")) for record in FastArchive(stream)]
    assert slow == fast
    assert [url for kind, url in slow if kind == "response"] == [answer.url for answer in distinct_answers(built)]
    content = (directory / ARCHIVE).read_bytes()
    assert gzip.decompress(content).count(b"WARC/1.1\r\n") == len(slow)
    assert content.count(b"\x1f\x8b\x08") >= len(slow)


def test_dump_has_the_long_window_and_the_fields_of_genuine_ones(made):
    directory, _ = made
    with pytest.raises(zstandard.ZstdError, match="too much memory"):
        zstandard.ZstdDecompressor().stream_reader((directory / DUMP).open("rb")).read()
    parsed = [json.loads(line) for line in read_lines(directory) if line.startswith(b"{") and line.endswith(b"}")]
    assert {type(submission["created_utc"]) for submission in parsed} == {int, float, str}
    assert any("score" not in submission for submission in parsed)
    assert any(submission["url"] is None for submission in parsed)
    assert any(b"\\/" in line for line in read_lines(directory))
    assert {"url_overridden_by_dest", "crosspost_parent_list", "upvote_ratio", "ups"} <= set().union(*parsed)


def test_dump_has_the_damage_of_genuine_ones(made):
    directory, _ = made
    lines = read_lines(directory)
    assert b"" in lines
    assert any(line.startswith(b'{"') and not line.endswith(b"}") for line in lines)
    assert any(b"\x00" in line for line in lines)


def test_dump_is_ordered_by_time(made):
    directory, _ = made
    times = [
        float(json.loads(line)["created_utc"])
        for line in read_lines(directory)
        if line.startswith(b"{") and line.endswith(b"}") and b'"1292976000.0"' not in line
    ]
    assert times == sorted(times)


def test_each_row_of_the_ledger_is_expected_once_but_for_lines_without_url(made):
    rows = Counter((row["url"], row["stage"]) for row in expectations(made[1]) if row["url"])
    assert max(rows.values()) == 1


def test_canonical_names_written_by_hand_agree_with_the_product(made):
    for row in expectations(made[1]):
        for posted in row["posted"]:
            assert (canonicalize_url(posted) or posted) == row["url"]


def test_every_post_is_expected(made):
    _, built = made
    posted = {post.url for case in built for post in case.posts if post.url}
    assert posted == {url for row in expectations(built) for url in row["posted"]}


def test_what_is_kept_is_answered(made):
    _, built = made
    answered = {canonicalize_url(answer.url) for answer in distinct_answers(built)}
    assert {row["url"] for row in expectations(built) if row["outcome"] == "kept"} <= answered


def test_canonical_refuses_what_it_cannot_know():
    assert canonical("http://a.example/b/") == "https://a.example/b"
    assert canonical("http://a.example") == "https://a.example/"
    for url in ("http://a.example/#b", "http://a.example:80/", "http://ä.example/", "http://a.example/?utm_source=b"):
        with pytest.raises(ValueError, match="by hand"):
            canonical(url)


def test_the_troubles_of_the_real_web_are_all_there(made):
    reasons = {(row["stage"], row["reason"]) for row in expectations(made[1]) if row["outcome"] == "rejected"}
    fetched = {reason for stage, reason in reasons if stage == "fetch"}
    assert all(is_reason(reason) for reason in fetched)
    assert len(fetched) >= 15
    assert {
        *(("dedup", "near_duplicate"), ("dedup", "exact_duplicate"), ("filter", "language"), ("filter", "bot_wall")),
        *(("filter", "consent_wall"), ("filter", "soft_404"), ("filter", "too_short"), ("filter", "parked_domain")),
        *(("fetch", "wikipedia"), ("filter", "wikipedia_mirror"), ("filter", "wikipedia_text")),
        *(("fetch", "redirect_loop"), ("fetch", "http_404"), ("fetch", "http_410"), ("fetch", "http_500")),
        *(
            ("fetch", "robots_disallowed"),
            ("fetch", "not_html"),
            ("fetch", "opt_out_noai"),
            ("fetch", "private_address"),
        ),
        *(("harvest", "low_karma"), ("harvest", "self_post"), ("harvest", "media"), ("harvest", "malformed_line")),
        *(("extract", "too_large"), ("extract", "no_text"), ("fetch", "too_large"), ("harvest", "wikipedia")),
    } <= reasons


def shingles(article):
    text = " ".join(line for block in article.blocks for line in block.lines)
    return set(ngrams(words(text), 5))


def jaccard(one, other):
    first, second = shingles(one), shingles(other)
    return len(first & second) / len(first | second)


@pytest.mark.parametrize("change", [datelined, americanised, retitled])
def test_reprints_are_clearly_above_the_threshold(change):
    for slug in ("how-gps-finds-you", "a-short-history-of-concrete", "when-the-river-comes-in", "an-essay-on-silence"):
        article = read_articles()[slug]
        assert jaccard(article, change(article)) > THRESHOLD + 0.15


@pytest.mark.parametrize(
    ("slug", "change"),
    [("how-dams-fail", excerpted), ("nights-on-ward-seven", excerpted), ("growing-up-at-gannet-head", halved)],
)
def test_excerpts_are_clearly_below_the_threshold(slug, change):
    article = read_articles()[slug]
    assert 0.1 < jaccard(article, change(article)) < THRESHOLD - 0.15


def test_articles_do_not_resemble_one_another():
    sets = [shingles(article) for article in read_articles().values()]
    assert max(len(one & other) / len(one | other) for one, other in itertools.combinations(sets, 2)) < 0.01


def test_boilerplate_is_plentiful_and_no_article_says_it():
    sentences = boilerplate()
    assert len(sentences) > 100
    assert {comment for _, comment in read_comments()} <= set(sentences)
    text = "\n".join(line for article in read_articles().values() for block in article.blocks for line in block.lines)
    assert [sentence for sentence in sentences if sentence in text] == []


def test_pages_hold_their_article_and_what_their_site_puts_around_it():
    articles = read_articles()
    for site in read_sites().values():
        for slug in site.articles:
            related = [articles[other] for other in site.articles if other != slug][:3]
            html = " ".join(site.page(articles[slug], related).split())
            plain = " ".join(unescape(re.sub(r"<[^>]+>", "", html)).split())
            assert [sentence for sentence in furniture(site) if sentence not in unescape(html)] == []
            assert [text for text in articles[slug].paragraphs if text not in plain] == []
            assert [other.title for other in related if other.title not in plain] == []
            said = sum(comment in plain for _, comment in read_comments())
            assert said == {"minimal": 1}.get(site.template, 0 if site.template in WITHOUT_COMMENTS else 2)


def test_most_templates_have_comments_cookies_advertisements_and_scripts():
    templates = {site.template for site in read_sites().values() if site.articles}
    assert len(templates - WITHOUT_COMMENTS) >= 8
    sources = [(HERE / "templates" / f"{name}.html").read_text("utf-8").lower() for name in templates]
    assert sum("cookie" in source for source in sources) >= 6
    assert sum(re.search(r"advertisement|sponsored|ads by", source) is not None for source in sources) >= 6
    assert sum("<script" in source for source in sources) >= 8
