"""What a published corpus says of itself: its dataset card, for people and for machines."""
