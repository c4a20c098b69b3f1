"""Floor 0: the pure rules of a line. No clock, randomness, input, output or await."""
