"""A simulator of the cages' sensors: an HTTP API that shares no code with Neurocage."""

from .app import create_app

__all__ = ["create_app"]
