"""The Flask application: a URL for every sensor, a health check, and faults."""

from collections.abc import Mapping
from typing import Any

from flask import Flask, json, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from .config import read_settings
from .connection import Connection
from .faults import faults_blueprint
from .sensor import Sensor, utc_now

# The only body that is ever sent here is a fault, in short JSON. The limit also rules out JSON that
# is nested so deeply that reading it fails.
LONGEST_BODY_BYTES = 512


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Build the simulator.

    Settings in `config` whose names begin with `SENSOR_` win over the environment. For tests it may
    hold `CLOCK` (a function that returns the time as an aware datetime) and `SLEEP` (a function
    that takes seconds). Its other keys are settings of Flask.
    Raises SettingsError, which names the setting and says why.
    """
    config = dict(config or {})
    settings = read_settings(config)
    sensor = Sensor(settings, config.pop("CLOCK", utc_now), config.pop("SLEEP", None))

    app = Flask("sensor_api", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LONGEST_BODY_BYTES
    app.config.update(config)
    app.extensions["sensor_api"] = sensor  # so that the server can tell it to stop
    app.register_blueprint(faults_blueprint(sensor.faults))
    app.register_error_handler(HTTPException, _error_as_json)

    @app.get("/data/<int:cage_id>/")
    def data(cage_id: int) -> ResponseReturnValue:
        return sensor.call(cage_id, Connection(request.environ))

    @app.get("/healthz")
    def healthz() -> ResponseReturnValue:
        return {"status": "ok"}

    return app


def _error_as_json(error: HTTPException) -> Response:
    # The error's own response keeps headers such as Allow.
    response = Response.force_type(error.get_response())
    response.data = json.dumps({"error": error.description})
    response.content_type = "application/json"
    return response
