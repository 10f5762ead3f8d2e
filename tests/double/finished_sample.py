"""The sample, made once for all tests and for all processes that run them: its web, its pages, its corpus.

What is given here is shared: a test that changes something does so in a copy. The functions import what they need when
they are called, since most tests need neither Beam nor the sample.
"""

import fcntl
import os
import shutil


def once(tmp_path_factory, name, make):
    """Give a folder that whichever process asks first has filled by `make(folder)`; others wait for it.

    Where that fails, the next to ask makes it anew, so that it tells the same error.
    """
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, whole = base / name, base / f"{name}.whole"
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            whole.touch()
    return folder


def make_web(folder):
    """Write the archive, the dump, and what must come of them."""
    from sample.build import build  # noqa: PLC0415

    build(folder)


def make_corpus(web, output):
    """Run `webtext corpus` on the sample: all stages from the dump to the shards, the archive being the web."""
    from pipelines.commands.cli import main  # noqa: PLC0415
    from sample.build import ARCHIVE, DUMP  # noqa: PLC0415

    flags = ["--submissions", str(web / DUMP), "--replay", str(web / ARCHIVE), "--workers", "1"]
    assert main(["corpus", *flags, "--output", str(output)]) == 0


def make_build(web, output):
    """Run `webtext build` on the archive of the sample: its index as `pages`, and the stages after it."""
    from pipelines.commands.cli import main  # noqa: PLC0415
    from sample.build import ARCHIVE  # noqa: PLC0415

    assert main(["build", "--warc", str(web / ARCHIVE), "--output", str(output), "--workers", "1"]) == 0
