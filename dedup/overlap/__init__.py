"""How much of a benchmark a corpus holds, and taking it out."""
