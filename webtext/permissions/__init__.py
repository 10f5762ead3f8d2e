"""What sites allow: robots.txt, and the signals by which they say "not for training"."""
