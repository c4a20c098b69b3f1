"""The HTTP edge: decides, forwards, and serves the pages and interfaces of visitors and operators."""
