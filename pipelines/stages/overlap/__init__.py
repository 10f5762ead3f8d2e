"""The stage that measures overlap with benchmarks."""
