"""What browsers do with elements by their tags, as far as it says where a line of text begins and ends."""

# Elements that begin a line (CSS display other than inline in browsers' own style sheets), and what is no text.
BLOCK_TAGS = frozenset(
    str.split(
        """address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption
    figure footer form frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li listing main menu nav
    noscript ol optgroup option p pre search section summary table tbody td template tfoot th thead tr ul xmp"""
    )
)
INLINE_TAGS = frozenset(
    str.split(
        """a abbr acronym b bdi bdo big button cite code data del dfn em font i ins kbd label mark math
    meter mfrac mi mn mo mover mrow msqrt mstyle msub msup mtable mtd mtext mtr munder munderover nobr output
    picture q rp rt ruby s samp semantics slot small span strike strong sub sup time tt u var wbr"""
    )
)
# The head is read, as parsers put into it what follows it without a tag for the body.
NO_TEXT_TAGS = frozenset(
    str.split(
        """annotation applet area audio base canvas col datalist embed frame iframe input link map meta noembed noframes
    object param progress select source style svg textarea title track video"""
    )
)
PREFORMATTED_TAGS = frozenset(("pre", "listing", "xmp"))
