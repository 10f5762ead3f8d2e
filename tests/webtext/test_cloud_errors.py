"""What is said of an error of a remote file system."""

import pytest

from webtext.clouds import cause


def held(details: object) -> Exception:
    error = Exception("Rename operation failed")
    error.exception_details = details  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    "details",
    [{"hdfs://host/a": OSError("no such file")}, OSError("no such file"), {"gs://b/c": held(OSError("no such file"))}],
    ids=["by path", "an error", "an error of an error"],
)
def test_the_innermost_error_is_the_cause(details: object) -> None:
    assert cause(held(details)) == "no such file"


@pytest.mark.parametrize("details", [None, {}], ids=str)
def test_an_error_without_details_speaks_for_itself(details: object) -> None:
    assert cause(held(details)) == "Rename operation failed"
