"""A room in virtual time: the real domain code, a line in memory, and people who come, wait, miss their turn."""
