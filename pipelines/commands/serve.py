"""`webtext serve`: a small local site that answers what became of a link; loopback only, and read only."""

import argparse

from pipelines.commands.explain import answer, compare, explain
from pipelines.commands.named_output import OUTPUT, add_output_argument
from webtext import storage
from webtext.errors import UsageError

_EXTRA = {"flask", "werkzeug"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `webtext serve`."""
    add_output_argument(parser, f"{OUTPUT}, on this machine")
    parser.add_argument(
        "--port", type=int, default=8321, help="port on 127.0.0.1; 0: any free one (default: %(default)s)"
    )


def run(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    """Serve until Ctrl-C."""
    del beam_arguments
    if not storage.is_local(arguments.output):
        raise UsageError(f"{arguments.output} is not on this machine: copy it here first")
    if not 0 <= arguments.port < 1 << 16:
        raise UsageError(f"--port {arguments.port}: give 0 to 65535")
    try:
        from werkzeug.serving import make_server  # noqa: PLC0415  (an extra)

        from pipelines.report.site import make_site  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        raise UsageError(f"this needs {error.name}: pip install 'webtext[serve]'") from error
    site = make_site(arguments.output, explain, compare, answer)
    try:
        server = make_server("127.0.0.1", arguments.port, site, threaded=True)
    except (OSError, SystemExit) as error:  # werkzeug ends the program where the port is taken
        raise UsageError(f"cannot listen on port {arguments.port} of 127.0.0.1: give another with --port") from error
    print(f"http://127.0.0.1:{server.server_port}/ shows {arguments.output}; Ctrl-C ends it", flush=True)
    try:
        server.serve_forever()
    finally:
        server.server_close()
    return 0
