"""One file for each subject. Everything is imported from here."""

from welfare.models.concern import Concern, Ending, Finding, Life
from welfare.models.judged import JudgedSlot
from welfare.models.rule import Kind, Rule, RuleEdition
from welfare.models.trail import Act, Reason, TrailEntry

__all__ = [
    "Act",
    "Concern",
    "Ending",
    "Finding",
    "JudgedSlot",
    "Kind",
    "Life",
    "Reason",
    "Rule",
    "RuleEdition",
    "TrailEntry",
]
