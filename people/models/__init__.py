"""Each model is in a file of its subject, with its queryset beside it."""

from people.models.change import Change, Verb
from people.models.lab import Lab, LabIsFull, LastAdministrator, Membership, Role
from people.models.own_address import OwnAddress
from people.models.registration import Registration
from people.models.sign_in import Act, SignInAct
from people.models.token import ApiToken, Scope
from people.models.user import User

__all__ = [
    "Act",
    "ApiToken",
    "Change",
    "Lab",
    "LabIsFull",
    "LastAdministrator",
    "Membership",
    "OwnAddress",
    "Registration",
    "Role",
    "Scope",
    "SignInAct",
    "User",
    "Verb",
]
