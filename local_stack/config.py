"""The settings of `make up`, from the environment."""

import os
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from local_stack import programs
from local_stack.processes import StackError
from neurocage import env

BASE_DIR = Path(__file__).resolve().parents[1]
# Variables of make, a shell or another project that would change how our processes behave.
FOREIGN_PREFIXES = ("MAKE", "CELERY_", "GUNICORN_", "PYTHONHOME", "PYTHONPATH", "WEB_CONCURRENCY")
FOREIGN = {"MFLAGS", "GNUMAKEFLAGS"}
NOT_FOR_THE_SENSOR_API = env.SECRETS | {f"{name}_FILE" for name in env.SECRETS}


@dataclass(frozen=True)
class Config:
    """The settings, checked. An empty URL means that the stack runs that server itself."""

    port: int
    state_dir: Path
    demo: bool
    database_url: str
    database_owner_url: str
    redis_url: str
    sensor_api_url: str
    poll_processes: int
    # Whether a mail server of the person's own is set.
    has_mail: bool
    base_url: str

    @classmethod
    def from_environment(cls) -> "Config":
        """Read and check the settings. Raises StackError, which names every wrong variable."""
        env.collect_bad_values()
        try:
            env.database("DATABASE_URL")
            env.database("DATABASE_OWNER_URL")
            port = env.number("PORT", 8000, 1, 65535)
            config = cls(
                port=port,
                state_dir=Path(env.text("STATE_DIR", str(BASE_DIR / ".state")))
                .expanduser()
                .resolve(),
                demo=env.flag("DEMO", default=True),
                database_url=env.text("DATABASE_URL"),
                database_owner_url=env.text("DATABASE_OWNER_URL"),
                redis_url=_url_or_empty("REDIS_URL", ("redis", "rediss")),
                sensor_api_url=_url_or_empty("SENSOR_API_URL", ("http", "https")),
                poll_processes=programs.poll_processes(),
                has_mail=env.is_set("EMAIL_URL"),
                base_url=env.url("BASE_URL", f"http://localhost:{port}", ("http", "https")),
            )
        finally:
            try:
                env.refuse_bad_values()
            except ImproperlyConfigured as error:
                raise StackError(str(error)) from None
        return config


def _url_or_empty(name: str, schemes: tuple[str, ...]) -> str:
    return env.text(name) and env.url(name, "", schemes)


def child_environment(**variables: object) -> dict[str, str]:
    """The environment for our processes: this process's own, without FOREIGN, plus `variables`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in FOREIGN and not name.startswith(FOREIGN_PREFIXES)
    }
    fixed = {"PYTHONUNBUFFERED": "1", "DJANGO_SETTINGS_MODULE": "neurocage.settings"}
    return kept | fixed | {name: str(value) for name, value in variables.items()}


def secret_settings() -> dict[str, str]:
    """SECRET_KEY, or else SECRET_KEY_FILE as an absolute path. Empty when neither is set."""
    if key := env.given("SECRET_KEY"):
        return {"SECRET_KEY": key}
    if file := env.given("SECRET_KEY_FILE"):
        return {"SECRET_KEY_FILE": str(Path(file).resolve())}
    return {}
