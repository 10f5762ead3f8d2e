"""Each objective is what its paper says: inverted where it can be, else its distribution beside transformers' own."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.objectives.documents import IGNORED, Special, batches, frame, full_sentences
from model.objectives.masked import is_text, mask_tokens, replace_tokens, unmask
from model.objectives.pairs import next_sentence_pairs, sentence_order_pairs
from model.objectives.permuted import order_of, permute
from model.objectives.spans import corrupt_spans, lengths_for, noise_mask, prefix_lm, restore

SPECIAL = Special.after(256)
TOP = 400  # the first sentinel, far above the ids of text


def rng(seed=0):
    return np.random.default_rng(seed)


def text_of(length, seed=0):
    return rng(seed).integers(0, 256, length)


def paragraphs(*lengths, first=0):
    """Make a document whose ids count upwards, so that order shows."""
    starts = np.cumsum([first, *lengths])
    return [np.arange(start, end) for start, end in itertools.pairwise(starts)]


@given(st.lists(st.lists(st.integers(1, 40), min_size=1, max_size=5), min_size=1, max_size=6), st.integers(3, 50))
def test_packing_loses_no_token_and_marks_the_ends_of_documents(shapes, length):
    documents = [paragraphs(*lengths) for lengths in shapes]
    packed = list(full_sentences(documents, length, SPECIAL))
    assert all(len(row) == length and row[0] == SPECIAL.start for row in packed)
    bodies = [row[1:][row[1:] != SPECIAL.pad][:-1] for row in packed]
    expected = np.concatenate([np.append(np.concatenate(document), SPECIAL.separator) for document in documents])[:-1]
    assert np.concatenate(bodies).tolist() == expected.tolist()


def test_a_length_without_room_is_refused():
    with pytest.raises(ValueError, match="no room"):
        list(full_sentences([paragraphs(3)], 2, SPECIAL))
    with pytest.raises(ValueError, match="do not fit"):
        frame([np.arange(9)], 10, SPECIAL)


def test_only_whole_batches_are_given():
    assert [batch.shape for batch in batches(full_sentences([paragraphs(50)], 12, SPECIAL), 2)] == [(2, 12)] * 2


def test_masks_can_be_taken_back_and_spare_special_ids():
    rows = np.stack(list(full_sentences([paragraphs(90), paragraphs(100)], 20, SPECIAL)))
    masked = mask_tokens(rows, SPECIAL, rng(), share=0.9)
    assert (unmask(masked) == rows).all()
    assert (masked.labels[~is_text(rows, SPECIAL)] == IGNORED).all()
    assert (masked.inputs != rows).any()


def test_special_ids_may_stand_anywhere_in_a_vocabulary():
    bert = Special(size=200, pad=0, start=101, separator=102, mask=103)  # BERT's own has text on both sides, too
    ids = rng().choice(np.setdiff1d(np.arange(200), bert.marks()), (40, 400))
    masked = mask_tokens(ids, bert, rng(1), share=1.0)
    drawn = masked.inputs[(masked.inputs != ids) & (masked.inputs != bert.mask)]
    assert not np.isin(drawn, bert.marks()).any()
    assert {1, 100, 104, 199} < set(drawn.tolist())
    assert (unmask(masked) == ids).all()


def shares(inputs, labels, ids):
    """Measure what share of all was chosen, and of that: masked, changed to another id, left as it was."""
    chosen = labels != IGNORED
    masked = chosen & (inputs == SPECIAL.mask)
    kept = chosen & (inputs == ids)
    return np.array([chosen.mean(), *(part.sum() / chosen.sum() for part in (masked, chosen & ~masked & ~kept, kept))])


def test_masks_are_distributed_as_in_the_paper_and_in_transformers():
    transformers = pytest.importorskip("transformers", reason="pip install transformers, to compare with its collators")
    ids = text_of(400_000).reshape(100, 4000)
    ours = shares(*mask_tokens(ids, SPECIAL, rng(1)), ids)
    tokenizer = _Tokenizer()
    theirs_of = transformers.DataCollatorForLanguageModeling.numpy_mask_tokens
    collator = transformers.DataCollatorForLanguageModeling.__new__(transformers.DataCollatorForLanguageModeling)
    vars(collator).update(
        tokenizer=tokenizer,
        mlm_probability=0.15,
        mask_replace_prob=0.8,
        random_replace_prob=0.1,
        generator=None,
        whole_word_mask=False,
    )
    np.random.seed(1)  # noqa: NPY002  (the collator draws from it)
    inputs, labels = theirs_of(collator, ids.copy(), special_tokens_mask=np.zeros_like(ids))
    theirs = shares(inputs, labels, ids)
    paper = np.array([0.15, 0.8, 0.1, 0.1])
    assert np.abs(ours - paper).max() < 0.01
    assert np.abs(theirs - paper).max() < 0.01


class _Tokenizer:
    """The little of a tokenizer that transformers' collator asks for."""

    mask_token = "<mask>"  # noqa: S105
    mask_token_id = SPECIAL.mask
    pad_token = "<pad>"  # noqa: S105
    pad_token_id = SPECIAL.pad

    def convert_tokens_to_ids(self, _):
        return SPECIAL.mask

    def __len__(self):
        return 256


def test_masks_are_dynamic_and_a_function_of_the_seed():
    ids, random = text_of(2000)[None], rng(3)
    first, second = mask_tokens(ids, SPECIAL, random), mask_tokens(ids, SPECIAL, random)
    assert (first.labels != second.labels).any()
    assert (first.labels == mask_tokens(ids, SPECIAL, rng(3)).labels).all()


def test_a_sample_that_is_the_original_counts_as_original():
    ids = text_of(5000)[None]
    masked = mask_tokens(ids, SPECIAL, rng())
    chosen = masked.labels != IGNORED
    samples = np.where(np.arange(ids.size) % 2, ids, (ids + 1) % 256)
    given_on = replace_tokens(masked, samples)
    assert (given_on.replaced == (chosen & (np.arange(ids.size) % 2 == 0))).all()
    assert (given_on.inputs[~given_on.replaced] == ids[~given_on.replaced]).all()


def parts(pair):
    ends = np.flatnonzero(pair.ids == SPECIAL.separator)
    return pair.ids[1 : ends[0]], pair.ids[ends[0] + 1 : ends[1]]


def test_next_sentences_follow_or_are_of_another_document():
    documents = [paragraphs(9, 11, 8, 12, 9, first=0), paragraphs(10, 10, 9, first=100), paragraphs(7, 9, first=180)]
    pairs = [pair for seed in range(40) for pair in next_sentence_pairs(documents, 40, SPECIAL, rng(seed))]
    document_of = np.searchsorted([100, 180], np.arange(256), side="right")
    for pair in pairs:
        first, second = parts(pair)
        same = document_of[first[0]] == document_of[second[0]]
        assert same == (pair.label == 0)
        assert pair.label or second[0] > first[-1]
        assert (pair.segments[1 + len(first) + 1 :][: len(second) + 1] == 1).all()
    labels = np.mean([pair.label for pair in pairs])
    assert 0.4 < labels < 0.75  # a rest of one paragraph has no next one, so more than half are random
    with pytest.raises(ValueError, match="two documents"):
        list(next_sentence_pairs(documents[:1], 40, SPECIAL, rng()))


def test_sentence_order_is_swapped_half_of_the_time_and_no_paragraph_is_lost():
    document = paragraphs(*[6] * 30)
    pairs = [pair for seed in range(60) for pair in sentence_order_pairs([document], 128, SPECIAL, rng(seed))]
    for pair in pairs:
        first, second = parts(pair)
        assert (first[0] > second[0]) == bool(pair.label)
    assert 0.4 < np.mean([pair.label for pair in pairs]) < 0.6
    assert list(sentence_order_pairs([paragraphs(50)], 128, SPECIAL, rng())) == []


def test_too_long_pairs_lose_their_ends_and_fill_the_length():
    document = paragraphs(100, 100)
    for seed in range(20):
        (pair,) = sentence_order_pairs([document], 64, SPECIAL, rng(seed))
        first, second = parts(pair)
        assert len(first) + len(second) == 61
        assert abs(len(first) - len(second)) <= 1


@given(st.integers(2, 600), st.integers(0, 99))
def test_spans_can_be_put_back(length, seed):
    ids = text_of(length, seed)
    dropped = noise_mask(length, rng(seed))
    spans = corrupt_spans(ids, dropped, TOP)
    assert (restore(spans, TOP) == ids).all()
    assert not dropped[0]
    assert dropped.any()


def test_spans_have_the_share_and_the_mean_of_t5():
    masks = [noise_mask(568, rng(seed)) for seed in range(50)]
    starts = [int((mask & ~np.append(False, mask[:-1])).sum()) for mask in masks]
    assert {int(mask.sum()) for mask in masks} == {85}
    assert set(starts) == {28}
    spans = corrupt_spans(text_of(568), masks[0], TOP)
    assert (len(spans.inputs) + 1, len(spans.targets) + 1) == (512, 114 + 1)
    assert lengths_for(512) == (568, 114)


def test_sentinels_count_down_and_one_more_closes_the_targets():
    ids = np.arange(10)
    dropped = np.array([0, 0, 1, 1, 0, 0, 1, 0, 0, 0], bool)
    spans = corrupt_spans(ids, dropped, TOP)
    assert spans.inputs.tolist() == [0, 1, 400, 4, 5, 399, 7, 8, 9]
    assert spans.targets.tolist() == [400, 2, 3, 399, 6, 398]


@given(st.integers(2, 100), st.integers(0, 99))
def test_a_prefix_and_the_rest_are_the_text(length, seed):
    parts_of = prefix_lm(text_of(length, seed), rng(seed))
    assert np.concatenate(parts_of).tolist() == text_of(length, seed).tolist()
    assert len(parts_of.inputs)
    assert len(parts_of.targets)


@given(st.integers(1, 200), st.integers(0, 50))
def test_a_permuted_place_sees_context_and_what_came_before_it_alone(length, seed):
    permuted = permute(text_of(length), SPECIAL, rng(seed))
    predicted = permuted.labels != IGNORED
    assert not permuted.hidden[:, ~predicted].any()  # everybody sees the context
    assert permuted.hidden[~predicted][:, predicted].all()  # hidden tokens see nothing that is predicted
    order = order_of(permuted)
    for number, place in enumerate(order):
        assert not permuted.hidden[place, order[:number]].any()
        assert permuted.hidden[place, order[number:]].all()


def test_a_permuted_sequence_predicts_a_sixth_in_spans_as_transformers_does():
    transformers = pytest.importorskip("transformers", reason="pip install transformers, to compare with its collators")
    ids = text_of(60_000).reshape(200, 300)
    ours = np.mean([permute(row, SPECIAL, rng(seed)).labels != IGNORED for seed, row in enumerate(ids)])
    collator = transformers.DataCollatorForPermutationLanguageModeling(_PermutationTokenizer())
    np.random.seed(0)  # noqa: NPY002  (the collator draws from it)
    _, hidden, _, labels = collator.numpy_mask_tokens(ids.copy())
    assert abs(ours - 1 / 6) < 0.015
    assert abs((labels != IGNORED).mean() - ours) < 0.015
    predicted = labels[0] != IGNORED
    assert hidden[0][~predicted][:, predicted].all()  # the same meaning of the mask


class _PermutationTokenizer(_Tokenizer):
    def get_special_tokens_mask(self, ids, **_):
        return [0] * len(ids)
