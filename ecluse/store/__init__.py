"""Floor 1: the line in Redis. The only package that imports redis; every step is one atomic script."""
