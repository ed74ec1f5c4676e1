"""The embedded servers: the one place that `make up` and the tests start and stop them through."""

from local_stack.postgres import EmbeddedPostgres
from local_stack.valkey import EmbeddedValkey

__all__ = ["EmbeddedPostgres", "EmbeddedValkey"]
