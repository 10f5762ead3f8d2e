"""Is the corpus any good? Train GPT-2 on it, and on another, and compare.

This package may be imported without the `train` extra; its modules may not. See docs/training.md
for the trainer, docs/validation.md for the verdict.
"""
