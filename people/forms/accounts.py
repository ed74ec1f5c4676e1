"""Sign in, register, and make the first administrator."""

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django.contrib.auth.forms import AuthenticationForm, UserCreationForm
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from neurocage.ids import advance_ids
from people.models import User


def _plain_helper(button: str | Promise) -> FormHelper:
    helper = FormHelper()
    helper.add_input(Submit("", button, css_class="btn-primary w-100"))
    return helper


class SignInForm(AuthenticationForm):
    helper = _plain_helper(_("Sign in"))


class RegisterForm(UserCreationForm):
    helper = _plain_helper(_("Create account"))

    class Meta(UserCreationForm.Meta):
        model = User

    def clean_username(self) -> str:
        # Django asks the database which names read the same. The model asks `people.names`.
        return str(self.cleaned_data["username"])


class SetupForm(RegisterForm):
    """The first administrator."""

    helper = _plain_helper(_("Create administrator"))
    FIRST_ID = 1

    def save(self, commit: bool = True) -> User:
        """Save the account. Raises IntegrityError if somebody else was set up a moment ago."""
        user: User = super().save(commit=False)
        # Both of two people who do this at the same time take this id, so the database refuses one.
        user.id = self.FIRST_ID
        user.is_staff = user.is_superuser = True
        user.save(force_insert=True)
        advance_ids(User)
        return user
