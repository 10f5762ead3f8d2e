"""The sample's shards carry what each family of models needs: steps of each lower its loss."""

import importlib.util

import numpy as np
import pytest

if importlib.util.find_spec("transformers") is None:
    pytest.skip("pip install transformers, which brings the networks", allow_module_level=True)

from examples.pretrain import OBJECTIVES, pretrain


@pytest.mark.slow
@pytest.mark.parametrize("objective", sorted(OBJECTIVES))
def test_the_loss_falls(objective, sample_output):
    losses = pretrain(sample_output / "corpus", objective, steps=25)
    assert len(losses) == 25
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])


def test_the_same_seed_gives_the_same_losses(sample_output):
    once, again = (pretrain(sample_output / "corpus", "roberta", steps=2) for _ in range(2))
    assert once == again
    assert once != pretrain(sample_output / "corpus", "roberta", steps=2, seed=1)
