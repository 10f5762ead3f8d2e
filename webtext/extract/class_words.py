"""What the words in classes, ids and roles say of an element: which of some fifty kinds of page furniture or content.

Whether a kind speaks for or against the text of the element is not said here: the model of blocks has learnt that.
"""

import functools
import re

MAX_REMEMBERED = 1 << 12  # strings of classes: five times as many take 5 MB more in each process, and no less time

# A kind a line: words that name the same thing in class names, ids, roles and item properties.
KINDS = tuple(
    frozenset(line.split())
    for line in """
        nav navbar navigation gnav
        menu dropdown submenu megamenu flyout
        foot footer
        head header masthead topbar
        side sidebar rail aside secondary complementary
        share sharing social sharedaddy addtoany follow facebook twitter
        related relat similar recommend reco recirc outbrain taboola upsell crosssell also more morelinks
        comment comments disqus respond
        cookie consent gdpr onetrust privacy legal disclaimer
        promo advert advertisement ad adblock adblocker sponsor banner adslot dfp
        newsletter subscribe subscription signup optin email mailing
        breadcrumb crumb
        widget
        modal popup overlay lightbox dialog drawer offcanvas
        login signin account register user auth profile
        cart basket checkout bag buy wishlist
        tag category categories taxonomy topic
        meta byline postmeta info details
        author bio avatar contributor
        date time timestamp published
        pagination pager paging prev next pagenav
        trending popular latest recent mostread
        skip sr screen hidden hide visually invisible offscreen
        search filter facet sort toolbar refine
        copyright copy colophon
        content contents
        article story entry
        body text prose richtext rte markdown wysiwyg
        post blog blogpost
        main primary
        description desc summary excerpt intro lead dek standfirst
        question answer message reply thread forum discussion cooked lia
        product pdp item
        spec specification feature attribute tech
        review rating testimonial star quote feedback
        faq accordion collapse collapsible toggle panel
        tab tabpanel tabcontent
        card tile teaser grid list listing result collection catalog
        carousel slider swiper slide slideshow
        section row block module component container wrapper
        hero jumbotron cover
        title headline heading name
        price pricing sale discount shipping stock sku variant size swatch option
        toc tableofcontents outline
        caption figcaption credit image img photo gallery media video player
        code highlight pre syntax
        event schedule calendar
        help support doc documentation guide wiki
        signature sig badge stats count vote like score action button btn cta link
        contact address location phone map hours
        notice alert warning error toast
        step recipe ingredient instruction note
    """.strip().splitlines()
)
# Marks that belong to a page's tools, and words of which there is one in the classes of each.
_TOOLS = re.compile(r"(?:^|[\s_-])(?:mw-editsection|editsection|lineno|linenos|line-?numbers?|katex-html|lnt)(?:$|\s)")
_OF_TOOLS = str.split("editsection lineno linenos linenumber linenumbers number numbers katex lnt")
_PERHAPS_TOOLS = 1 << len(KINDS)
_BITS = {
    written: 1 << bit
    for bit, words in enumerate(KINDS)
    for word in words
    for form in (word, word + "s")
    for written in (form, form.capitalize(), form.upper())
} | dict.fromkeys(_OF_TOOLS, _PERHAPS_TOOLS)
_PARTS = re.compile("[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
TOOLS = -1


@functools.lru_cache(MAX_REMEMBERED)
def kinds_of(names: str) -> int:
    """Give the kinds that a class attribute (or id, role …) names, as bits.

    >>> kinds_of("site-Footer navMenu") == kinds_of("foot") | kinds_of("nav") | kinds_of("menu")
    True
    """
    return _bits_of(names) & (_PERHAPS_TOOLS - 1)


@functools.lru_cache(MAX_REMEMBERED)
def kinds_of_classes(names: str) -> int:
    """Give the kinds that a class attribute names; `TOOLS` where it names what belongs to a page's tools."""
    bits = _bits_of(names)
    return TOOLS if bits & _PERHAPS_TOOLS and _TOOLS.search(names) else bits & (_PERHAPS_TOOLS - 1)


def _bits_of(names: str) -> int:
    bits = 0
    for bit in filter(None, map(_BITS.get, _PARTS.findall(names))):
        bits |= bit
    return bits
