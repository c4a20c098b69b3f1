"""The timer edge: turns in every room, four times a second. It holds no rule of the line."""
