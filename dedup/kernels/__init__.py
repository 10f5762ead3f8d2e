"""The loops over arrays: hashing, MinHash, Jaccard, union-find, n-gram look-up, in numpy and compiled."""
