"""The application for a WSGI server, with its settings from the environment."""

from . import create_app

app = create_app()
