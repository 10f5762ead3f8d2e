"""`webtext scale CORPUS`: how the held-out loss falls with parameters and tokens, from a sweep of small runs."""

import argparse
import json
import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.commands.train import count
from pipelines.commands.training_flags import add_device, need_training, show_progress, writing
from pipelines.report.charts import Line, lines
from pipelines.report.markup import element, figure, join, note
from pipelines.stages.stale import note_corpus
from webtext.errors import UsageError
from webtext.local import local_corpus, write_whole

if TYPE_CHECKING:
    from model.scaling.laws import Curve, Interval, Surface
    from model.scaling.sweep import Laws


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of the command."""
    parser.add_argument(
        "corpus", type=local_corpus, help="an output, its corpus folder, or Parquet files with a column `text`"
    )
    parser.add_argument(
        "--against", type=local_corpus, help="another corpus, side by side on the same held-out text (default: none)"
    )
    parser.add_argument(
        "--output", "-o", type=Path, required=True, help="folder of the runs, scale.json and scale.html"
    )
    parser.add_argument(
        "--sizes",
        nargs="+",
        metavar="LAYERSxWIDTH",
        help="layers and width of each size (default: 1x32 2x48 2x64 3x96)",
    )
    parser.add_argument(
        "--tokens", nargs="+", type=count, help="tokens of the runs of each size (default: 60k 120k 240k 480k)"
    )
    parser.add_argument(
        "--seeds", type=int, default=1, help="runs of each size and number of tokens (default: %(default)s)"
    )
    parser.add_argument(
        "--flops",
        type=float,
        action="append",
        default=[],
        help="a budget of FLOPs to find the best size for; may be repeated (default: none)",
    )
    add_device(parser)


def run(arguments: argparse.Namespace, _: list[str]) -> int:
    """Run what is missing, fit, and print what the fits say."""
    with need_training():
        from model.gpt2.corpora import Corpus  # noqa: PLC0415  (torch, only when it is used)
        from model.scaling.sweep import SweepConfig, as_json, sweep  # noqa: PLC0415
    show_progress()
    names = ["corpus"] if arguments.against is None else ["corpus", "against"]
    corpora = [Corpus(name, getattr(arguments, name)) for name in names]
    asked: dict[str, Any] = {
        name: tuple(getattr(arguments, name)) for name in ("sizes", "tokens") if getattr(arguments, name)
    }
    try:
        config = SweepConfig(**asked, seeds=arguments.seeds, device=arguments.device)
    except ValueError as error:
        raise UsageError(str(error)) from error
    with writing(arguments.output, "scale", "scale.*", "tokenizer.json"):
        found = sweep(corpora, config, arguments.output)
        text = json.dumps([as_json(laws) for laws in found], indent=1)
        write_whole(arguments.output / "scale.json", text + "\n")
        write_whole(arguments.output / "scale.html", picture(found))
        note_corpus(str(arguments.output), str(arguments.corpus))
    for laws in found:
        print("\n".join(told(laws, arguments.flops)))
    print("\n".join(compared(found)), end="\n" * (len(found) > 1))
    return 0


def told(laws: "Laws", budgets: list[float]) -> Iterator[str]:
    """Say what the runs of a corpus bear, a law a line."""
    from model.scaling.laws import Curve, Surface  # noqa: PLC0415  (torch is needed by then anyway)

    yield f"{laws.corpus}: {len(laws.points)} runs, held-out loss {min(p.loss for p in laws.points):.3f} at the best"
    for name, symbol, law in (("size", "N", laws.by_size), ("tokens", "D", laws.by_tokens)):
        yield f"  L({symbol}), by {name}: {_curve(law, symbol) if isinstance(law, Curve) else 'no fit: ' + law.reason}"
    surface = laws.surface
    if not isinstance(surface, Surface):
        yield f"  L(N, D): no fit: {surface.reason}"
        return
    yield f"  L(N, D): {_surface(surface)}"
    for flops in budgets:
        parameters, tokens = surface.optimum(flops)
        loss = surface.at(parameters, tokens)
        yield f"  {flops:.1e} FLOPs: {parameters:.2e} parameters and {tokens:.2e} tokens, loss {loss:.3f} by the fit"


def _interval(found: "Interval") -> str:
    return f"{found.value:.3g} [{found.low:.3g}, {found.high:.3g}]"


def _curve(law: "Curve", symbol: str) -> str:
    terms = f"{_interval(law.floor)} + {_interval(law.factor)} / {symbol}^{_interval(law.exponent)}"
    return f"{terms}; off by {law.residual:.2%} in the median"


def _surface(law: "Surface") -> str:
    size = f"{_interval(law.size_factor)} / N^{_interval(law.size_exponent)}"
    data = f"{_interval(law.data_factor)} / D^{_interval(law.data_exponent)}"
    return f"{_interval(law.floor)} + {size} + {data}; off by {law.residual:.2%} in the median"


def compared(found: "list[Laws]") -> Iterator[str]:
    """Say how much more the second corpus loses than the first, run by run."""
    if len(found) < 2:
        return
    first, second = found
    more = [other.loss - one.loss for one, other in zip(first.points, second.points, strict=True)]
    mean = sum(more) / len(more)
    yield (
        f"{second.corpus} less {first.corpus}: {mean:+.3f} nats a token in the mean of {len(more)} pairs of runs, "
        f"{min(more):+.3f} to {max(more):+.3f}"
    )


def picture(found: "list[Laws]") -> str:
    """Draw the loss over the logarithm of the tokens, a line a size, corpora side by side on one scale."""
    style = (Path(__file__).parents[1] / "report" / "page.css").read_text("utf-8")
    losses = [point.loss for laws in found for point in laws.points]
    figures = []
    for laws in found:
        series = [_line(laws, size) for size in sorted({point.parameters for point in laws.points})]
        axes = "tokens read, as a power of ten", "held-out loss, nats a token"
        said, *fits = told(laws, [])
        drawing = lines(series, *axes, min(losses), max(losses))
        figures.append(figure(laws.corpus, drawing, said, *(note(fit) for fit in fits)))
    content = join([element("div", *figures, class_="charts"), *map(note, compared(found))])
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    head += f"<title>Scaling</title><style>{style}</style>"
    return f"{head}<main><h1>How the loss falls with size and tokens</h1>{content}</main></html>\n"


def _line(laws: "Laws", size: float) -> Line:
    losses = defaultdict(list)
    for point in laws.points:
        if point.parameters == size:
            losses[point.tokens].append(point.loss)
    means = tuple((math.log10(tokens), sum(losses[tokens]) / len(losses[tokens])) for tokens in sorted(losses))
    return Line(f"{size:,.0f} parameters", means)
