"""The web application for gunicorn."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

from neurocage.env import settings_or_exit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "neurocage.settings")
settings = settings_or_exit()
# Some processes need neither of these two. Here, every page would fail without them.
try:
    bool(settings.SECRET_KEY)
except ImproperlyConfigured:
    sys.exit("Neurocage cannot start: SECRET_KEY or SECRET_KEY_FILE must be set.")
if settings.DATABASES["default"]["ENGINE"].endswith("dummy"):
    sys.exit("Neurocage cannot start: DATABASE_URL must be set.")
application = get_wsgi_application()
