"""Reports of errors to a Sentry, where SENTRY_DSN names one: without secrets and people."""

from typing import Any

from neurocage.secrecy import without_secrets
from neurocage.version import version

# Seconds that a process that ends waits for its last reports.
LAST_SECONDS = 2
# Deeper than anything that is sent.
DEEPEST = 12


def start(dsn: str) -> None:
    """Send every error that is logged or not caught, from now on."""
    # Most facilities have no Sentry, so their processes do not load this.
    import sentry_sdk

    sentry_sdk.init(
        dsn,
        release=f"neurocage@{version()}",
        send_default_pii=False,
        # A form holds what people wrote, a local variable may be a password.
        max_request_body_size="never",
        include_local_variables=False,
        include_source_context=True,
        before_breadcrumb=lambda crumb, hint: None,
        before_send=cleansed,
        shutdown_timeout=LAST_SECONDS,
    )


def cleansed(event: Any, hint: Any = None) -> Any:
    """An event of Sentry's without secrets, and without what tells who somebody is."""
    event.pop("user", None)
    if request := event.get("request"):
        kept = ("url", "method")
        event["request"] = {name: request[name] for name in kept if name in request}
    return _without_secrets(event, DEEPEST)


def _without_secrets(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return without_secrets(value)
    if depth and isinstance(value, dict):
        return {name: _without_secrets(each, depth - 1) for name, each in value.items()}
    if depth and isinstance(value, list | tuple):
        return [_without_secrets(each, depth - 1) for each in value]
    return value if isinstance(value, int | float | bool | None) else f"<{type(value).__name__}>"
