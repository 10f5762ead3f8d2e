"""How often each dear piece of work is done for a page: a regression of speed shows here as a count, on any machine.

Forty pages in two archives: thirty articles, of which five repeat another word for word and five are edited copies,
five in French, five without text. The build runs in this process, so that calls can be counted; the process that judges
pages is counted from its other end, and what it does inside by having its function do it here.
"""

import copy
import importlib
import subprocess
import sys
from collections import Counter
from concurrent.futures import Future
from hashlib import sha256

import apache_beam
import htmldate.extractors
import pytest
import trafilatura
import trafilatura.external
from lxml.html import HtmlElement

import pipelines.stages.documents
import webtext.extract.block_features
import webtext.extract.class_words
import webtext.extract.extractors
import webtext.extract.glance
import webtext.extract.language_detector
import webtext.extract.main_text
import webtext.extract.pages
import webtext.extract.text_counts
import webtext.extract.tree
from pipelines.engine.runner import Engine
from pipelines.pages import page_pool, page_work
from pipelines.stages.archives import index
from pipelines.stages.archives.index import index_archives
from pipelines.stages.build import BuildConfig, run_build
from pipelines.stages.documents import DocumentsConfig, WriteBuckets
from pipelines.stages.stage import read_manifest
from webtext import storage
from webtext.extract.pages import ExtractConfig, clean_text, extract_page
from webtext.extract.tree import parse_html
from webtext.metadata import dates
from webtext.metadata.metadata import read_metadata
from webtext.sandbox import pool, sandbox
from webtext.shards import split_of_shard
from webtext.warc.warc_records import HttpResponse, encode_record, encode_response

ARTICLES, COPIES, EDITED, FRENCH, EMPTY = 20, 5, 5, 5, 5
PAGES = ARTICLES + COPIES + EDITED + FRENCH + EMPTY
SOME = (
    "the ferry leaves at six in the morning and nobody on the quay has slept because of the wind that came over "
    "from the islands with a smell of salt and diesel while old men talked about boats they had sold years ago"
)
FRENCH_TEXT = "Le bateau part à six heures du matin et personne sur le quai n'a dormi à cause du vent. " * 20


def sentences(number):
    """Write some English that no other number has."""
    order = sorted(range(200), key=lambda place: sha256(f"{number} {place}".encode()).digest())
    some = SOME.split()
    words = [some[place % len(some)] for place in order]
    return ". ".join(" ".join(words[start : start + 10]).capitalize() for start in range(0, 200, 10)) + "."


def html(text):
    paragraphs = "".join(f"<p>{part}.</p>" for part in text.split(".") if part.strip())
    return f"<html><body><article><h1>News</h1>{paragraphs}</article></body></html>".encode()


def bodies():
    articles = [html(sentences(number)) for number in range(ARTICLES)]
    edited = [html(sentences(number) + " And one more sentence stands here.") for number in range(EDITED)]
    return [*articles, *articles[-COPIES:], *edited, *[html(FRENCH_TEXT)] * FRENCH, *[b"<p></p>"] * EMPTY]


def record(url, body):
    block = encode_response(HttpResponse(200, (("Content-Type", "text/html"),), body, "OK"))
    return encode_record("response", url, "2017-01-01T00:00:00Z", "application/http; msgtype=response", block)


def index_two_archives(tmp_path):
    """Write two archives, and index them."""
    records = [record(f"https://h{number}.example/{number}", body) for number, body in enumerate(bodies())]
    archives = [tmp_path / "a.warc.gz", tmp_path / "b.warc.gz"]
    for archive, part in zip(archives, (records[::2], records[1::2]), strict=True):
        archive.write_bytes(b"".join(part))
    index_archives([str(archive) for archive in archives], None, str(tmp_path / "pages"), Engine(1))
    return str(tmp_path / "pages")


@pytest.fixture
def pages(tmp_path):
    return index_two_archives(tmp_path)


def counting(monkeypatch, counts, owner, name):
    """Count the calls of a function."""
    function = getattr(owner, name)

    def counted(*arguments, **keywords):
        counts[name] += 1
        return function(*arguments, **keywords)

    monkeypatch.setattr(owner, name, counted)


class Here:
    """In the place of processes: the function is loaded and called in this one."""

    def __init__(self, function, *_):
        self.function = copy.copy(function)  # a pickle would do the same

    def submit(self, *arguments):
        future = Future()
        future.set_result(self.function(*arguments))
        return future

    def __exit__(self, *_):
        pass


def test_a_build_does_each_piece_of_work_once_a_page(pages, tmp_path, monkeypatch):
    counts = Counter()
    monkeypatch.setattr(page_pool, "SandboxPool", Here)
    counting(monkeypatch, counts, pipelines.stages.documents, "read_response")
    counting(monkeypatch, counts, pipelines.stages.documents, "sketch")
    for name in ("extract_page", "judge_page", "detect", "apply_filters"):
        counting(monkeypatch, counts, page_work, name)
    counting(monkeypatch, counts, Engine, "run")
    run_build(pages, str(tmp_path), BuildConfig(), Engine(1))
    english = ARTICLES + COPIES + EDITED
    loading = 1  # a made-up page and document, so that what is loaded at its first use is loaded
    assert counts == {
        "read_response": PAGES,  # each record is read and inflated once
        "extract_page": PAGES + loading,
        "judge_page": PAGES + loading,
        "detect": english + FRENCH + loading,  # every text
        "apply_filters": english + FRENCH + loading,
        "sketch": english,  # what the rules kept
        "run": 3,  # pipelines: documents, duplicates, corpus
    }


@pytest.mark.parametrize("workers", [1, 2])
def test_a_page_goes_once_to_one_of_the_processes_that_serve_all_pages(pages, tmp_path, monkeypatch, workers):
    counts = Counter()
    monkeypatch.setattr(pipelines.stages.documents, "PAGES_A_BUCKET", 10)
    calls = (pool.SandboxPool, "submit"), (sandbox.Sandbox, "_attempt"), (sandbox._Child, "__init__")
    for owner, name in calls:
        counting(monkeypatch, counts, owner, name)
    run_build(pages, str(tmp_path), BuildConfig(), Engine(workers))
    assert counts == {"submit": PAGES, "_attempt": PAGES, "__init__": workers}


def test_small_archives_are_indexed_as_one_task_by_one_reading(tmp_path, monkeypatch):
    """A shuffle of Beam's took as long as all the rest of it."""
    counts = Counter()
    counting(monkeypatch, counts, index, "index")
    counting(monkeypatch, counts, index, "read_archive")
    counting(monkeypatch, counts, Engine, "each")
    index_two_archives(tmp_path)
    assert counts == {"each": 1, "read_archive": 2}


def test_a_page_is_decoded_parsed_and_searched_once(monkeypatch):
    counts = Counter()
    for name in ("decode_html", "without_controls", "parse_html", "read_metadata"):
        counting(monkeypatch, counts, webtext.extract.pages, name)
    counting(monkeypatch, counts, webtext.extract.tree, "_encode")
    counting(monkeypatch, counts, webtext.extract.main_text, "measure")
    counting(monkeypatch, counts, webtext.extract.main_text, "count_words")  # not at all: there are plainly enough
    menu = b"<nav>" + b"<a href='/x'>Some other page of this site</a> " * 20 + b"</nav>"
    article = html(sentences(1)).replace(b"<article>", menu + b"<article>")
    assert extract_page(article, "text/html", "https://a.example/1", config=ExtractConfig()).text
    once = "decode_html", "without_controls", "_encode", "parse_html", "read_metadata", "measure"
    assert counts == dict.fromkeys(once, 1)


def test_the_object_of_an_element_is_made_once_for_all_that_look_at_it(monkeypatch):
    counts = Counter()
    monkeypatch.setattr(HtmlElement, "_init", lambda element: counts.update([element.tag]), raising=False)
    config = ExtractConfig(languages=("en",))
    extract_page(html(sentences(1)), "text/html", "https://a.example/1", config=config)
    assert (counts["article"], counts["h1"], counts["p"]) == (1, 1, 20)


def test_a_second_opinion_is_given_on_the_tree_that_is_there_and_texts_are_counted_in_one_call(monkeypatch):
    counts, given = Counter(), []
    counting(monkeypatch, counts, webtext.extract.pages, "parse_html")
    monkeypatch.setattr(trafilatura, "extract", lambda tree, **_: given.append(tree.tag))
    counting(monkeypatch, counts, webtext.extract.block_features, "count_texts")
    doubtful = b"<ul>" + b"<li>Reply to <a href='/x'>this</a> topic, or not" * 9 + b"</ul>"
    extract_page(doubtful, "text/html", "https://a.example/1", config=ExtractConfig())
    assert counts == {"parse_html": 1, "count_texts": 1}
    assert given == ["html"]


def test_a_look_before_extraction_walks_a_page_once_and_makes_seven_draws_for_its_beginning_alone(monkeypatch):
    pytest.importorskip("langdetect_rs", reason="the stand-in is not installed: pip install 'webtext[fast]'")
    counts = Counter()
    counting(monkeypatch, counts, webtext.extract.glance, "shown_texts")
    counting(monkeypatch, counts, webtext.extract.glance, "detect_family")
    for module in (webtext.extract.glance, webtext.extract.language_detector):
        counting(monkeypatch, counts, module, "detect")
    french = f"<p>{FRENCH_TEXT}</p>" * 3
    assert extract_page(french.encode(), "text/html", "", config=ExtractConfig(languages=("en",))).glanced
    assert counts == {"shown_texts": 1, "detect": 1, "detect_family": 3}


def test_the_stop_words_for_a_second_opinion_are_made_once_and_hashed_for_no_page(monkeypatch):
    webtext.extract.extractors.load_engine("webtext", alone=False)
    given, justext = [], importlib.import_module("justext.core")
    monkeypatch.setattr(trafilatura.external, "classify_paragraphs", lambda _, words, *__: given.append(words))
    extract_page(
        b"<ul><li>Reply to <a href='/x'>this</a></ul>", "text/html", "https://a.example/1", config=ExtractConfig()
    )
    assert given and all(words is trafilatura.external.JT_STOPLIST for words in given)
    assert type(given[0]).__hash__ is object.__hash__
    made = justext.define_stoplist.cache_info().misses
    lowered = justext.define_stoplist(given[0])
    assert justext.define_stoplist.cache_info().misses == made
    monkeypatch.setattr(trafilatura.external, "JT_STOPLIST", None)
    assert lowered == {word.lower() for word in trafilatura.external.jt_stoplist_init()}


def test_classes_are_read_once_however_many_elements_have_them_and_texts_once_for_all_their_counts(monkeypatch):
    counts = Counter()
    counting(monkeypatch, counts, webtext.extract.class_words, "_bits_of")
    counting(monkeypatch, counts, webtext.extract.text_counts, "_read")
    page = f"<title>T</title><body>{'<p class=some-new-class><b class=some-new-class>Some text.</b></p>' * 50}".encode()
    extract_page(page, "text/html", "https://a.example/1", config=ExtractConfig())
    assert counts["_read"] == 1
    assert counts["_bits_of"] <= 5  # The class, and the address and body's, which have none.


@pytest.mark.parametrize(
    ("line", "cleaned"), [("a\tb", 0), ("Ma\xdf, 5\xa0m", 0), ("a\t5\xa0\xb5m", 0), ("soft\xadly", 1), ("a\rb", 2)]
)
def test_only_lines_with_rare_characters_are_searched_for_each_kind_of_them(line, cleaned, monkeypatch):
    counts = Counter()
    counting(monkeypatch, counts, webtext.extract.pages, "_clean_line")
    clean_text(f"Plain words.\n{line}\nMore.")
    assert counts["_clean_line"] == cleaned


class Walked:
    """A page of which is told how often it is walked through."""

    def __init__(self, tree):
        self._tree, self.walks, self.get = tree, 0, tree.get

    def iter(self, *tags):
        self.walks += 1
        return self._tree.iter(*tags)


def test_what_a_page_declares_is_read_by_one_walk():
    named = {"author": "Ann Lee", "date": "2017-01-02", "og:site_name": "News"}
    metas = "".join(f'<meta name="{name}" content="{value}">' for name, value in named.items())
    page = Walked(parse_html(f"<title>Ice - News</title>{metas}<script></script><h1>Ice</h1><time>2016</time>"))
    found = read_metadata(page, "https://a.example/1")
    assert (found.title, found.author, found.date, found.site_name) == ("Ice", "Ann Lee", "2017-01-02", "News")
    assert page.walks == 1


@pytest.mark.parametrize("stamps", [0, 29, 30, 500])
def test_a_search_for_a_date_looks_at_thirty_texts_and_one_at_most(stamps, monkeypatch):
    sizes = []
    monkeypatch.setattr(dates, "_search", lambda _, body: sizes.append(len(body)) or "")
    published = '<script type="application/ld+json">{"datePublished": "some day in 1999"}</script>'
    page = f"<html><head>{published * stamps}</head><body>{'<p>Of 1999.</p>' * 500}</body></html>"
    extract_page(page.encode(), "text/html", "https://a.example/1", config=ExtractConfig())
    assert sizes and max(sizes) <= 31


def test_a_search_for_a_date_never_asks_dateparser(monkeypatch):
    """It tries two hundred languages for a text, in 25 ms, and loads them in a page's time, in seconds."""
    counts = Counter()
    for name in ("_external_date", "month_words"):
        counting(monkeypatch, counts, htmldate.extractors, name)
    texts = (
        "Meet the 2024 Cohort 1",
        "The 7 Best Boots of 2025",
        "Rudi, 17.07, 2011 @",
        "15 brumaire 1999",
        "5 mars 45",
    )
    for text in texts:
        page = f"<p class='date'>{text}</p><time datetime='{text}'>{text}</time><p>{text}, 2019".encode()
        extract_page(page, "text/html", "https://a.example/1", config=ExtractConfig())
    assert not counts


def test_a_file_is_hashed_when_it_is_published_and_never_again(pages, tmp_path, monkeypatch):
    hashed, file_digest = Counter(), storage.file_digest

    def counted(path):
        hashed[path.replace(".unfinished", "")] += 1
        return file_digest(path)

    monkeypatch.setattr(storage, "file_digest", counted)
    run_build(pages, str(tmp_path), BuildConfig(), Engine(1))
    published = {
        f"{tmp_path}/{stage}/{file.name}": 1 + bool(split_of_shard(file.name))  # shards also for their Croissant record
        for stage in ("documents", "duplicates", "corpus")
        for file in read_manifest(f"{tmp_path}/{stage}").files
    }
    assert hashed == published


# What a whole build imports in the process of the command.
COMMAND = """
import atexit, sys
names, sys.argv[1:] = sys.argv[1].split(), sys.argv[2:]
atexit.register(lambda: print([name for name in names if name in sys.modules]))
from pipelines.commands.cli import entry
entry()
"""
# What only the processes that judge pages import, a terminal, or nobody.
OF_OTHERS = (
    *("ftfy", "htmldate", "babel.dates", "trafilatura", "lxml.html", "langdetect", "webtext.extract.main_text"),
    *("rich.console", "numba", "scipy.integrate", "scipy.sparse", "pymongo", "bson", "pandas"),
    *("google.cloud.bigquery", "google.cloud.pubsub_v1"),
)


def test_the_process_that_hands_pages_out_imports_nothing_that_only_others_use(pages, tmp_path):
    archives = [str(tmp_path / name) for name in ("a.warc.gz", "b.warc.gz")]
    words = ["build", "--warc", *archives, "--output", str(tmp_path / "out"), "--workers", "2"]
    command = [sys.executable, "-c", COMMAND, " ".join(["pyarrow", *OF_OTHERS]), *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout.split("\n")[-2] == "['pyarrow']"
    assert ran.stderr == ""


@pytest.mark.parametrize(("workers", "shuffles"), [(1, 0), (2, 0), (9, 1)])
def test_tasks_are_shuffled_only_where_they_go_to_several_processes_of_beams(monkeypatch, workers, shuffles):
    laid_out = []
    monkeypatch.setattr(Engine, "run", lambda _, construct, __: laid_out.append(construct))
    Engine(workers).each(list(range(20)), WriteBuckets("", DocumentsConfig()))
    pipeline = apache_beam.Pipeline("FnApiRunner")
    laid_out[0](pipeline)
    found = [name for name in (step.full_label for step in steps_of(pipeline)) if name.endswith("/Reshuffle")]
    assert len(found) == shuffles


def steps_of(pipeline):
    """List what a pipeline is laid out as."""
    steps = [pipeline._root_transform()]
    for step in steps:
        steps += step.parts
    return steps


def test_archives_are_opened_once_and_a_rerun_opens_none(pages, tmp_path, monkeypatch):
    opened, open_file = Counter(), storage.open_file

    def counted(path):
        opened[path.rpartition("/")[2].partition("-")[0]] += 1
        return open_file(path)

    monkeypatch.setattr(storage, "open_file", counted)
    names = ("a.warc.gz", "b.warc.gz", "index")
    for wanted in ((1, 1, 1), (0, 0, 0)):
        run_build(pages, str(tmp_path), BuildConfig(), Engine(1))
        assert tuple(opened[name] for name in names) == wanted
        opened.clear()
