"""Many layers against each other, and over training."""
