"""Lines of the log as JSON, for LOG_FORMAT=json: one object a line, without secrets."""

import json
import logging
from datetime import UTC, datetime

from neurocage import log_context
from neurocage.secrecy import without_secrets


class JsonFormatter(logging.Formatter):
    """time (UTC), level, logger, message, and where known: request, task, slot, trace."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **log_context.facts(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        # Before it becomes JSON, in which a quotation mark looks different.
        return json.dumps({name: without_secrets(value) for name, value in line.items()})


# For gunicorn, which has loggers and handlers of its own.
FOR_GUNICORN = {
    "formatters": {"generic": {"()": f"{__name__}.{JsonFormatter.__name__}"}},
    "root": {"level": "INFO", "handlers": []},
    "loggers": {
        # Without propagation, because Django gives the root logger a handler too.
        "gunicorn.error": {"level": "INFO", "handlers": ["error_console"], "propagate": False},
    },
}
