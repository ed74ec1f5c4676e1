"""One file for each subject. Everything is imported from here."""

from welfare.models.concern import Concern, Ending, Finding, Life
from welfare.models.judged import ConditionEdge, JudgedSlot
from welfare.models.night import NightSheet
from welfare.models.notice import (
    Channel,
    Delivery,
    DutyShift,
    Failure,
    Notice,
    NoticeSettings,
    Told,
    Why,
    Wish,
)
from welfare.models.round import Look, LookResult, Round
from welfare.models.rule import Kind, Rule, RuleEdition
from welfare.models.sensor import RackStanding, SensorStanding, WeakBay
from welfare.models.trail import Act, Reason, TrailEntry

__all__ = [
    "Act",
    "Channel",
    "Concern",
    "Delivery",
    "DutyShift",
    "ConditionEdge",
    "Ending",
    "Failure",
    "Finding",
    "JudgedSlot",
    "Kind",
    "Life",
    "Look",
    "LookResult",
    "NightSheet",
    "Notice",
    "NoticeSettings",
    "Reason",
    "RackStanding",
    "Round",
    "Rule",
    "RuleEdition",
    "SensorStanding",
    "Told",
    "TrailEntry",
    "WeakBay",
    "Why",
    "Wish",
]
