"""`webtext build --runner=DataflowRunner` from its first job to its shards, without Google Cloud.

The real DataflowRunner stages and submits to a double of the service (`dataflow_double.py`), all files lie in an
emulator of Cloud Storage, and the double runs what was submitted, in worker processes that get our package from the
job. So this covers packaging, staging, options, gs:// in every step, and the order of jobs; it cannot cover IAM,
quotas, the shuffle service, autoscaling, or pulling an image. It needs the extra `dataflow` and gcp-storage-emulator.
"""

import hashlib
import json
import os
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from apache_beam.portability.api import beam_runner_api_pb2

from sample.build import ARCHIVE
from tests.double.beam_processes import ROOT, free_port, served, worker_pool
from tests.double.distributions import wheel as our_wheel
from tests.double.engine_build import STAGES

pytest.importorskip(
    "google.cloud.dataflow_v1beta3", reason="needs the extra `dataflow`: pip install 'webtext[dataflow]'"
)
pytest.importorskip("gcp_storage_emulator", reason="needs gcp-storage-emulator")

BUCKET = "wtbucket"
MOST_BYTES = 1_000_000  # the size of a job's graph

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return our_wheel(tmp_path_factory)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    directory = tmp_path_factory.mktemp("dataflow")
    (directory / "jobs").mkdir()
    return directory


@pytest.fixture(scope="module")
def cloud(place):
    """Start the bucket, the service and its workers; give the environment that knows them, and the service's port."""
    from tests.double.dataflow_double import service_account  # noqa: PLC0415  (needs the extra)

    storage, service = free_port(), free_port()
    key = place / "key.json"
    key.write_text(service_account(service))
    environment = dict(
        os.environ,
        STORAGE_EMULATOR_HOST=f"http://127.0.0.1:{storage}",
        GOOGLE_APPLICATION_CREDENTIALS=str(key),
        GOOGLE_CLOUD_PROJECT="webtext-test",
        HTTPS_PROXY="http://127.0.0.1:9",  # nobody is there: whatever looks for the real Google fails at once
    )
    emulator = "from gcp_storage_emulator.__main__ import main; main()"
    flags = ["start", "--host", "127.0.0.1", "--port", str(storage), "--in-memory", "--default-bucket", BUCKET]
    double = [str(ROOT / "tests" / "double" / "dataflow_double.py"), str(service), str(place / "jobs")]
    with (
        served(storage, [sys.executable, "-c", emulator, *flags], environment),
        worker_pool(place, environment) as workers,
        served(service, [sys.executable, *double, workers], environment),
    ):
        yield environment, service


def upload(environment, path, name):
    address = f"{environment['STORAGE_EMULATOR_HOST']}/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={name}"
    request = urllib.request.Request(address, path.read_bytes(), {"Content-Type": "application/octet-stream"})  # noqa: S310
    urllib.request.urlopen(request).close()  # noqa: S310


def download(environment, prefix):
    """Give the content of every object below a prefix."""
    host = environment["STORAGE_EMULATOR_HOST"]
    with urllib.request.urlopen(f"{host}/storage/v1/b/{BUCKET}/o?prefix={prefix}") as answer:  # noqa: S310
        names = [item["name"] for item in json.load(answer).get("items", [])]
    for name in names:
        address = f"{host}/download/storage/v1/b/{BUCKET}/o/{urllib.parse.quote(name, '')}"
        with urllib.request.urlopen(address) as answer:  # noqa: S310
            yield name.removeprefix(prefix), answer.read()


@pytest.fixture(scope="module")
def submitted(place, cloud, wheel, in_memory):
    environment, service = cloud
    upload(environment, Path(in_memory.archive), ARCHIVE)
    flags = [
        f"--warc=gs://{BUCKET}/{ARCHIVE}",
        f"--output=gs://{BUCKET}/out",
        "--runner=DataflowRunner",
        "--project=webtext-test",
        "--region=europe-west4",
        f"--temp_location=gs://{BUCKET}/temp",
        f"--staging_location=gs://{BUCKET}/staging",
        f"--dataflow_endpoint=http://localhost:{service}",
        f"--extra_package={wheel}",
        "--machine_type=n2-standard-4",
        "--max_num_workers=50",
        "--autoscaling_algorithm=THROUGHPUT_BASED",
        "--no_use_public_ips",
        "--disk_size_gb=50",
        "--labels=team=corpora",
        "--service_account_email=webtext@webtext-test.iam.gserviceaccount.com",
    ]
    command = [sys.executable, "-m", "tests.double.engine_build", "build", *flags]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=1000, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr[-4000:]
    return environment, sorted((place / "jobs").glob("job-*.json"))


def test_each_stage_is_a_job_with_the_options_that_were_asked_for(submitted, wheel):
    jobs = [json.loads(path.read_text()) for path in submitted[1]]
    assert len(jobs) == 4  # index, documents, duplicates, corpus
    for job in jobs:
        assert job["type"] in {1, "JOB_TYPE_BATCH"}
        environment = job["environment"]
        assert environment["serviceAccountEmail"] == "webtext@webtext-test.iam.gserviceaccount.com"
        (pool,) = environment["workerPools"]
        assert pool["machineType"] == "n2-standard-4"
        assert pool["autoscalingSettings"]["maxNumWorkers"] == 50
        assert pool["ipConfiguration"] in {2, "WORKER_IP_PRIVATE"}
        assert pool["diskSizeGb"] == 50
        assert wheel.name in {package["location"].rpartition("/")[2] for package in pool["packages"]}
        assert job["labels"]["team"] == "corpora"


def test_each_job_is_one_by_googles_own_schema(submitted):
    """Its protobuf message refuses a field, a type or a value of an enumeration that it does not know."""
    dataflow = pytest.importorskip("google.cloud.dataflow_v1beta3")
    json_format = pytest.importorskip("google.protobuf.json_format")
    for path in submitted[1]:
        job = json_format.ParseDict(json.loads(path.read_text()), dataflow.Job.pb()())
        (pool,) = job.environment.worker_pools
        assert pool.autoscaling_settings.algorithm == dataflow.AutoscalingAlgorithm.AUTOSCALING_ALGORITHM_BASIC
        assert pool.autoscaling_settings.max_num_workers == 50
        assert not {"enable_streaming_engine", "enable_windmill_service"} & set(job.environment.experiments)
        with pytest.raises(json_format.ParseError):
            json_format.ParseDict({**json.loads(path.read_text()), "workerPool": {}}, dataflow.Job.pb()())


def test_the_graphs_that_were_staged_are_small(submitted, place):
    graphs = sorted((place / "jobs").glob("pipeline-*.pb"))
    assert len(graphs) == 4
    for graph in graphs:
        assert graph.stat().st_size < MOST_BYTES
        pipeline = beam_runner_api_pb2.Pipeline.FromString(graph.read_bytes())
        assert 1 <= len(pipeline.components.transforms) < 300


def test_what_was_submitted_writes_the_bytes_that_the_other_engines_write(submitted, in_memory):
    written = {
        f"{stage}/{name}": hashlib.sha256(content).hexdigest()
        for stage in STAGES
        for name, content in download(submitted[0], f"out/{stage}/")
    }
    assert written.keys() == in_memory.digests.keys()
    differing = {name for name, digest in written.items() if digest != in_memory.digests[name]}
    assert differing == {"documents/manifest.json"}  # it names its input, whose index names the archive: gs:// here


def test_no_unfinished_stage_is_left_in_the_bucket(submitted):
    assert [name for name, _ in download(submitted[0], "out/") if ".unfinished" in name] == []
