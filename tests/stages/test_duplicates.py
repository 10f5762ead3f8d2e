"""How the search for duplicates runs: one task where one process of this machine would do it all, else shuffled."""

from functools import partial

import pytest

from dedup.near.minhash import MinHashConfig
from dedup.near.parts import Catalog, Source
from dedup.near.search import Plan
from pipelines.engine.runner import Engine
from pipelines.stages import duplicates
from pipelines.stages.duplicates import DuplicatesConfig, is_one_task, run_duplicates
from tests.double.documents_stage import write_documents
from tests.double.duplicate_stage import content, edited, rejections

pytestmark = pytest.mark.usefixtures("quick_starts")

HALF_A_MILLION = 1 << 19


def plan(*directories, documents=1000, parts=1000):
    return Plan(Catalog(tuple(Source(directory, parts) for directory in directories)), documents, MinHashConfig())


@pytest.mark.parametrize(
    ("searched", "at_once"),
    [
        (plan("out/documents"), True),
        (plan("out/documents", documents=HALF_A_MILLION), True),
        (plan("out/documents", documents=HALF_A_MILLION + 1), False),
        (plan("out/documents", "/data/earlier"), True),
        (plan("gs://bucket/documents"), False),
        (plan("out/documents", "s3://bucket/earlier"), False),
    ],
)
def test_one_task_for_half_a_million_documents_of_a_local_disk(searched, at_once):
    assert is_one_task(searched) == at_once


class Recorder:
    """An engine that does nothing and says what it was given: tasks, or a pipeline."""

    def each(self, tasks, worker):
        self.given = tasks, type(worker)

    def run(self, construct, tasks):
        self.given = construct, tasks


def test_one_task_shuffles_nothing():
    engine = Recorder()
    duplicates._search(plan("out/documents"), "out/duplicates", engine)
    assert engine.given == ([0], duplicates.SearchInOneTask)
    duplicates._search(plan("gs://bucket/documents"), "gs://bucket/duplicates", engine)
    assert callable(engine.given[0])


def test_a_search_of_many_tasks_writes_what_one_task_does(tmp_path, monkeypatch):
    texts = [(f"http://h.test/{number}", edited(number % 9, 60, number // 9)) for number in range(20)]
    documents = write_documents(tmp_path, texts, 5)
    run_duplicates(documents, str(tmp_path / "at-once"), DuplicatesConfig(), Engine(1))
    monkeypatch.setattr(duplicates, "Plan", partial(Plan, documents_a_run=4, keys_a_range=50))
    monkeypatch.setattr(duplicates, "RUNS_A_PROCESS", 1)
    run_duplicates(documents, str(tmp_path / "shuffled"), DuplicatesConfig(), Engine(2))
    assert len(rejections(tmp_path / "at-once")) > 5
    assert content(tmp_path / "at-once") == content(tmp_path / "shuffled")
