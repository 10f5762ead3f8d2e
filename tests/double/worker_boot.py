"""What a worker's container starts: fetch what the job staged, install it, and become a Beam worker.

The Beam SDK's images hold such a program (`/opt/apache/beam/boot`); this one needs no image. It runs in an interpreter
that sees third-party packages but not the working tree (`-S -P`, no `.pth` files), so what the pipeline imports of ours
can only come from the package that was staged with the job. Beam's container contract names the flags.
"""

import argparse
import fcntl
import hashlib
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
from apache_beam.runners.worker import sdk_worker_main
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


def install(wheel):
    """Install a wheel, once for all workers that are given the same; gives the folder to import from."""
    place = Path(os.environ["BOOT_DIRECTORY"]) / hashlib.sha256(wheel.read_bytes()).hexdigest()
    with Path(f"{place}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", f"{place}.unfinished"]
            subprocess.run([*PYTHON, *pip, str(wheel)], check=True, stdout=sys.stderr)
            Path(f"{place}.unfinished").rename(place)
    return str(place)


def main():
    parser = argparse.ArgumentParser()
    for name in ("id", "logging", "artifact", "provision", "control"):
        parser.add_argument(f"--{name}" if name == "id" else f"--{name}_endpoint", dest=name)
    flags = parser.parse_args()
    info = provision(flags.provision, flags.id)
    directory = Path(tempfile.mkdtemp(dir=os.environ["BOOT_DIRECTORY"]))
    artifact = flags.artifact or info.artifact_endpoint.url
    staged = list(retrieve(artifact, info.dependencies, directory))
    for place in (install(path) for path in staged if path.suffix == ".whl"):  # An image has our package already.
        sys.path.insert(0, place)
        os.environ["PYTHONPATH"] = f"{place}{os.pathsep}{os.environ['PYTHONPATH']}"  # Its own processes see it, too.
    os.environ |= {"WORKER_ID": flags.id, "SEMI_PERSISTENT_DIRECTORY": str(directory)}
    os.environ["PIPELINE_OPTIONS"] = json.dumps(json_format.MessageToDict(info.pipeline_options))
    for name, url in (("LOGGING", flags.logging), ("CONTROL", flags.control)):
        descriptor = text_format.MessageToString(endpoints_pb2.ApiServiceDescriptor(url=url))
        os.environ[f"{name}_API_SERVICE_DESCRIPTOR"] = descriptor
    sdk_worker_main.main([])


if __name__ == "__main__":
    main()
