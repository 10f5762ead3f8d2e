"""The stage: exactly the components of the true similarities, whatever runs it, and nothing fused that differs."""

import json
import random
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array, csgraph

from dedup.near import bands
from dedup.near.choose import read_clusters
from dedup.near.linking import Links
from dedup.near.minhash import MinHashConfig
from dedup.near.parts import Catalog, PartReader, places_of
from dedup.near.search import Plan
from dedup.near.shingles import shingle_hashes
from dedup.near.sketch import sketch
from tests.double.duplicate_stage import (
    DOCUMENTS,
    EVERY_PAIR,
    content,
    edited,
    facts,
    rejections,
    run_at_once,
    run_beam,
    run_steps,
    write_parts,
)
from tests.double.thorough import THOROUGH
from webtext import storage
from webtext.hashing import bucket_of
from webtext.text import ngrams, words

pytestmark = pytest.mark.usefixtures("quick_starts")


def true_jaccard(one, other):
    first, second = (set(ngrams(words(text), 5)) or {tuple(words(text))} - {()} for text in (one, other))
    return len(first & second) / len(first | second) if first | second else 0.0


def expected_clusters(documents, threshold):
    """All pairs, compared in full, and scipy's components: the definition of the stage."""
    edges = [
        (i, j)
        for i, (one, known) in enumerate(documents)
        for j, (other, other_known) in enumerate(documents[:i])
        if true_jaccard(one, other) >= threshold
        or (known["body_digest"] and known["body_digest"] == other_known["body_digest"])
        or (words(one) == words(other) and (words(one) or one.strip() == other.strip()))
    ]
    size = len(documents)
    rows = np.array(edges, int).reshape(-1, 2)
    graph = coo_array((np.ones(len(rows)), (rows[:, 0], rows[:, 1])), shape=(size, size))
    labels = csgraph.connected_components(graph, directed=False)[1]
    clusters = defaultdict(set)
    for (_, known), label in zip(documents, labels, strict=True):
        clusters[label].add(known["url"])
    return {frozenset(urls) for urls in clusters.values() if len(urls) > 1}


def found_clusters(folder):
    members = defaultdict(set)
    for path in folder.glob("clusters-*"):
        for row in pq.read_table(path).to_pylist():
            members[row["cluster"]].add(row["url"])
    return {frozenset(urls) for urls in members.values()}


@settings(max_examples=40 if THOROUGH else 15)
@given(DOCUMENTS, st.randoms(), st.integers(1, 4), st.integers(1, 6), st.integers(1, 40))
def test_any_order_and_division_gives_the_components_of_the_true_graph(
    tmp_path_factory, documents, shuffler, parts, run, key_range
):
    folder = tmp_path_factory.mktemp("stage")
    catalog = Catalog((write_parts(folder / "documents", documents, parts),))
    run_steps(Plan(catalog, len(documents), EVERY_PAIR), folder / "plain", random.Random(0))
    divided = Plan(catalog, len(documents), EVERY_PAIR, run, key_range)
    run_steps(divided, folder / "divided", shuffler)
    written = run_at_once(divided, folder / "at-once")
    assert content(folder / "plain") == content(folder / "divided") == content(folder / "at-once")
    assert sorted(written) == sorted(content(folder / "at-once"))
    clusters = expected_clusters(documents, EVERY_PAIR.threshold)
    assert found_clusters(folder / "plain") == clusters
    dropped = rejections(folder / "plain")
    texts = {known["url"]: text for text, known in documents}
    assert len(dropped) == sum(len(urls) - 1 for urls in clusters)
    for url, row in dropped.items():
        assert {url, row["kept_url"]} <= next(urls for urls in clusters if url in urls)
        assert row["kept_url"] not in dropped
        same = words(texts[url]) == words(texts[row["kept_url"]])
        assert row["similarity"] == pytest.approx(1.0 if same else true_jaccard(texts[url], texts[row["kept_url"]]))


def test_one_task_explores_the_buckets_of_each_run_with_what_that_run_knows(tmp_path, monkeypatch):
    """What is compared of the largest buckets depends on it, so it must be the same however the steps are run."""
    explored, explore = [], Links.explore

    def watched(self, buckets):
        buckets = list(buckets)
        explored.append((self.places.tolist(), self._parents.tolist(), [bucket.tolist() for bucket in buckets]))
        explore(self, buckets)

    monkeypatch.setattr(Links, "explore", watched)
    documents = [(edited(n % 3, 40, edits=n % 7), facts(f"http://h.test/{n}")) for n in range(150)]
    catalog = Catalog((write_parts(tmp_path / "documents", documents, 20),))
    plan = Plan(catalog, len(documents), EVERY_PAIR, 10, 500)
    run_steps(plan, tmp_path / "steps", random.Random(0))
    by_steps = sorted(explored)
    explored.clear()
    run_at_once(plan, tmp_path / "at-once")
    assert sorted(explored) == by_steps
    assert sum(bool(buckets) for _, _, buckets in explored) > 1


@settings(max_examples=15)
@given(DOCUMENTS, st.integers(1, 5), st.integers(1, 5))
def test_how_documents_are_cut_into_parts_does_not_change_what_stays(tmp_path_factory, documents, one, other):
    folder = tmp_path_factory.mktemp("parts")
    found = []
    for name, parts in (("one", one), ("other", other)):
        catalog = Catalog((write_parts(folder / name, documents, parts),))
        run_steps(Plan(catalog, len(documents), EVERY_PAIR), folder / f"{name}-found", random.Random(0))
        found.append(
            (rejections(folder / f"{name}-found"), json.loads((folder / f"{name}-found/summary.json").read_text()))
        )
    assert found[0] == found[1]


def corpus(size=60):
    return [(edited(n % (size // 2), edits=n // (size // 2)), facts(f"http://h.test/{n}", n % 5)) for n in range(size)]


def test_runners_workers_and_divisions_give_the_same_bytes(tmp_path):
    documents = corpus()
    catalog = Catalog((write_parts(tmp_path / "documents", documents, 6),))
    plan = Plan(catalog, len(documents), EVERY_PAIR, 10, 500)
    run_steps(plan, tmp_path / "by-hand", random.Random(1))
    run_beam(Plan(catalog, len(documents), EVERY_PAIR), tmp_path / "one-run")
    run_beam(plan, tmp_path / "many-runs")
    run_beam(plan, tmp_path / "processes", "--direct_running_mode=multi_processing", "--direct_num_workers=2")
    run_beam(plan, tmp_path / "bundles", "--runner=BundleBasedDirectRunner")
    run_at_once(plan, tmp_path / "at-once")
    expected = content(tmp_path / "by-hand")
    assert len(rejections(tmp_path / "by-hand")) >= 25
    for name in ("one-run", "many-runs", "processes", "bundles", "at-once"):
        assert content(tmp_path / name) == expected


@pytest.mark.parametrize("run", [run_beam, run_at_once])
@pytest.mark.parametrize("documents", [[], [("one lonely text", facts("http://h.test/1"))]])
def test_a_corpus_without_duplicates_gives_empty_files_and_a_summary(tmp_path, documents, run):
    catalog = Catalog((write_parts(tmp_path / "documents", documents, 2),))
    run(Plan(catalog, len(documents), MinHashConfig()), tmp_path / "found")
    assert rejections(tmp_path / "found") == {}
    assert sorted(content(tmp_path / "found")) == [
        *("clusters-00000-of-00002.parquet", "clusters-00001-of-00002.parquet"),
        *("rejections-00000-of-00002.parquet", "rejections-00001-of-00002.parquet", "summary.json"),
    ]
    assert json.loads((tmp_path / "found/summary.json").read_text())["removal_share"] == 0


def test_clusters_of_a_part_name_its_members(tmp_path):
    documents = corpus(12)
    catalog = Catalog((write_parts(tmp_path / "documents", documents, 3),))
    run_steps(Plan(catalog, 12, EVERY_PAIR), tmp_path / "found", random.Random(0))
    for number in range(3):
        with (tmp_path / f"found/clusters-0000{number}-of-00003.parquet").open("rb") as stream:
            members = read_clusters(stream)
        own = {known["id"] for _, known in documents if bucket_of(known["url"], 3) == number}
        assert set(members) == own


def test_a_giant_bucket_keeps_clusters_its_centre_is_not_part_of(tmp_path):
    """With one band of one row all templates meet; the pairs of true duplicates among them are found nonetheless."""
    assert bands.SMALL_BUCKET < 60
    shared = " ".join(f"menu{n} item" for n in range(30))
    documents = [(f"{shared} {edited(n // 2, 25)} {n % 2}", facts(f"http://h.test/{n}")) for n in range(60)]
    config = next(config for config in map(one_band, range(1, 99)) if all_meet(documents, config))
    catalog = Catalog((write_parts(tmp_path / "documents", documents, 3, config),))
    run_steps(Plan(catalog, 60, config), tmp_path / "found", random.Random(0))
    assert found_clusters(tmp_path / "found") == {
        frozenset({f"http://h.test/{n}", f"http://h.test/{n + 1}"}) for n in range(0, 60, 2)
    }


def one_band(seed):
    return MinHashConfig(num_perm=1, bands=1, rows=1, seed=seed)


def all_meet(documents, config):
    return len({sketch(text, config).signature for text, _ in documents}) == 1


def test_texts_that_must_not_be_fused(tmp_path):
    page = "Welcome to the city library of {0}. Opening hours: Monday to Friday {1}. Director: {2}. {3}"
    templates = [
        page.format(name, hours, who, edited(number, 60))
        for number, (name, hours, who) in enumerate(
            [("Leeds", "9 to 5", "Ann Poe"), ("Bath", "10 to 6", "Bo Lee"), ("York", "8 to 4", "Cy Day")]
        )
    ]
    lists = [", ".join(f"{item} number {n}" for n in range(40)) for item in ("apple", "pear", "plum")]
    notes = ["yes", "no", "ok thanks", "thanks", "see above", "n/a", "!!!", "???", "", "thanks ok", "1 2 3", "1 2 3 4"]
    licence = (Path(__file__).parents[2] / "LICENSE").read_text()
    other_licence = "Permission is hereby granted, free of charge, to any person obtaining a copy of this software " * 2
    chapters = [f"The {edited(7, 12)}. Chapter {n}. {edited(100 + n, 300)}" for n in (1, 2)]
    texts = [*templates, *lists, *notes, licence, other_licence, *chapters]
    documents = [(text, facts(f"http://h.test/{n}")) for n, text in enumerate(texts)]
    catalog = Catalog((write_parts(tmp_path / "documents", documents, 2),))
    run_steps(Plan(catalog, len(documents), EVERY_PAIR), tmp_path / "found", random.Random(0))
    assert rejections(tmp_path / "found") == {}


def test_what_is_equal_is_found_without_a_word_in_common(tmp_path):
    documents = [
        ("☃ ☃", facts("http://h.test/snow", 5)),
        (" ☃ ☃\n", facts("http://h.test/snow-again", 4)),
        ("☂", facts("http://h.test/rain")),
        ("one text", facts("http://h.test/body-1", 9, body="sha1:A")),
        ("another text entirely", facts("http://h.test/body-2", 2, body="sha1:A")),
    ]
    catalog = Catalog((write_parts(tmp_path / "documents", documents, 2),))
    run_steps(Plan(catalog, 5, MinHashConfig()), tmp_path / "found", random.Random(0))
    found = {
        url: (row["reason"], row["kept_url"], row["similarity"]) for url, row in rejections(tmp_path / "found").items()
    }
    assert found == {
        "http://h.test/snow-again": ("exact_duplicate", "http://h.test/snow", 1.0),
        "http://h.test/body-2": ("exact_duplicate", "http://h.test/body-1", 0.0),
    }


def test_a_reader_reads_any_places_of_any_parts(tmp_path):
    documents = [(edited(n, 10 + n), facts(f"http://h.test/{n}", n)) for n in range(40)]
    catalog = Catalog((write_parts(tmp_path / "documents", documents, 3),))
    reader = PartReader(catalog, storage.open_file)
    places = np.concatenate([places_of(part, len(reader.columns(part, ["id"]))) for part in range(3)])
    wanted = np.sort(np.random.default_rng(1).choice(places, 17, replace=False))
    urls = reader.rows(wanted, ["url"]).column("url").to_pylist()
    texts = {known["url"]: text for text, known in documents}
    assert reader.shingles(wanted).tolist() == [
        hashed for url in urls for hashed in shingle_hashes(texts[url]).tolist()
    ]
    assert reader.sizes(wanted).tolist() == [len(shingle_hashes(texts[url])) for url in urls]
    backwards = reader.rows(wanted[::-1], ["url"]).column("url").to_pylist()
    assert backwards == urls[::-1]


def strangers(passages):
    """Leave out passages that share shingles with one before: what is true of a pair must be known."""
    used, kept = set(), []
    for passage in passages:
        grams = set(ngrams(passage, 5))
        if len(grams & used) < 0.1 * len(grams):
            kept.append(passage)
        used |= grams
    return kept


def test_recall_and_precision_on_real_passages_with_words_replaced(tmp_path, realweb):
    """The floors of a short form of benchmarks/dedup_recall.py, with default bands: 97 % above 0.75, none below 0.7."""
    shuffler = random.Random(6)
    lines = next((realweb / "benchmarks").glob("lambada*")).read_text().splitlines()
    passages = strangers(words(json.loads(line)["context"]) for line in lines)
    vocabulary = sorted({word for passage in passages for word in passage})
    documents, pairs = [], []
    for number, passage in enumerate(passages):
        rate = shuffler.random() * 0.1
        copy = [shuffler.choice(vocabulary) if shuffler.random() < rate else word for word in passage]
        texts, urls = (" ".join(passage), " ".join(copy)), [f"http://{side}.test/{number}" for side in "ab"]
        documents += [(text, facts(url)) for text, url in zip(texts, urls, strict=True)]
        pairs.append((true_jaccard(*texts), urls))
    config = MinHashConfig()
    catalog = Catalog((write_parts(tmp_path / "documents", documents, 4, config),))
    run_steps(Plan(catalog, len(documents), config), tmp_path / "found", random.Random(0))
    dropped = rejections(tmp_path / "found")
    linked = [any(url in dropped for url in urls) for _, urls in pairs]
    above = [found for found, (jaccard, _) in zip(linked, pairs, strict=True) if jaccard >= 0.75]
    assert len(above) > 1000
    assert sum(above) >= 0.97 * len(above)
    assert not any(found for found, (jaccard, _) in zip(linked, pairs, strict=True) if jaccard < 0.7)
    assert {row["kept_url"].rpartition("/")[2] == url.rpartition("/")[2] for url, row in dropped.items()} == {True}
