"""The card tells how the corpus was made, as the manifests of the stages have it, and what MLCommons' reader takes."""

import json
import shutil
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest

from pipelines.api import read_corpus
from pipelines.cards.story import story
from pipelines.engine.runner import Engine
from pipelines.stages.build import BuildConfig, run_build
from pipelines.stages.finished.remove import remove
from pipelines.stages.output import FUNNEL
from pipelines.stages.removals import Tombstone
from pipelines.stages.stage import read_manifest
from webtext.manifest import versions
from webtext.shards import SPLITS

ENGINE = Engine(1)
BEFORE = ("links", "pages", "documents", "duplicates")


def said(output):
    return " ".join((output / "corpus/README.md").read_text("utf-8").split())


def manifest(output, stage):
    return read_manifest(str(output / stage))


def times(output):
    tables = [pq.read_table(path, columns=["first_posted"]) for path in output.glob("corpus/data/*.parquet")]
    return sorted(time for table in tables for time in table.column("first_posted").to_pylist())


def test_the_card_tells_what_the_manifests_hold(sample_output):
    text = said(sample_output)
    select = manifest(sample_output, "links").config["select"]
    near = manifest(sample_output, "duplicates").config
    held_out = manifest(sample_output, "corpus").config["held_out"]
    first, last = (times(sample_output)[at].date().isoformat() for at in (0, -1))
    assert "- Sources: links from `RS_sample.zst`; pages from `web.warc.gz`." in text
    assert f"- Dates: the documents' links were first posted on days from {first} to {last} (UTC)." in text
    assert f"- Karma: links of karma {select['min_karma']} or more, by the rule `{select['karma_rule']}`" in text
    assert f"- Languages: asked for: en; found: en ({len(times(sample_output))} documents)." in text
    assert f"sets of {near['shingle_words']}-grams of words have a Jaccard similarity of {near['threshold']} or" in text
    assert f"- Held out: {held_out:.1%} of the clusters" in text
    for rule in manifest(sample_output, "documents").config["rules"]:
        assert (f"`{rule['name']}`" in text.partition("- Rules: ")[2].partition("- Dup")[0]) == rule["enabled"]
    assert "- Rules: the preset `webtext`, in this order:" in text and "min_share 0.67" in text
    assert all(f"{name} {number}" in text for name, number in versions().items())


def test_the_funnel_goes_from_links_to_documents(sample_output):
    rows = iter((sample_output / "corpus/README.md").read_text("utf-8").splitlines())
    for kind in (kind for kind in FUNNEL if not kind.is_optional):
        counts = manifest(sample_output, kind.name).counts
        assert f"| **{kind.name}** | {counts.given:,} links | {counts.kept:,} kept |" in rows  # the stages are in order
        assert {next(rows) for _ in counts.rejected} == {
            f"|  | `{reason}` | {number:,} rejected |" for reason, number in counts.rejected.items()
        }


def test_what_is_not_known_is_not_told():
    told = story({}, [], None)
    assert [line.split(":")[0] for line in told.splitlines() if line.startswith("- ")] == [
        *("- Dates", "- Languages", "- Versions")
    ]


def test_a_build_of_an_archive_names_it_and_no_karma(sample_built):
    text = said(sample_built)
    assert "- Sources: pages from `web.warc.gz`." in text and "- Karma:" not in text and "**links**" not in text


def test_links_that_the_pages_were_not_fetched_for_are_not_told(sample_output, tmp_path):
    output = copied(sample_output, tmp_path, *BEFORE, "corpus")
    before = (output / "corpus/README.md").read_bytes()
    path = output / "links/manifest.json"
    told = json.loads(path.read_text("utf-8"))
    told["files"][0]["sha256"] = "0" * 64
    path.write_text(json.dumps(told), "utf-8")
    run_build(str(output / "pages"), str(output), BuildConfig(), ENGINE)
    assert "- Karma:" in before.decode() and "- Karma:" not in said(output)


def test_other_counts_before_the_same_documents_make_another_card(sample_output, tmp_path):
    """A corpus is done by its fingerprint, so what its card tells must be a part of that."""
    output = copied(sample_output, tmp_path, *BEFORE, "corpus")
    path = output / "pages/manifest.json"
    told = json.loads(path.read_text("utf-8"))
    told["counts"]["rejected"]["http_404"] += 100
    told["counts"]["given"] += 100
    path.write_text(json.dumps(told), "utf-8")
    before = manifest(output, "corpus")
    after = run_build(str(output / "pages"), str(output), BuildConfig(), ENGINE)
    assert after.fingerprint != before.fingerprint
    assert f"| `http_404` | {told['counts']['rejected']['http_404']} rejected |" in said(output)


def test_a_removal_keeps_the_story(sample_output, tmp_path):
    """The links and the pages need not be there any more."""
    output = copied(sample_output, tmp_path, "documents", "duplicates", "corpus")
    before = said(output)
    remove(str(output), [Tombstone.of("url", next(read_corpus(output)).url)], ENGINE)
    after = said(output)
    for head in ("Sources", "Karma", "Rules", "Duplicates"):
        line = before.partition(f"- {head}: ")[2].partition(" - ")[0]
        assert line and line in after
    assert "| **removed** |" in after and "| **pages** |" in after


def copied(output, target, *stages):
    for stage in stages:
        shutil.copytree(output / stage, target / stage)
    return target


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # mlcroissant asks rdflib in a way that goes
def test_mlcroissant_finds_nothing_amiss_and_reads_each_split(sample_output):
    """Its reader checks the record against the specification, and opens the shards that it names."""
    import mlcroissant  # noqa: PLC0415  (which a collection of tests need not)

    loaded = mlcroissant.Dataset(sample_output / "corpus/croissant.json")
    assert (loaded.metadata.issues.errors, loaded.metadata.issues.warnings) == (set(), set())
    newest = times(sample_output)[-1].date()
    assert loaded.metadata.date_published.replace(tzinfo=UTC) == datetime(
        newest.year, newest.month, newest.day, tzinfo=UTC
    )
    for split in SPLITS:
        ids = [record[f"{split}/id"].decode() for record in loaded.records(split)]
        assert sorted(ids) == sorted(document.id for document in read_corpus(sample_output, split))


def test_a_date_that_nobody_knows_is_left_out(sample_built):
    assert "datePublished" not in json.loads((sample_built / "corpus/croissant.json").read_text("utf-8"))
    assert "- Dates: no document says when it was posted." in said(sample_built)
