"""Logs hide secrets and stay one line each; metrics are bounded, bound once, and served."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from urllib.request import urlopen

import pytest

from ecluse.telemetry import ClaimOutcome, Metrics, RequestOutcome, configure_logging, hide_secrets


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    made = Metrics()
    yield made
    made.close()


def logged(script: str, **env: str) -> list[str]:
    ended = subprocess.run(
        [sys.executable, "-c", f"from ecluse.telemetry import configure_logging\nimport structlog, logging\n{script}"],
        capture_output=True, text=True, check=True, env={"PATH": "", **env},
    )  # fmt: skip
    return ended.stderr.splitlines()


def test_a_log_line_is_json_with_its_event_level_time_and_process() -> None:
    (line,) = logged("configure_logging('gateway-0')\nstructlog.get_logger().info('room_opened', room='sarcelles')")
    entry = json.loads(line)
    assert entry["event"] == "room_opened"
    assert entry["room"] == "sarcelles"
    assert entry["level"] == "info"
    assert entry["process"] == "gateway-0"
    assert entry["timestamp"].endswith("Z")


def test_standard_logging_comes_out_in_the_same_form() -> None:
    (line,) = logged("configure_logging('w')\nlogging.getLogger('uvicorn.error').warning('bind %s', 'failed')")
    entry = json.loads(line)
    assert (entry["event"], entry["level"], entry["process"]) == ("bind failed", "warning", "w")


def test_secrets_are_dropped_at_any_depth_and_in_any_spelling() -> None:
    event = {
        "event": "refused", "token": "t", "Authorization": "Bearer x", "room": "a",
        "headers": {"Set-Cookie": "c", "accept": "*/*"}, "people": [{"person": "FR123", "lane": "main"}],
    }  # fmt: skip
    assert hide_secrets(None, "info", event) == {
        "event": "refused", "room": "a", "headers": {"accept": "*/*"}, "people": [{"lane": "main"}],
    }  # fmt: skip


def test_extra_fields_of_standard_logging_are_hidden_too() -> None:
    lines = logged("configure_logging('w')\nlogging.warning('seen', extra={'cookie': 's3cr3t', 'lane': 'main'})")
    assert "s3cr3t" not in lines[0]
    assert json.loads(lines[0])["lane"] == "main"


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_never_shows_local_variables(form: str) -> None:
    script = """
configure_logging('w')
def claim(token):
    raise RuntimeError('broken')
try:
    claim(chr(115) + '3cr3t')
except RuntimeError:
    structlog.get_logger().exception('claim_failed')
"""
    text = "\n".join(logged(script, ECLUSE_LOG=form))
    assert "RuntimeError: broken" in text
    assert "s3cr3t" not in text


def test_an_unknown_level_is_refused() -> None:
    before = list(logging.getLogger().handlers)
    with pytest.raises(ValueError, match="LOUD"):
        configure_logging("w", level="LOUD")
    assert logging.getLogger().handlers == before


def test_metrics_are_served_on_a_port_of_their_own(metrics: Metrics) -> None:
    room = metrics.room("sarcelles")
    room.requests[RequestOutcome.BOARD].inc()
    room.claims[ClaimOutcome.LIMITS_FULL].inc(2)
    room.waiting("main").set(41)
    room.origin_seconds.observe(0.2)
    metrics.store_errors.inc()
    port = metrics.serve_metrics(0)
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    assert 'ecluse_requests_total{outcome="board",room="sarcelles"} 1.0' in text
    assert 'ecluse_claims_total{outcome="limits_full",room="sarcelles"} 2.0' in text
    assert 'ecluse_waiting{lane="main",room="sarcelles"} 41.0' in text
    assert 'ecluse_origin_seconds_bucket{le="0.25",room="sarcelles"} 1.0' in text
    assert "ecluse_store_errors_total 1.0" in text
    assert "_created" not in text


def test_every_outcome_starts_at_zero_so_that_a_rate_is_right_from_the_first_event(metrics: Metrics) -> None:
    room = metrics.room("a")
    for outcome in RequestOutcome:
        labels = {"room": "a", "outcome": outcome.value}
        assert metrics.registry.get_sample_value("ecluse_requests_total", labels) == 0
        room.requests[outcome].inc()
        assert metrics.registry.get_sample_value("ecluse_requests_total", labels) == 1


def test_a_room_is_bound_once(metrics: Metrics) -> None:
    room = metrics.room("a")
    assert metrics.room("a") is room
    assert room.waiting("main") is room.waiting("main")


def test_a_taken_metrics_port_is_an_error(metrics: Metrics) -> None:
    port = metrics.serve_metrics(0)
    with pytest.raises(OSError, match="in use"):
        Metrics().serve_metrics(port)
