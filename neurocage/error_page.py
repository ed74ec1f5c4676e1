"""The page that Django shows of an error while DEBUG is on."""

from typing import Any

from django.views.debug import SafeExceptionReporterFilter

from neurocage.secrecy import without_secrets


class ReporterFilter(SafeExceptionReporterFilter):
    """Django's own hides settings by their names. This hides the logins in addresses too."""

    def cleanse_setting(self, key: Any, value: Any) -> Any:
        cleansed = super().cleanse_setting(key, value)
        return without_secrets(cleansed) if isinstance(cleansed, str) else cleansed
