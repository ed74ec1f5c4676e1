"""The embedded servers: the one place that `make up` and the tests start and stop them through."""

from neurocage.stack.postgres import EmbeddedPostgres
from neurocage.stack.valkey import EmbeddedValkey

__all__ = ["EmbeddedPostgres", "EmbeddedValkey"]
