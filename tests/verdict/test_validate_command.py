"""The commands around a model: train, evaluate, generate, export, validate."""

import argparse
import importlib
import json
import re
import subprocess
import sys

import pytest

from model.verdict.tiers import TIERS
from tests.double.written_corpus import TINY, write_corpus
from webtext.errors import UsageError


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("written"), "corpus", range(240))


def command(name, *arguments):
    module = importlib.import_module(f"pipelines.commands.{name}")
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return module.run(parser.parse_args([str(argument) for argument in arguments]), [])


def test_the_commands_train_evaluate_generate_and_export(corpus, tmp_path, capsys):
    out = tmp_path / "run"
    flags = ["--size", "tiny", "--vocab-size", 300, "--block-size", 32, "--tokens", "4k", "--tokens-per-step", 512]
    assert command("train", corpus, "--output", out, *flags, "--device", "cpu", "--checkpoint-every", 4) == 0
    first_time = capsys.readouterr().out
    assert re.search(r"training loss \d\.\d{4} nats a token\nheld-out loss \d\.\d{4}", first_time)
    assert command("train", corpus, "--output", out, *flags, "--device", "cpu", "--checkpoint-every", 4) == 0
    assert capsys.readouterr().out == first_time
    (tmp_path / "t.txt").write_text("the old river")
    results = tmp_path / "r.json"
    assert command("evaluate", out, "--on", f"text={tmp_path / 't.txt'}", "--output", results, "--device", "cpu") == 0
    assert re.search(r"\| text bits per byte \| \d\.\d+ \| - \|", capsys.readouterr().out)
    assert json.loads(results.read_text())["figures"]["text_bits_per_byte"] > 1
    assert command("generate", out, "--prompt", "The", "--tokens", 5, "--samples", 2, "--device", "cpu") == 0
    assert capsys.readouterr().out.count("The") >= 2
    for form, made in (("hf", "model.safetensors"), ("nanogpt", "val.bin"), ("llmc", "train_000000.bin")):
        assert command("export", out, "--format", form, "--output", tmp_path / form) == 0
        assert (tmp_path / form / made).stat().st_size > 1000
    with pytest.raises(UsageError, match="spell it NAME=FILE"):
        command("evaluate", out, "--on", "text")
    with pytest.raises(UsageError, match="no size is called '9T'"):
        command("train", corpus, "--output", tmp_path / "x", "--size", "9T", "--vocab-size", 300)
    with pytest.raises(UsageError, match="top_k 0 and max_tokens 256"):
        command("generate", out, "--top-k", 0, "--device", "cpu")
    with pytest.raises(UsageError, match="name a run of `webtext train`"):
        command("export", tmp_path, "--format", "llmc", "--output", tmp_path / "none")


def test_numbers_of_tokens_are_read():
    count = importlib.import_module("pipelines.commands.train").count
    assert [count(text) for text in ("10B", "2.5M", "40k", "7")] == [10**10, 2_500_000, 40_000, 7]
    with pytest.raises(argparse.ArgumentTypeError, match="'ten' is not a number such as"):
        count("ten")


def test_the_validate_command_prints_the_report(corpus, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(TIERS, "smoke", TINY)
    assert command("validate", corpus, "--tier", "smoke", "--output", tmp_path / "v", "--device", "cpu") == 0
    printed = capsys.readouterr().out
    assert printed.startswith("# Verdict: tier tiny, judge Kneser-Ney 5-grams over GPT-2's tokens\n")
    assert (tmp_path / "v" / "report.md").read_text() == printed
    with pytest.raises(UsageError, match="--damage is for damaged copies"):
        command("validate", corpus, "--against", corpus, "--damage", "shuffled words", "--output", tmp_path / "v")


@pytest.mark.parametrize("name", ["train", "evaluate", "generate", "export", "validate"])
def test_a_missing_extra_is_one_line_and_help_needs_none(name, tmp_path):
    program = (
        "import sys, argparse, importlib; sys.modules['torch'] = None; sys.modules['tiktoken'] = None\n"
        f"module = importlib.import_module('pipelines.commands.{name}')\n"
        "parser = argparse.ArgumentParser(); module.add_arguments(parser); parser.format_help()\n"
        "from webtext.errors import UsageError\n"
        "try: module.run(argparse.Namespace(damage=None, against=None), [])\n"
        "except UsageError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"this needs (torch|tiktoken): pip install 'webtext\[train\]'\n", done.stdout)
