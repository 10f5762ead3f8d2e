"""The whole way on real submissions and real pages: it balances, verifies, explains every URL, and finds the text."""

import json
import re
import shutil
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import trafilatura
import zstandard

from pipelines.commands.cli import main
from pipelines.commands.explain import explain
from pipelines.engine.runner import Engine
from pipelines.stages.build import run_shards
from pipelines.stages.finished.remove import remove
from pipelines.stages.finished.verify import directory_problems, finished_stages
from pipelines.stages.kept import Kept
from pipelines.stages.ledger import Funnel
from pipelines.stages.output import Output
from pipelines.stages.removals import Tombstone, run_removals
from pipelines.stages.shards import ShardsConfig
from tests.double.report_checks import check_report, report_of
from tests.double.thorough import THOROUGH
from webtext import storage
from webtext.extract.pages import ExtractConfig, Extracted, extract_page
from webtext.storage import file_digest
from webtext.urls import canonicalize_url
from webtext.warc.warc_reader import iter_warc

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def output(realweb, tmp_path_factory):
    """Build the corpus of realweb once."""
    directory = str(tmp_path_factory.mktemp("realweb") / "out")
    dump, archive = realweb / "submissions" / "RS_web.zst", realweb / "web.warc.gz"
    status = main(["corpus", "--submissions", str(dump), "--replay", str(archive), "--output", directory])
    assert status == 0
    return directory


@pytest.fixture(scope="module")
def posted(realweb):
    """Give the URLs of the constructed dump, as posted; where one is on Reddit, what it leads to."""
    with (realweb / "submissions" / "RS_web.zst").open("rb") as stream:
        lines = zstandard.ZstdDecompressor(max_window_size=2**31).stream_reader(stream).read().splitlines()
    urls = []
    for line in lines:
        try:
            entry = json.loads(line)
            url, leads_to = entry.get("url"), entry.get("url_overridden_by_dest")
        except (ValueError, AttributeError):
            continue
        is_on_reddit = re.match(r"https?://(\w+\.)?reddit\.com/", url or "") and not entry.get("is_self")
        urls.append(leads_to or url if is_on_reddit else url)
    return [url for url in urls if url]


def test_it_balances_and_verifies(output):
    funnel = Funnel.of(output)
    funnel.check()
    assert [name for name, _ in funnel.stages] == ["links", "pages", "documents", "duplicates", "corpus"]
    for _, path, manifest in finished_stages(output):
        assert directory_problems(path, manifest) == []


def test_every_url_of_the_dump_ends_in_one_place(output, posted):
    kept, rejected = set(), []
    for stage, pattern in (("corpus", "*-of-*.parquet"), *((name, "rejections-*") for name in _REJECTING)):
        for name in storage.list_tree(f"{output}/{stage}", pattern):
            urls = pq.read_table(f"{output}/{stage}/{name}", columns=["url"]).column("url").to_pylist()
            if stage == "corpus":
                kept.update(urls)
            else:
                rejected += urls
    assert len(posted) > 2000
    named = [canonicalize_url(url) or url for url in posted]
    unexplained = [url for url in named if url not in kept and url not in set(rejected)]
    assert unexplained == []
    assert kept.isdisjoint(rejected)


_REJECTING = ("links", "pages", "documents", "duplicates")


def test_the_report_says_what_the_files_hold(output, tmp_path):
    check_report(*report_of(Path(output), tmp_path / "looked_at"))


def test_explain_tells_the_way_of_a_url_through_the_stages(output, posted):
    for url in posted[::100]:
        findings = explain(output, url)
        assert findings, url
        assert [finding["verdict"] for finding in findings[:-1]] == ["kept"] * (len(findings) - 1)


def test_pages_in_other_languages_are_rejected_by_language(output):
    reasons = dict(Funnel.of(output).stages)["documents"].counts.rejected
    assert reasons["language"] > 900
    for name in storage.list_tree(f"{output}/corpus", "*-of-*.parquet"):
        assert set(pq.read_table(f"{output}/corpus/{name}", columns=["language"]).column(0).to_pylist()) <= {"en"}


def test_extraction_finds_at_least_what_trafilatura_alone_finds(realweb):
    lines = (realweb / "gold.jsonl").read_text().splitlines()
    gold = [json.loads(line) for line in (lines if THOROUGH else lines[::3])]
    pages = {}
    with (realweb / "web.warc.gz").open("rb") as stream:
        wanted = {entry["url"].strip() for entry in gold}
        for record in iter_warc(stream):
            if record.is_http_response and record.url.strip() in wanted:
                pages[record.url.strip()] = record.http()
    ours, default = Score(), Score()
    for entry in gold:
        page = pages[entry["url"].strip()]
        result = extract_page(page.body, page.header("Content-Type"), entry["url"], config=ExtractConfig())
        ours.add(entry, result.text if isinstance(result, Extracted) else "")
        if THOROUGH:
            default.add(entry, trafilatura.extract(page.body, include_comments=False) or "")
    assert ours.f1 >= 0.95, ours
    assert not THOROUGH or ours.f1 >= default.f1 > 0.92, (ours, default)


def test_removing_a_host_changes_its_shards_only_and_a_rebuild_keeps_it_out(output, tmp_path):
    for name in ("documents", "duplicates"):
        shutil.copytree(f"{output}/{name}", tmp_path / name)
    config, engine = ShardsConfig(text_bytes_a_shard=1 << 18), Engine(workers=1)
    place = Output(str(tmp_path))
    run_shards(Kept.of(place), place.corpus, config, engine)
    before = rows_by_shard(tmp_path / "corpus")
    hosts = Counter(host for rows in before.values() for _, host in rows)
    _, host = min((number, name) for name, number in hosts.items() if number > 1)
    touched = {name for name, rows in before.items() if any(below(host, own) for _, own in rows)}
    assert 1 < len(touched) < len(before) / 2
    digests = {name: file_digest(str(tmp_path / "corpus" / name)) for name in before}
    done = remove(str(tmp_path), [Tombstone.of("host", host)], engine)
    assert set(done.rewritten) == touched
    for name, rows in rows_by_shard(tmp_path / "corpus").items():
        assert rows == [(url, own) for url, own in before[name] if not below(host, own)]
        assert name in touched or file_digest(str(tmp_path / "corpus" / name)) == digests[name]
    assert main(["verify", str(tmp_path)]) == 0
    shutil.rmtree(tmp_path / "corpus")
    run_shards(run_removals(str(tmp_path), engine), place.corpus, config, engine)
    kept = {own for rows in rows_by_shard(tmp_path / "corpus").values() for _, own in rows}
    assert not [own for own in kept if below(host, own)]


def rows_by_shard(corpus):
    names = storage.list_tree(str(corpus), "*-of-*.parquet")
    tables = {name: pq.read_table(corpus / name, columns=["url", "host"]) for name in names}
    return {name: [tuple(row.values()) for row in table.to_pylist()] for name, table in tables.items()}


def below(host, own):
    return own == host or own.endswith(f".{host}")


class Score:
    """Counts segments that an extraction has to contain and those that it must not."""

    def __init__(self):
        self.found = self.missed = self.wrong = 0

    def add(self, entry, text):
        present = sum(segment in text for segment in entry["with"])
        self.found += present
        self.missed += len(entry["with"]) - present
        self.wrong += sum(segment in text for segment in entry["without"])

    @property
    def recall(self):
        return self.found / (self.found + self.missed)

    @property
    def f1(self):
        return 2 * self.found / (2 * self.found + self.missed + self.wrong)

    def __repr__(self):
        return f"F1 {self.f1:.4f}, found {self.found}, missed {self.missed}, wrong {self.wrong}"
