"""The alerts: every series they name exists, and they fire when they should."""

import re
import subprocess

from prometheus_client import generate_latest
from ruamel.yaml import YAML

from ecluse.telemetry import ClaimOutcome, Metrics, OriginError, RequestOutcome, TickOutcome
from tests.deploy.rig import DEPLOY, ROOT, needed
from tests.deploy.units import read

PROMETHEUS = DEPLOY / "prometheus"


def expressions() -> list[str]:
    groups = YAML(typ="safe").load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


def series() -> set[str]:
    """Every name that /metrics has, labels apart."""
    metrics = Metrics()
    metrics.room("a").waiting("main")
    text = generate_latest(metrics.registry).decode()
    return {line.partition("{")[0].partition(" ")[0] for line in text.splitlines() if not line.startswith("#")}


def test_every_series_in_an_alert_is_told_by_some_process() -> None:
    named = {name for expression in expressions() for name in re.findall(r"ecluse_[a-z_]+", expression)}
    assert len(named) > 5
    assert named <= series()


def test_every_outcome_in_an_alert_is_one_of_ours() -> None:
    ours = {word.value for kind in (ClaimOutcome, OriginError, RequestOutcome, TickOutcome) for word in kind}
    named = {
        word
        for expression in expressions()
        for words in re.findall(r'(?:outcome|kind)=~?"([^"]+)"', expression)
        for word in words.split("|")
    }
    assert named
    assert named <= ours


def test_the_ports_of_the_units_are_scraped() -> None:
    scraped = YAML(typ="safe").load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"][0]
    targets = scraped["static_configs"][0]["targets"]
    for unit, instance in (("ecluse-worker.service", ""), ("ecluse-gateway@.service", "1")):
        (command,) = read(unit)["Service"]["ExecStart"]
        port = command.replace("%i", instance).split("--metrics-port ")[1].split()[0]
        assert f"127.0.0.1:{port}" in targets


def test_promtool_finds_the_alerts_right_and_they_fire_when_they_should() -> None:
    promtool = needed("promtool", in_ci=False)
    for arguments in (("check", "config", "prometheus.yml"), ("test", "rules", "alerts_test.yml")):
        checked = subprocess.run(
            [promtool, *arguments], cwd=PROMETHEUS, capture_output=True, text=True, timeout=120, check=False
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_alert_leads_to_a_chapter_of_the_runbook() -> None:
    groups = YAML(typ="safe").load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    text = (ROOT / "docs" / "runbook.md").read_text()
    chapters = {
        re.sub(r"[^a-z0-9 -]", "", line[3:].lower()).replace(" ", "-") for line in re.findall("^## .*", text, re.M)
    }
    for rule in groups[0]["rules"]:
        page, _, chapter = rule["annotations"]["runbook"].partition("#")
        assert page == "docs/runbook.md"
        assert chapter in chapters
        assert f"`{rule['alert']}`" in text
