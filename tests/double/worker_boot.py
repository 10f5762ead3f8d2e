"""What a worker's container starts: fetch what the job staged, install it, and become a Beam worker.

The Beam SDK's images hold such a program (`/opt/apache/beam/boot`); this one needs no image. It runs in an interpreter
that sees third-party packages but not the working tree (`-S -P`, no `.pth` files), so what the pipeline imports of ours
can only come from the package that was staged with the job. Beam's container contract names the flags.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import grpc
from apache_beam.portability.api import (
    beam_artifact_api_pb2,
    beam_artifact_api_pb2_grpc,
    beam_provision_api_pb2,
    beam_provision_api_pb2_grpc,
    beam_runner_api_pb2,
    endpoints_pb2,
)
from google.protobuf import json_format, text_format

PYTHON = [sys.executable, "-S", "-P"]


def provision(endpoint, worker):
    with grpc.insecure_channel(endpoint) as channel:
        service = beam_provision_api_pb2_grpc.ProvisionServiceStub(channel)
        request = beam_provision_api_pb2.GetProvisionInfoRequest()
        return service.GetProvisionInfo(request, metadata=[("worker_id", worker)]).info


def retrieve(endpoint, dependencies, directory):
    with grpc.insecure_channel(endpoint) as channel:
        service = beam_artifact_api_pb2_grpc.ArtifactRetrievalServiceStub(channel)
        resolve = beam_artifact_api_pb2.ResolveArtifactsRequest(artifacts=dependencies)
        for artifact in service.ResolveArtifacts(resolve).replacements:
            role = beam_runner_api_pb2.ArtifactStagingToRolePayload.FromString(artifact.role_payload)
            path = directory / Path(role.staged_name).name
            with path.open("wb") as stream:
                for block in service.GetArtifact(beam_artifact_api_pb2.GetArtifactRequest(artifact=artifact)):
                    stream.write(block.data)
            yield path


def install(packages, target):
    pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile", "--target", str(target)]
    subprocess.run([*PYTHON, *pip, *map(str, packages)], check=True, stdout=sys.stderr)


def main():
    parser = argparse.ArgumentParser()
    for name in ("id", "logging", "artifact", "provision", "control"):
        parser.add_argument(f"--{name}" if name == "id" else f"--{name}_endpoint", dest=name)
    flags = parser.parse_args()
    info = provision(flags.provision, flags.id)
    directory = Path(tempfile.mkdtemp(dir=os.environ["BOOT_DIRECTORY"]))
    artifact = flags.artifact or info.artifact_endpoint.url
    staged = list(retrieve(artifact, info.dependencies, directory))
    if wheels := [path for path in staged if path.suffix == ".whl"]:  # An image has our package already.
        install(wheels, directory / "site")
    environment = dict(os.environ, WORKER_ID=flags.id, SEMI_PERSISTENT_DIRECTORY=str(directory))
    environment["PYTHONPATH"] = f"{directory / 'site'}{os.pathsep}{os.environ['PYTHONPATH']}"
    environment["PIPELINE_OPTIONS"] = json.dumps(json_format.MessageToDict(info.pipeline_options))
    for name, url in (("LOGGING", flags.logging), ("CONTROL", flags.control)):
        descriptor = text_format.MessageToString(endpoints_pb2.ApiServiceDescriptor(url=url))
        environment[f"{name}_API_SERVICE_DESCRIPTOR"] = descriptor
    os.execve(sys.executable, [*PYTHON, "-m", "apache_beam.runners.worker.sdk_worker_main"], environment)  # noqa: S606


if __name__ == "__main__":
    main()
