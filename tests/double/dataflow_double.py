"""A double of Dataflow's service on this machine: takes a job as the service would, and runs what was submitted.

What is run is the pipeline that the real DataflowRunner staged, read back from the bucket; its container is exchanged
for a pool of worker processes, and nothing else. Cloud Storage is an emulator; who asks is a service account whose
key was made a moment ago and whose tokens come from here.

Usage: dataflow_double.py PORT DIRECTORY WORKER_POOL_ENDPOINT
"""

import json
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2, endpoints_pb2
from apache_beam.portability.common_urns import artifact_types, environments
from apache_beam.runners.portability.fn_api_runner import FnApiRunner


def service_account(port):
    """Make the key file of a service account that asks this double for its tokens."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  (comes with Beam's gcp extra)
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "webtext-test",
            "private_key_id": "0",
            "private_key": key.decode(),
            "client_email": "webtext@webtext-test.iam.gserviceaccount.com",
            "token_uri": f"http://localhost:{port}/token",
        }
    )


def read_gcs(path):
    with FileSystems.open(path) as stream:
        return stream.read()


def with_worker_pool(pipeline, endpoint, directory):
    """Put the pool in the place of the container, and files on disk in the place of staged URLs."""
    for environment in pipeline.components.environments.values():
        environment.urn = environments.EXTERNAL.urn
        pool = beam_runner_api_pb2.ExternalPayload(endpoint=endpoints_pb2.ApiServiceDescriptor(url=endpoint))
        environment.payload = pool.SerializeToString()
        for artifact in environment.dependencies:
            role = beam_runner_api_pb2.ArtifactStagingToRolePayload.FromString(artifact.role_payload)
            path = directory / Path(role.staged_name).name
            path.write_bytes(read_gcs(beam_runner_api_pb2.ArtifactUrlPayload.FromString(artifact.type_payload).url))
            artifact.type_urn = artifact_types.FILE.urn
            artifact.type_payload = beam_runner_api_pb2.ArtifactFilePayload(path=str(path)).SerializeToString()
    return pipeline


class Service(BaseHTTPRequestHandler):
    """The few calls of the Dataflow API that a driver makes: create a job, ask for it, its messages and its metrics."""

    directory: Path
    endpoint: str
    states: ClassVar[dict[str, str]] = {}

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/token":
            self._answer({"access_token": "token", "expires_in": 3600, "token_type": "Bearer"})
            return
        number = len(list(self.directory.glob("job-*.json")))
        (self.directory / f"job-{number}.json").write_bytes(body)
        job = json.loads(body)
        captured = self.directory / f"pipeline-{number}.pb"
        captured.write_bytes(read_gcs(job["environment"]["sdkPipelineOptions"]["options"]["pipelineUrl"]))
        pipeline = beam_runner_api_pb2.Pipeline.FromString(captured.read_bytes())
        pipeline = with_worker_pool(pipeline, self.endpoint, self.directory)
        self.states[str(number)] = "JOB_STATE_RUNNING"
        threading.Thread(target=self._run, args=(str(number), pipeline)).start()
        self._answer(self._job(str(number)))

    def do_GET(self):
        found = re.search(r"/jobs/(\d+)(/messages|/metrics)?", self.path)
        self._answer(self._job(found[1]) if found and not found[2] else {})

    def _run(self, number, pipeline):
        state = "FAILED"
        try:
            state = FnApiRunner().run_via_runner_api(pipeline, PipelineOptions([])).wait_until_finish()
        finally:
            self.states[number] = f"JOB_STATE_{state}"

    def _job(self, number):
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        job = {"id": number, "projectId": "webtext-test", "location": "europe-west4", "createTime": created}
        return job | {"name": f"job-{number}", "type": "JOB_TYPE_BATCH", "currentState": self.states[number]}

    def _answer(self, value):
        content = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    Service.directory, Service.endpoint = Path(sys.argv[2]), sys.argv[3]
    ThreadingHTTPServer(("localhost", int(sys.argv[1])), Service).serve_forever()
