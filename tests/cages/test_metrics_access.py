"""Who may read /metrics, and whether the dashboard and the alerts name what it tells."""

import json
import re
from pathlib import Path

import pytest
import yaml
from django.urls import reverse
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from cages.models import Backup, PollCycle
from cages.slots import slot_of
from tests.factories import make_cage, make_cycle

DOCS = Path(__file__).resolve().parents[2] / "docs"
DASHBOARD = json.loads((DOCS / "grafana-dashboard.json").read_text())
RULES = yaml.safe_load((DOCS / "prometheus-rules.yml").read_text())["groups"][0]["rules"]
EXPRESSIONS = [
    *(rule["expr"] for rule in RULES),
    *(target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]),
]
TOKEN = "a token of more than thirty-two characters"
METRICS = "/metrics"

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("address", "way", "status"),
    [
        ("127.0.0.1", "", 200),
        ("::1", "", 200),
        ("::ffff:10.1.2.3", "", 200),
        ("8.8.8.8", "", 403),
        ("", "", 403),
        ("172.18.0.3", "192.168.7.9", 200),
        ("172.18.0.3", "8.8.8.8", 403),
        # Somebody outside who says to come from inside.
        ("172.18.0.3", "10.0.0.1, 8.8.8.8", 403),
        ("172.18.0.3", "nonsense", 403),
    ],
)
def test_without_a_token_the_metrics_are_for_the_facility(client, address, way, status):
    headers = {"X-Forwarded-For": way} if way else {}
    assert client.get(METRICS, headers=headers, REMOTE_ADDR=address).status_code == status


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"Bearer {TOKEN}x", 401),
        (TOKEN, 401),
        ("Bearer ", 401),
        ("Bearer ü", 401),
        ("", 401),
    ],
)
def test_with_a_token_it_is_needed_and_enough(client, settings, given, status):
    settings.METRICS_TOKEN = TOKEN
    for address in ("8.8.8.8", "127.0.0.1"):
        answer = client.get(METRICS, headers={"Authorization": given}, REMOTE_ADDR=address)
        assert answer.status_code == status
    assert (answer.headers.get("WWW-Authenticate") == "Bearer") is (status == 401)


@pytest.fixture
def told(client, settings):
    """[Sample] of an installation in which everything has happened that metrics tell of."""
    settings.BACKUP_MAX_AGE_HOURS = 26
    make_cage()
    now = timezone.now()
    make_cycle(slot_of(now), planned=1, finished_at=now, duration_ms=100)
    Backup.objects.create(taken_at=now, finished_at=now, size_bytes=1)
    text = client.get(reverse("metrics")).content.decode()
    return [one for family in text_string_to_metric_families(text) for one in family.samples]


def test_what_the_dashboard_and_the_alerts_name_is_told(told):
    assert len(EXPRESSIONS) > 20
    names = {sample.name for sample in told}
    named = set(re.findall(r"neurocage_\w+", " ".join(EXPRESSIONS)))
    assert named
    assert named <= names
    for expression in EXPRESSIONS:
        for name, label, values in re.findall(
            r'(neurocage_\w+)\{(\w+)(?:=~|!=|=)"([^"]*)"\}', expression
        ):
            known = {sample.labels[label] for sample in told if sample.name == name}
            assert set(values.split("|")) <= known
    legends = [
        target["legendFormat"] for panel in DASHBOARD["panels"] for target in panel["targets"]
    ]
    labels = {label for sample in told for label in sample.labels}
    assert set(re.findall(r"\{\{(\w+)\}\}", " ".join(legends))) <= labels


def test_every_metric_is_on_the_dashboard_or_in_an_alert(told):
    assert {sample.name for sample in told} <= set(
        re.findall(r"neurocage_\w+", " ".join(EXPRESSIONS))
    )


def test_the_alerts_come_when_the_pages_say_so():
    limits = {rule["alert"]: rule["expr"].split()[-1] for rule in RULES}
    assert int(limits["NeurocageStartsNoMinute"]) == PollCycle.OVERDUE_AFTER.total_seconds()
    assert int(limits["NeurocageFinishesNoMinute"]) == PollCycle.STALE_AFTER.total_seconds()
    for rule in RULES:
        assert rule["for"]
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert {"summary", "todo"} == set(rule["annotations"])


def test_a_backup_that_is_overdue_is_told(client, settings):
    settings.BACKUP_MAX_AGE_HOURS = 1
    assert "neurocage_backup_overdue 1.0" in client.get(METRICS).content.decode()
    Backup.objects.create(taken_at=timezone.now(), finished_at=timezone.now(), size_bytes=1)
    assert "neurocage_backup_overdue 0.0" in client.get(METRICS).content.decode()
