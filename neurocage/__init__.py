"""The Django project: settings, addresses, Celery, and the local stack."""
