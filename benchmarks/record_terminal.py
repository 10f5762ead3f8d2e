"""Draw a real run on the bundled sample as a terminal: docs/terminal.svg.

    python -m sample.build build/sample
    python benchmarks/record_terminal.py docs/terminal.svg

Each command below is run by a shell in an empty folder, and what it prints is drawn as it stands, its middle left out
where it is long. The picture asks nobody for a font.
"""

import argparse
import io
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

COMMANDS = (
    "webtext corpus --submissions sample/RS_sample.zst --replay sample/web.warc.gz --output out",
    "webtext explain http://teeny.example/boring --output out",
    "webtext verify --output out",
)
_WIDTH, _HEAD, _TAIL = 100, 9, 8  # columns; lines shown from the beginning and the end of an answer


def main() -> None:
    """Run the commands and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path, help="the SVG to write")
    picture: Path = parser.parse_args().picture
    console = Console(record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sample").symlink_to(Path("build/sample").resolve())
        for command in COMMANDS:
            console.print(Text(f"$ {command}", style="bold green"))
            program = f"PATH={Path(sys.executable).parent}:$PATH; {command} 2>&1"
            ran = subprocess.run(["bash", "-c", program], cwd=folder, capture_output=True, text=True, check=True)
            for line in shown(ran.stdout.splitlines()):
                console.print(Text(line, overflow="fold"))
    svg = console.export_svg(title="webtext", unique_id="terminal")
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL).replace("Fira Code, monospace", "monospace")
    picture.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n", encoding="utf-8")


def shown(lines: list[str]) -> list[str]:
    """Leave the middle of a long answer out, and say so."""
    left = len(lines) - _HEAD - _TAIL
    return lines if left < 2 else [*lines[:_HEAD], f"  ... {left} more lines", *lines[-_TAIL:]]


if __name__ == "__main__":
    main()
