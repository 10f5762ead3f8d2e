"""What a trained model scores on text and on benchmarks."""
