"""A fingerprint knows all that a stage's bytes can depend on: nothing has to be remembered, and nothing can be cut."""

import ast
import importlib.metadata
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from pipelines.stages.build import run_documents
from pipelines.stages.documents import DocumentsConfig
from pipelines.stages.stage import Stage
from webtext import manifest
from webtext.errors import UsageError
from webtext.extract.extractors import ENGINES, PACKAGES
from webtext.extract.pages import ExtractConfig

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
# What a document's text, language, title, signature or file is made by, at whatever remove from what we declare.
SHAPING = {
    *("brotli", "charset-normalizer", "courlan", "datasketch", "ftfy", "htmldate", "idna", "justext", "langdetect"),
    *("lxml", "lxml-html-clean", "msgspec", "numpy", "pyarrow", "scipy", "tldextract", "trafilatura", "zstandard"),
}


@pytest.fixture(autouse=True)
def _anew(monkeypatch):
    """Read our dependencies where they are declared: what is installed may be of an earlier day."""
    requires = importlib.metadata.requires
    monkeypatch.setattr(
        manifest, "requires", lambda name: PROJECT["dependencies"] if name == "webtext" else requires(name)
    )
    manifest.versions.cache_clear()
    yield
    manifest.versions.cache_clear()


def fingerprint(*packages):
    return Stage("documents", "nowhere", {}, (), packages=packages).fingerprint([])


def upgrade(monkeypatch, package):
    """Let a package have another version."""
    version = importlib.metadata.version
    monkeypatch.setattr(manifest, "version", lambda name: "99" if name == package else version(name))
    manifest.versions.cache_clear()


@pytest.mark.parametrize("package", sorted(SHAPING))
def test_another_version_of_what_shapes_a_corpus_is_another_fingerprint(package, monkeypatch):
    before = fingerprint()
    upgrade(monkeypatch, package)
    assert fingerprint() != before


def test_every_dependency_that_is_declared_counts_or_is_known_to_have_no_effect():
    declared = {Requirement(one).name for one in PROJECT["dependencies"]}
    assert declared - set(manifest.versions()) <= set(manifest._WITHOUT_EFFECT)
    assert set(manifest._WITHOUT_EFFECT).isdisjoint(SHAPING)


def imports(path):
    """Give the names of the modules that a module imports, anywhere in it, with the parts above each."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        named = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        named += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in named:
            yield name.partition(".")[0]


def test_what_pages_and_documents_are_read_by_is_not_among_what_has_no_effect():
    """A crawl's pages are an input, so what moves them does not count; nor does Beam, which hands out tasks."""
    modules = {name.replace("-", "_"): name for name in manifest._WITHOUT_EFFECT if name != "apache-beam"}
    found = {}
    for path in sorted(path for room in ("webtext", "filters", "dedup") for path in (ROOT / room).rglob("*.py")):
        place = path.relative_to(ROOT).as_posix()
        if not place.startswith(("webtext/crawl/", "webtext/connection/", "webtext/manifest.py")):
            found.update({modules[name]: place for name in imports(path) if name in modules})
    assert found == {}


def test_what_only_moves_bytes_or_draws_them_does_not_make_a_corpus_anew(monkeypatch):
    before = fingerprint()
    for package in manifest._WITHOUT_EFFECT:
        upgrade(monkeypatch, package)
    assert fingerprint() == before


def test_the_package_of_the_extractor_that_is_chosen_counts_and_no_other(monkeypatch):
    chosen, default = (DocumentsConfig(ExtractConfig(name)) for name in ("resiliparse", "trafilatura"))
    assert (chosen.packages, default.packages) == (("resiliparse",), ())
    before = fingerprint(*chosen.packages), fingerprint()
    upgrade(monkeypatch, "resiliparse")
    assert fingerprint(*chosen.packages) != before[0]
    assert fingerprint() == before[1]


def test_the_stage_of_documents_is_told_the_package_of_its_extractor(monkeypatch):
    stages = []
    monkeypatch.setattr("pipelines.stages.build.run_stage", lambda stage, **_: stages.append(stage))
    monkeypatch.setattr("pipelines.stages.build.plan_buckets", lambda *_: [])
    monkeypatch.setattr("pipelines.stages.build.read_manifest", lambda *_: manifest.Manifest.from_json(PAGES))
    run_documents("pages", "documents", DocumentsConfig(ExtractConfig("newspaper")), None)
    assert stages[0].packages == ("newspaper4k",)


PAGES = """{"format": 1, "stage": "fetch", "fingerprint": "", "config": {}, "inputs": [], "files": [], "versions": {},
"counts": {"given": 1, "kept": 1}}"""


def test_every_extractor_is_made_by_a_dependency_or_names_its_package():
    assert {name for name in ENGINES if not name.startswith(("trafilatura", "webtext"))} == set(PACKAGES)


def test_a_package_that_is_not_there_is_named():
    with pytest.raises(UsageError, match="the package no-such-package is not installed: pip install no-such-package"):
        manifest.versions("no-such-package")
