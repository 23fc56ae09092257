"""Two blocks, answered by the first way that keeps the digits."""
