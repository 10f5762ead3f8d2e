"""Whether one corpus is better than another."""
