"""The Django project: settings, URLs, Celery and the web application."""
