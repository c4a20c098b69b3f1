"""The origin of the demo: a real slot module that knows nothing of the line, only how to verify a pass."""
