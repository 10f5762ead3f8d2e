"""A sweep runs what is missing, and nothing twice; its command says what the runs bear."""

import json
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model.gpt2.corpora import Corpus
from model.scaling import sweep as module
from model.scaling.laws import Curve, Interval, NoFit, Point, Surface
from model.scaling.sweep import Laws, SweepConfig, shape_of, sweep
from pipelines.commands.cli import main
from pipelines.commands.scale import compared, picture, told
from webtext.errors import UsageError

TINY = SweepConfig(
    sizes=("1x16", "1x32"), tokens=(2560, 5120), vocab_size=300, block_size=32, tokens_per_step=256, device="cpu"
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    texts = [
        f"The {number}th letter of {number % 7} friends came on day {number * 13 % 31}." * 4 for number in range(400)
    ]
    pq.write_table(pa.table({"text": texts[:350]}), folder / "train-00000-of-00001.parquet")
    pq.write_table(pa.table({"text": texts[350:]}), folder / "heldout-00000-of-00001.parquet")
    return folder


def test_each_run_is_done_once_and_more_can_be_added(corpus, tmp_path, monkeypatch):
    ran = []
    train = module.train
    monkeypatch.setattr(module, "train", lambda *a: ran.append(a[3].name) or train(*a))
    (first,) = sweep([Corpus("corpus", corpus)], TINY, tmp_path)
    assert ran == ["1x16-2560-0", "1x16-5120-0", "1x32-2560-0", "1x32-5120-0"]
    (again,) = sweep([Corpus("corpus", corpus)], replace(TINY, tokens=(2560, 5120, 3840)), tmp_path)
    assert ran[4:] == ["1x16-3840-0", "1x32-3840-0"]
    assert set(first.points) < set(again.points)
    assert {point.parameters for point in first.points} == {12 * 16**2, 12 * 32**2}
    losses = {(point.parameters, point.tokens): point.loss for point in first.points}
    assert losses[12 * 32**2, 5120] < losses[12 * 32**2, 2560]
    assert "2 different points" in first.by_size.reason
    with pytest.raises(UsageError, match="other corpora or settings"):
        sweep([Corpus("corpus", corpus)], replace(TINY, vocab_size=310), tmp_path)


def test_a_sweep_that_was_stopped_goes_on_where_it_was(corpus, tmp_path, monkeypatch):
    ran = []
    train = module.train

    def stopped(*given):
        if len(ran) == 1:
            raise KeyboardInterrupt
        ran.append(given[3].name)
        return train(*given)

    monkeypatch.setattr(module, "train", stopped)
    with pytest.raises(KeyboardInterrupt):
        sweep([Corpus("corpus", corpus)], replace(TINY, sizes=("1x16",)), tmp_path / "one")
    monkeypatch.setattr(module, "train", lambda *given: ran.append(given[3].name) or train(*given))
    (again,) = sweep([Corpus("corpus", corpus)], replace(TINY, sizes=("1x16",)), tmp_path / "one")
    (once,) = sweep([Corpus("corpus", corpus)], replace(TINY, sizes=("1x16",)), tmp_path / "other")
    assert ran[:2] == ["1x16-2560-0", "1x16-5120-0"]
    assert again.points == once.points


def test_two_corpora_are_scored_on_the_same_held_out_text(corpus, tmp_path):
    config = replace(TINY, sizes=("1x16",), tokens=(2560,))
    one, other = sweep([Corpus("corpus", corpus), Corpus("against", corpus)], config, tmp_path)
    assert one.points == other.points
    assert {path.name for path in tmp_path.iterdir()} >= {"against", "corpus", "heldout"}


@pytest.mark.parametrize("size", ["64", "2x", "0x64", "2x30", "x", "2x64x2"])
def test_a_size_is_layers_by_width(size):
    with pytest.raises(ValueError, match="LAYERSxWIDTH"):
        shape_of(size, 512, 128)


def test_the_command_says_what_is_wrong_in_one_line(corpus, tmp_path, capsys):
    assert main(["scale", str(corpus), "--output", str(tmp_path / "out"), "--sizes", "big"]) == 2
    assert "LAYERSxWIDTH" in capsys.readouterr().err
    assert main(["scale", str(corpus), "--output", str(tmp_path / "out"), "--tokens", "500"]) == 2
    assert "at least 20480 tokens" in capsys.readouterr().err


def test_the_command_writes_the_runs_and_says_why_they_bear_no_law(corpus, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["scale", str(corpus), "--output", str(out), "--sizes", "1x16", "--tokens", "20480"]) == 0
    said = capsys.readouterr().out
    assert "1 runs" in said
    assert "L(N, D): no fit: 1 sizes and 1 numbers of tokens" in said
    assert json.loads((out / "scale.json").read_text())[0]["points"][0]["tokens"] == 20480
    assert "<svg" in (out / "scale.html").read_text()


def test_a_fit_is_told_with_its_intervals_and_its_optimum():
    one = Interval(2.0, 1.9, 2.1)
    surface = Surface(one, Interval(400.0, 300, 500), Interval(0.3, 0.2, 0.4), Interval(400.0, 300, 500), one, 0.001)
    laws = Laws("corpus", (Point(1e5, 1e6, 3.0),), Curve(one, one, one, 0.01), Curve(one, one, one, 0.01), surface)
    said = "\n".join(told(laws, [1e15]))
    assert "L(N): 2 [1.9, 2.1]" in said.replace(", by size", "")
    assert "1.0e+15 FLOPs" in said
    assert "no fit" not in said
    assert "3.000" in picture([laws])


def test_two_corpora_stand_side_by_side_on_one_scale():
    def laws(name, losses):
        points = [Point(1e5 * (1 + number), 1e6, loss) for number, loss in enumerate(losses)]
        return Laws(name, tuple(points), NoFit("few"), NoFit("few"), NoFit("few"))

    both = [laws("corpus", [3.0, 2.5]), laws("<against>", [3.5, 2.75])]
    assert list(compared(both)) == [
        "<against> less corpus: +0.375 nats a token in the mean of 2 pairs of runs, +0.250 to +0.500"
    ]
    assert list(compared(both[:1])) == []
    drawn = picture(both)
    assert drawn.count("<figure>") == 2
    assert "&lt;against&gt; less corpus" in drawn
    ticks = [part.count(">3.4<") for part in drawn.split("<figure>")]
    assert ticks[1] == ticks[2] == 1
