"""Each model is in a file of its subject, with its queryset beside it."""

from people.models.lab import Lab, Membership, Role
from people.models.registration import Registration
from people.models.sign_in import Act, SignInAct
from people.models.token import ApiToken
from people.models.user import User

__all__ = ["Act", "ApiToken", "Lab", "Membership", "Registration", "Role", "SignInAct", "User"]
