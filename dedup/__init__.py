"""What repeats: within a corpus, against earlier corpora, and against benchmarks."""
