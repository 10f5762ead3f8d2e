"""What a word is in every script, and that a text of any of them has about as many as its readers would count."""

# ruff: noqa: E501 (texts of several scripts)

import itertools

import pytest

from webtext.code_points import count_words
from webtext.text import comparable, normalize_text, origins, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't panic: it's 42_000 KM.", "don t panic it s 42 000 km"),
        ("Straße naïve cafe\u0301 İzmir", "straße naïve caf\u00e9 i\u0307zmir"),
        ("東京タワーへ行く。", "東 京 タワー へ 行 く"),
        ("2024年、GPT-2を", "2024 年 gpt 2 を"),
        ("汉字\U00020000々〇", "汉 字 \U00020000 々 〇"),
        ("ｶﾞｰﾄﾞ ガード", "ｶﾞｰﾄﾞ ガード"),
        ("ที่นี่ ๒๕๖๗", "ที่ นี่ ๒๕๖๗"),
        ("ភាសា\u200bខ្មែរ", "ភា សា ខ្ មែ រ"),
        ("ພາສາລາວ", "ພ າ ສ າ ລ າ ວ"),
        ("မြန်မာ", "မြ န် မာ"),
        ("हिन्दी में লিখি தமிழ்", "हिन्दी में লিখি தமிழ்"),
        ("안녕하세요 여러분", "안녕하세요 여러분"),
        ("שָׁלוֹם مُحَمَّد", "שָׁלוֹם مُحَمَّد"),
        ("❤️ 1️⃣ \u0301a", "1 a"),
        ("葛\U000e0100城", "葛 城"),
    ],
)
def test_words_of_every_script(text, expected):
    assert normalize_text(text) == expected
    assert count_words(text) == len(expected.split())
    assert words(text * 2) == words(f"{text}{text}")


# The first article of the Universal Declaration of Human Rights, which is 30 words in English.
ARTICLES = {
    "en": "All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience "
    "and should act towards one another in a spirit of brotherhood.",
    "zh": "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。",
    "ja": "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。人間は、理性と良心とを授けられて"
    "おり、互いに同胞の精神をもって行動しなければならない。",
    "th": "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ ต่างมีเหตุผลและมโนธรรม และควรปฏิบัติต่อกันด้วยเจตนารมณ์แห่งภราดรภาพ",
    "km": "មនុស្សទាំងអស់ កើតមកមានសេរីភាព និងសមភាព ក្នុងផ្នែកសេចក្ដីថ្លៃថ្នូរនិងសិទ្ធិ។",
    "lo": "ມະນຸດເກີດມາມີສິດເສລີພາບ ແລະ ສະເໝີໜ້າກັນໃນທາງກຽດຕິສັກ ແລະ ທາງສິດດ້ວຍມະນຸດມີສະຕິສຳປັດຊັນຍະ ຈຶ່ງຕ້ອງປະພຶດຕໍ່ກັນໃນທາງພີ່ນ້ອງ.",
    "my": "လူတိုင်းသည် တူညီ လွတ်လပ်သော ဂုဏ်သိက္ခာဖြင့် လည်းကောင်း၊ တူညီလွတ်လပ်သော အခွင့်အရေးများဖြင့် လည်းကောင်း၊ မွေးဖွားလာသူများ ဖြစ်သည်။",
    "hi": "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।",
}


@pytest.mark.parametrize("language", ARTICLES)
def test_a_sentence_has_some_tens_of_words_in_every_language(language):
    assert 15 <= count_words(ARTICLES[language]) <= 110


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("cafe\u0301 na\u00efve", "caf\u00e9 na\u00efve"),
        ("co\u00adop\u00ader\u200ba\u200d\u2060tion\ufeff", "cooperation"),
        ("\u202eabc\u202c\u2066d\u2069", "abcd"),
        ("e\u200d\u0301", "\u00e9"),
        ("\u1112\u1161\u11ab", "\ud55c"),
        ("\u09c7\u09be", "\u09cb"),
        ("line\u2028end\x07", "line\u2028end\x07"),
    ],
)
def test_texts_are_compared_composed_and_without_format_characters(text, form):
    assert comparable(text) == form
    assert comparable(form) == form
    assert words(text) == words(form)
    assert count_words(text) == len(words(text))
    found = origins(text)
    assert (found is None) == (text == form)
    if found is not None:
        assert len(found) == len(form) + 1
        assert [comparable(text[begin:end]) for begin, end in itertools.pairwise(found)] == list(form)


def test_composing_is_linear_in_marks_on_one_letter():
    piled = "a" + "\u0301\u0323" * 500_000
    assert len(comparable(piled)) < 40
    assert comparable("\u00e1" + "\u0301" * 31 + " \u00e1" * 2000).count("\u00e1") == 2001
