"""A simulator of the cages' sensors, as an HTTP API of its own: it knows nothing of Neurocage."""

from .app import create_app

__all__ = ["create_app"]
