"""What is done with an output that is finished: its checksums recomputed, pages taken out of it."""
