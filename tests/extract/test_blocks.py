"""A page cut into blocks: what is a line of its own, what is code, what belongs to the page's tools."""

import pytest

from webtext.extract.block import PLACE_NUMBERS
from webtext.extract.blocks import BlockReader
from webtext.extract.tree import parse_html

MATH = "<math><semantics><mrow><mi>q</mi><mi>i</mi></mrow>{}</semantics></math>"
TEX = "<annotation encoding='application/x-tex'>q_{i}</annotation>"


def texts(body):
    return [block.text for block in BlockReader().read(parse_html(f"<html><body>{body}</body></html>")).blocks]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p>One <b>bold</b>\n word</p><p>Two</p>", ["One bold word", "Two"]),
        ("<div>loose<p>para</p>after</div>", ["loose", "para", "after"]),
        ("a<br>b<br> <br>c", ["a\nb", "c"]),
        ("<ul><li>one<ul><li>two</ul><li>three</ul>", ["one", "two", "three"]),
        ("<a href=x>One</a><a href=y>Two</a>", ["One Two"]),
        ("<b>T</b>he pilot", ["The pilot"]),
        ("<p>H<sub>2</sub>O, <x-unit>4</x-unit> litres</p>", ["H2O, 4 litres"]),
        ("<x-card>one</x-card><x-card>two</x-card>", ["one", "two"]),
        ("<pre>if fog:\n    ring()\n\n\tsleep()\n</pre>", ["if fog:\n    ring()\n\tsleep()"]),
        ("<pre>1\n2\n3\n</pre><pre>a\nb</pre>", ["a\nb"]),
        ("<table><tr><th>Port<th>Boats<tr><td>Ellen<td><p>six</p></table>", ["Port\tBoats", "Ellen\tsix"]),
        ("<table><tr><td><p>One.<p>Two.<td>x</table>", ["One.", "Two.", "x"]),
        ("<table><tr><td class=num>1<td class=blob-code>  ring()</table>", ["  ring()"]),
        ("<h2>Birds<a href=#b>¶</a></h2>", ["Birds"]),
        ("<h2>Birds<span class=mw-editsection>[<a>edit</a>]</span></h2>", ["Birds"]),
        ("<p>A note.<a href=#r>↩</a></p>", ["A note."]),
        ("<p>seen <span hidden>not</span> <span style='display: none'>nor this</span></p>", ["seen"]),
        ("<noscript><p>post</p></noscript>", ["post"]),
        ("<p>one <noscript><img src=x></noscript>line</p>", ["one line"]),
        ("<select><option>x</select><textarea>y</textarea><svg><text>z</text></svg>k", ["k"]),
        ("<p>六点出发，\n冬天 fish\nand</p>", ["六点出发，冬天 fish and"]),
        ('<p>So <script type="math/tex">x^2</script> grows', ["So x^2 grows"]),
        (f"<p>So {MATH.format(TEX)} is", ["So q_{i} is"]),
        (f"<p>So {MATH.format('<annotation encoding=MathType>@5&#64;')} is", ["So qi is"]),
        (
            f"<p>So <span><span class=math hidden>{MATH.format(TEX)}</span><img class=mwe-math alt='q_{{i}}'>",
            ["So q_{i}"],
        ),
        (f"<p>So {MATH.format(TEX)}<img class=latex alt='q_j'>", ["So q_{i}q_j"]),
        ("<p>So <b>x</b><img class=latex alt='q_i'> is", ["So xq_i is"]),
        ("<p>&nbsp;</p><p>x</p>", ["x"]),
        ("<template>no</template><template shadowrootmode=open>yes</template>", ["yes"]),
    ],
)
def test_blocks_are_the_lines_that_a_browser_sets(body, expected):
    assert texts(body) == expected


def test_a_block_knows_its_links_and_what_is_around_it():
    page = "<nav id=menu class='siteNav'><ul><li><a href=x>Home</a></ul></nav><article><p>Go <b>on</b></article>"
    reader = BlockReader().read(parse_html(page))
    home, go = reader.blocks
    assert (home.link_chars, home.links, go.link_chars, go.strong_chars) == (4, 1, 0, 2)
    assert [reader.places.tags[home.place], reader.places.tags[go.place]] == ["li", "p"]
    names, other = (reader.places.rows[block.place][PLACE_NUMBERS.index("all_names")] for block in (home, go))
    assert names and not other
