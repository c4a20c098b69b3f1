"""Simulated visitors: the crowd of the demo, and load scenarios with a verdict. They know only what docs/http.md tells
a stranger, and speak to the gateway over HTTP like everybody else."""
