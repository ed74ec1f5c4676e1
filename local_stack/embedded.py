"""The embedded servers, for `make up` and the tests."""

from local_stack.postgres import EmbeddedPostgres
from local_stack.valkey import EmbeddedValkey

__all__ = ["EmbeddedPostgres", "EmbeddedValkey"]
