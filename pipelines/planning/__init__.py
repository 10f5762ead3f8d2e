"""What a corpus will take before it is begun."""
