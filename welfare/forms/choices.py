"""Fields that choose among rows."""

from django import forms


def chosen_from(form: forms.Form | forms.ModelForm, name: str) -> forms.ModelChoiceField:
    """The field of this name, to set its rows. Raises TypeError for a field of another kind."""
    field = form.fields[name]
    if not isinstance(field, forms.ModelChoiceField):
        raise TypeError(name)
    return field
