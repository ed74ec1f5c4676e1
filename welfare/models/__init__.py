"""One file for each subject. Everything is imported from here."""

from welfare.models.concern import Concern, Ending, Finding
from welfare.models.judged import ConditionEdge, JudgedSlot
from welfare.models.rule import Kind, Rule, RuleEdition
from welfare.models.trail import Act, Reason, TrailEntry

__all__ = [
    "Act",
    "Concern",
    "ConditionEdge",
    "Ending",
    "Finding",
    "JudgedSlot",
    "Kind",
    "Reason",
    "Rule",
    "RuleEdition",
    "TrailEntry",
]
