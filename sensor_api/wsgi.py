"""The application for a WSGI server. Its settings come from the environment."""

from . import create_app

app = create_app()
