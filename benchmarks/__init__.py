"""Speed, memory and exactness beside their limits, in one run: `make bench` prints one table of ratios."""
