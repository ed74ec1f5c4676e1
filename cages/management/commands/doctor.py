import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import get_resolver

from cages.doctor import database, examination, message_store, network, sensors
from cages.doctor.findings import Check, Finding, Level


class Command(BaseCommand):
    help = (
        "Examines this installation: the database and its role, TimescaleDB's jobs, Redis, a "
        "sample of sensors, clocks, time zone, disk, its address, mail and channels, certificates, "
        "queues and polling. Takes at most half a minute. Exit code 1 where something is wrong."
    )
    # What they would refuse is what is examined here.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="the findings as a list in JSON")

    def handle(self, **options: Any) -> None:
        # With the pages come the parts that other apps add to the verdict.
        get_resolver().url_patterns  # noqa: B018
        checks = [
            Check(database.NAME, database.look),
            Check(message_store.NAME, message_store.look),
            Check(sensors.NAME, sensors.look),
            Check(network.ADDRESS, network.own_address),
            Check(network.MAIL, network.mail),
            Check("Certificates", network.certificates),
        ]
        findings = examination.examine(checks)
        if options["json"]:
            self.stdout.write(json.dumps([asdict(one) for one in findings], indent=1))
        else:
            for one in findings:
                self.stdout.write(_line(one))
        bad = sum(one.level == Level.WRONG for one in findings)
        if bad:
            raise CommandError(f"{bad} findings are wrong.", returncode=1)


def _line(finding: Finding) -> str:
    line = f"{finding.level:8} {finding.part}: {finding.words}"
    return f"{line} -> {finding.todo}" if finding.todo else line
