"""Bytes to text: byte order marks, headers, meta tags, lies about all three, and no word at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.extract.decode import declared_encodings, decode_html

FRENCH = "<p>À la fin, l’été fut très pluvieux et la récolte, hélas, médiocre ; œuvre de l’année."
RUSSIAN = "<p>Цапля стояла на мелководье всё утро и не двигалась, а сосед мой считал рыбу, которую она ловила."
JAPANESE = "<p>鷺は朝からずっと浅瀬に立っていて、少しも動かなかった。隣の人は九年間それを見ている。"
CHINESE = "<p>苍鹭整个早晨都站在浅水里，一动也不动。我的邻居说它九年来每个冬天都来同一个池塘。"
KOREAN = "<p>왜가리는 아침 내내 얕은 물에 서서 움직이지 않았다. 이웃은 겨울마다 같은 새가 온다고 말한다."
GREEK = "<p>Ο ερωδιός στεκόταν όλο το πρωί στα ρηχά και δεν κουνιόταν καθόλου, είπε ο γείτονάς μου."


@pytest.mark.parametrize(
    ("text", "encoding", "header", "meta"),
    [
        (FRENCH, "utf-8", "", ""),
        (FRENCH, "utf-8", "text/html; charset=iso-8859-1", ""),  # a header that lies
        (FRENCH, "utf-8", "", "windows-1251"),
        (FRENCH, "cp1252", "text/html; charset=ISO-8859-1", ""),  # browsers read it so
        (FRENCH, "cp1252", "text/html; charset=utf-8", ""),
        (FRENCH, "cp1252", "text/html; charset=utf-8", "windows-1252"),
        (FRENCH, "cp1252", "text/html; charset=nonsense", ""),
        (FRENCH, "cp1252", "", ""),
        (RUSSIAN, "cp1251", "text/html;charset='windows-1251'", ""),
        (RUSSIAN, "koi8-r", "", "KOI8-R"),
        (RUSSIAN * 3, "cp1251", "", ""),  # nobody says
        (JAPANESE, "shift_jis", "text/html", "Shift_JIS"),
        (JAPANESE, "euc_jp", "", "euc-jp"),
        (JAPANESE, "iso2022_jp", "", "iso-2022-jp"),
        (CHINESE, "gb18030", "text/html; charset=gb2312", ""),
        (CHINESE, "gbk", "", "gbk"),
        (KOREAN, "cp949", "", "euc-kr"),
        (GREEK, "iso8859_7", "text/html; charset=iso-8859-7", ""),
        (RUSSIAN, "utf-8-sig", "text/html; charset=windows-1251", ""),
        (RUSSIAN, "utf-16", "", ""),
        (FRENCH, "utf-16-le", "", ""),
        (FRENCH, "utf-16-be", "text/html; charset=utf-16", ""),
    ],
)
def test_text_is_found_whatever_is_said(text, encoding, header, meta):
    page = f'<html><head><meta charset="{meta}"></head>{text}' if meta else text
    assert decode_html(page.encode(encoding), header) == page


def test_old_style_meta_and_xml_declarations():
    old = b'<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">'
    assert declared_encodings(old, "") == ("windows-1251",)
    assert declared_encodings(b'<?xml version="1.0" encoding="ISO-8859-2"?>', "") == ("iso-8859-2",)
    assert declared_encodings(old, "text/html; charset=utf-8") == ("utf-8", "windows-1251")


def test_labels_that_are_no_encoding_of_text_are_ignored():
    for label in (
        "rot13",
        "base64",
        "hex",
        "zip",
        "utf-7",
        "punycode",
        "idna",
        "unicode_escape",
        "x\x00y",
        "undefined",
        "é",
    ):
        assert declared_encodings(b"", f"text/html; charset={label}") == ()


def test_a_page_cut_within_a_character_stays_utf_8():
    body = (RUSSIAN * 20).encode()[:-2]
    for content_type in ("text/html; charset=utf-8", "text/html", ""):
        assert decode_html(body, content_type) == (RUSSIAN * 20)[:-2] + "\ufffd"


@given(st.binary(max_size=400), st.text(max_size=40))
def test_any_bytes_and_header_give_text_the_same_twice(body, content_type):
    text = decode_html(body, content_type)
    assert isinstance(text, str)
    assert decode_html(body, content_type) == text
    assert text.encode("utf-8", "surrogatepass").decode("utf-8") == text


@given(st.text(st.characters(exclude_characters="\x00\x1b\ufeff\ufffe", exclude_categories=["Cs"]), max_size=200))
def test_utf_8_goes_through(text):
    assert decode_html(text.encode(), "text/html; charset=windows-1252") == text


META = "<html><head>{}<title>x</title></head><body>{}</body></html>"


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ('<!-- <meta charset="koi8-r"> --><meta charset="windows-1251">', "cp1251"),
        ("<script>document.write('<meta charset=koi8-r>')</script><meta charset=windows-1251>", "cp1251"),
        ("<style>/* <meta charset=koi8-r> */</style><meta charset=windows-1251>", "cp1251"),
        ('<meta name="description" content="text/html; charset=koi8-r"><meta charset=windows-1251>', "cp1251"),
        ('<meta name="a" content="x > y <meta charset=koi8-r>"><meta charset=windows-1251>', "cp1251"),
        ("<meta charset=no-such-thing><meta charset=windows-1251>", "cp1251"),
        ('<meta data-charset=koi8-r name=x content="charset=koi8-r"><meta charset=windows-1251>', "cp1251"),
        (f"<!-- {'x' * 3000} --><meta charset=windows-1251>", "cp1251"),
        ("<META CONTENT=\"text/html; x=y; charset = 'windows-1251'\" HTTP-EQUIV=content-type>", "cp1251"),
        ("<meta charset=x-mac-cyrillic>", "mac_cyrillic"),
        ("<meta charset=cskoi8r>", "koi8-r"),
    ],
)
def test_only_what_a_browser_takes_for_a_declaration_declares(head, encoding):
    page = META.format(head, RUSSIAN)
    assert decode_html(page.encode(encoding), "text/html") == page


@pytest.mark.parametrize(
    ("label", "body", "text"),
    [
        ("gbk", b"\xbc\xdb \x80", "价 €"),
        ("gb2312", b"\x90\x41", "怉"),  # GBK has it
        ("euc-jp", b"\xad\xa1\xa4\xa2", "①あ"),  # NEC's row 13
        ("iso-2022-jp", b"\x1b$B-!\x1b(B \x1b(I1\x1b(B", "① ｱ"),
        ("shift_jis", b"\x87\x40", "①"),
        ("euc-kr", b"\x8c\x63", "똠"),  # Windows-949 has it
        ("big5", b"\x87\x40", "䏰"),  # Hong Kong's supplement has it
        ("windows-1252", b"\x81\x93", "\x81“"),
        ("iso-8859-8-i", b"\xe0", "א"),
        ("tis-620", b"\xa1", "ก"),
        ("x-user-defined", b"\xe9", "é"),  # nobody ever meant it in a meta element
    ],
)
def test_labels_mean_what_they_mean_to_browsers(label, body, text):
    page = META.format(f"<meta charset={label}>", "{}").encode()
    assert decode_html(page.replace(b"{}", body)) == page.decode().replace("{}", text)


def test_x_user_defined_is_no_encoding_of_text():
    assert decode_html(b"\xa3", "text/html; charset=x-user-defined") == "£"


def test_a_bad_byte_is_damage_and_no_other_encoding():
    page = META.format("<meta charset=windows-1251>", RUSSIAN * 3).encode()
    damaged = page.replace("рыбу".encode(), b"\xff", 1)
    assert decode_html(damaged, "text/html; charset=utf-8") == page.decode().replace("рыбу", "\ufffd", 1)
    big5 = META.format("<meta charset=iso-8859-1>", "鷺站在淺水裡" * 9).encode("big5")
    assert decode_html(big5.replace(b"\xc6", b"\xff", 1), "text/html; charset=big5").count("鷺") >= 8


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("label", ["utf-16", "utf-16le", "utf-16be", "unicode"])
@pytest.mark.parametrize("text", [CHINESE, RUSSIAN, "<p>" + "一" * 600, "\n" + FRENCH])
def test_utf_16_by_header_is_read_in_the_order_of_its_bytes(order, label, text):
    assert decode_html(text.encode(order), f"text/html; charset={label}") == text
