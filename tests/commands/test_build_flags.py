"""What flags of a build mean."""

import argparse

import pytest

from dedup.near import minhash
from pipelines.commands.build_flags import add_duplicates_arguments, duplicates_config


@pytest.mark.parametrize(
    ("flags", "asked"), [("", 0), ("--shingle-words 7", 0), ("--bands 20 --rows 5", 0), ("--recall .9", 1)]
)
def test_datasketch_is_asked_early_about_bands_that_may_be_impossible_alone(flags, asked, monkeypatch):
    """To ask it takes half a second and 40 MB, which the default's need not while pages are read."""
    calls = []
    monkeypatch.setattr(minhash, "optimal_bands", lambda *settings: calls.append(settings) or (1, 1))
    parser = argparse.ArgumentParser()
    add_duplicates_arguments(parser)
    parsed = parser.parse_args(flags.split())
    parsed.reference = False
    config = duplicates_config(parsed)
    assert len(calls) == asked
    _ = config.minhash.banding
    assert len(calls) == (0 if config.minhash.bands else asked + 1)


def test_impossible_bands_show_before_any_work():
    parser = argparse.ArgumentParser()
    add_duplicates_arguments(parser)
    parsed = parser.parse_args(["--num-perm", "2"])
    parsed.reference = False
    with pytest.raises(ValueError, match="recall"):
        duplicates_config(parsed)
