"""What several rules share: lists of hosts, models, tokens, repeated n-grams."""
