"""Exact and near-duplicate documents: shingles, sketches, bands, verified pairs, clusters, the one that stays."""
