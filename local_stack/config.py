"""What the person chose for `make up`, from the environment."""

import os
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from local_stack import programs
from local_stack.processes import StackError
from neurocage import env

BASE_DIR = Path(__file__).resolve().parents[1]
# What make, a shell or another project left in the environment and would change our processes.
FOREIGN_PREFIXES = ("MAKE", "CELERY_", "GUNICORN_", "PYTHONHOME", "PYTHONPATH", "WEB_CONCURRENCY")
FOREIGN = {"MFLAGS", "GNUMAKEFLAGS"}
NOT_FOR_THE_SENSOR_API = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "SECRET_KEY_FILE"}


@dataclass(frozen=True)
class Config:
    """An address that is not given ("") means that the stack runs that part itself."""

    port: int
    state_dir: Path
    demo: bool
    database_url: str
    redis_url: str
    sensor_api_url: str
    poll_processes: int

    @classmethod
    def from_environment(cls):
        """Raises StackError with the name of the variable that is wrong."""
        try:
            env.database("DATABASE_URL")
            return cls(
                port=env.number("PORT", 8000, 1, 65535),
                state_dir=Path(env.text("STATE_DIR", str(BASE_DIR / ".state")))
                .expanduser()
                .resolve(),
                demo=env.flag("DEMO", default=True),
                database_url=env.text("DATABASE_URL"),
                redis_url=_address("REDIS_URL", ("redis", "rediss")),
                sensor_api_url=_address("SENSOR_API_URL", ("http", "https")),
                poll_processes=programs.poll_processes(),
            )
        except ImproperlyConfigured as error:
            raise StackError(str(error)) from None


def _address(name, schemes):
    return env.text(name) and env.url(name, "", schemes)


def child_environment(**variables):
    """This process's environment without what would change our programs, plus the variables."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in FOREIGN and not name.startswith(FOREIGN_PREFIXES)
    }
    fixed = {"PYTHONUNBUFFERED": "1", "DJANGO_SETTINGS_MODULE": "neurocage.settings"}
    return kept | fixed | {name: str(value) for name, value in variables.items()}


def secret_settings():
    """The secret key or its file as the person gave it; empty where the stack has to make one."""
    if key := env.text("SECRET_KEY"):
        return {"SECRET_KEY": key}
    if file := env.text("SECRET_KEY_FILE"):
        return {"SECRET_KEY_FILE": str(Path(file).resolve())}
    return {}


def allowed_hosts():
    """The value of ALLOWED_HOSTS, empty where the default is used."""
    return env.text("ALLOWED_HOSTS")
