"""Shingles: what counts as shared text, and that short texts never fall together."""

# ruff: noqa: E501 (texts of several scripts)

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.kernels.hashes import ngram_hash, word_hash
from dedup.near import shingles
from dedup.near.shingles import bounded, shingle_hashes
from dedup.near.sketch import text_digest
from webtext.text import ngrams, words

SHORT_TEXTS = st.lists(st.sampled_from(["yes", "no", "Maybe", "so"]), max_size=4).map(" ".join)


@given(st.text(alphabet="ab c.", max_size=60), st.integers(1, 6))
def test_shingles_are_the_set_of_ngrams(text, n):
    tokens = words(text)
    grams = set(ngrams(tokens, n)) if len(tokens) >= n else {tuple(tokens)} - {()}
    expected = sorted(ngram_hash([word_hash(word) for word in gram]) for gram in grams)
    assert shingle_hashes(text, n).tolist() == expected


@given(SHORT_TEXTS, SHORT_TEXTS)
def test_short_texts_share_a_shingle_only_if_their_words_are_equal(one, other):
    shared = set(shingle_hashes(one).tolist()) & set(shingle_hashes(other).tolist())
    assert bool(shared) == (words(one) == words(other) != [])


def test_case_punctuation_and_spacing_do_not_count():
    assert np.array_equal(shingle_hashes("The cat, the CAT -- sat; down."), shingle_hashes("the cat the cat\nsat down"))


def test_a_text_without_words_has_no_shingle_and_a_digest_of_its_own():
    assert shingle_hashes("... !").tolist() == []
    assert text_digest("... !") != text_digest("?")
    assert text_digest(" ?\n") == text_digest("?")


@given(st.text(max_size=30), st.text(max_size=30))
def test_equal_digests_are_equal_words(one, other):
    if words(one) or words(other):
        assert (text_digest(one) == text_digest(other)) == (words(one) == words(other))


def test_a_mega_document_keeps_its_smallest_shingles(monkeypatch):
    monkeypatch.setattr(shingles, "MOST_SHINGLES", 100)
    whole = shingle_hashes(" ".join(map(str, range(1000))))
    assert len(whole) == 996
    assert bounded(whole).tolist() == whole[:100].tolist() == sorted(whole.tolist())[:100]


# Forty words each, as a reader of the language would part them.
SENTENCES = {
    "en": "the ferry leaves at seven and by half past six there is a queue of people who have done this for thirty "
    "years they stand with their backs to the wind and talk of the price of diesel while nobody looks",
    "zh": "渡船 早上 七点 出发 六点 半 码头 已经 排 起 长队 这些 人 三十 年 来 天天 如此 他们 背 对着 海风 站着 谈论 柴油 的 价格 没有 人 看 一眼 "
    "大海 海水 像 石板 一样 灰 也 不 着急 慢慢 流动",
    "ja": "渡し船 は 七時 に 出る 六時半 には もう 列 が できて いる 三十年 も これ を 続けて きた 人々 だ 彼ら は 風 に 背 を 向けて 立ち 軽油 の "
    "値段 の 話 を して いる 誰 も 海 を 見ない 海 は 灰色",
    "th": "เรือ ข้าม ฟาก ออก เวลา เจ็ด โมง เช้า และ ก่อน นั้น ครึ่ง ชั่วโมง มี แถว ของ ผู้คน ที่ ทำ อย่าง นี้ มา สามสิบ ปี พวก เขา ยืน หัน หลัง ให้ ลม "
    "และ คุย กัน เรื่อง ราคา น้ำมัน ไม่ มี ใคร มอง",
    "my": "ဖယ်ရီ သင်္ဘော က ခုနစ် နာရီ မှာ ထွက် တယ် ခြောက် နာရီ ခွဲ မှာ လူ တွေ တန်းစီ နေ ကြ ပြီ သူ တို့ ဟာ နှစ် သုံးဆယ် ကြာ "
    "ဒီလို လုပ် ခဲ့ ကြ တယ် လေ ကို ကျော ပေး ပြီး ဒီဇယ် ဈေး အကြောင်း ပြော နေ",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_equal_edits_leave_alike_much_in_common_in_every_language(language):
    units = SENTENCES[language].split()
    joined = (" " if language == "en" else "").join
    changed = [units[-1] if place % 20 == 10 else unit for place, unit in enumerate(units)]  # one word in twenty
    one, other = shingle_hashes(joined(units)), shingle_hashes(joined(changed))
    similarity = len(np.intersect1d(one, other)) / len(np.union1d(one, other))
    assert 0.5 < similarity < 0.9


def test_texts_of_different_words_have_nothing_in_common_in_every_language():
    for units in map(str.split, SENTENCES.values()):
        halves = shingle_hashes("".join(units[: len(units) // 2])), shingle_hashes("".join(units[len(units) // 2 :]))
        assert len(np.intersect1d(*halves)) <= 0.02 * len(halves[0])
