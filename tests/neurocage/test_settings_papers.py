"""What .env.example, docs/operate.md and Compose say of the settings."""

import ast
import re

import pytest

from local_stack.config import Config
from neurocage import env
from tests.neurocage.starting import EXAMPLE, PROJECT, SETTINGS, load

pytestmark = pytest.mark.usefixtures("environment")


def names_read_by(*paths):
    """The variables that these modules take out of the environment, by `env.text("NAME")` etc."""
    names = set()
    for path in paths:
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call):
                continue
            is_env = isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "env"
            if is_env or ast.unparse(call.func) == "_address":
                names |= {
                    argument.value
                    for argument in call.args
                    if isinstance(argument, ast.Constant)
                    and re.fullmatch(r"[A-Z][A-Z_]+", str(argument.value))
                }
    names -= {"INFO", "TEXT", "UTC"}
    return names | {f"{name}_FILE" for name in names & env.SECRETS}


def read_by_the_program():
    return names_read_by(SETTINGS, *(PROJECT / "local_stack").glob("*.py"))


def read_by_compose():
    """{name: default} of what the files of Compose take from .env."""
    source = "".join(path.read_text() for path in PROJECT.glob("docker-compose*.yml"))
    return dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", source))


def table_in_docs():
    """Return {name: default} from the table of settings in docs/operate.md."""
    section = (PROJECT / "docs/operate.md").read_text().partition("\n## Settings\n")[2]
    rows = re.findall(
        r"^\| `([A-Z_]+)` \|(.*?)\|(.*?)\|$", section.partition("\n## ")[0], re.MULTILINE
    )
    assert all(meaning.strip() for _, _, meaning in rows)
    return {name: default.strip().strip("`") for name, default, _ in rows}


def test_env_example_names_exactly_what_is_read():
    assert set(EXAMPLE) == read_by_the_program() | set(read_by_compose())


def test_the_table_in_the_docs_has_the_names_and_defaults_of_env_example():
    assert table_in_docs() == EXAMPLE


def test_the_defaults_in_env_example_are_those_of_the_program(environment, monkeypatch):
    monkeypatch.chdir(PROJECT)
    del environment["STATE_DIR"]
    # No running stack of this checkout is to be found.
    monkeypatch.setattr(env, "STACK_FILE_NAME", "none")
    settings, stack = load(), Config.from_environment()
    environment |= EXAMPLE
    assert load() == settings
    # Given addresses mean to `make up` that it does not run those parts itself.
    for name in ("REDIS_URL", "SENSOR_API_URL", "BASE_URL"):
        environment[name] = ""
    assert Config.from_environment() == stack


def test_the_defaults_of_compose_alone_are_those_of_env_example():
    defaults = read_by_compose()
    assert {name: defaults[name] for name in set(defaults) - read_by_the_program()} == {
        name: EXAMPLE[name] for name in set(EXAMPLE) - read_by_the_program()
    }
