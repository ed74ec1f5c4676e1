"""The Flask application: the sensors' one URL, their health check and their faults."""

from collections.abc import Mapping

from flask import Flask, json, request
from werkzeug.exceptions import HTTPException

from .config import read_settings
from .connection import Connection
from .faults import faults_blueprint
from .sensor import Sensor, utc_now

# Only a fault is ever sent here, and its JSON is short. Deeply nested JSON stays impossible, too.
LONGEST_BODY_BYTES = 512


def create_app(config: Mapping[str, object] | None = None) -> Flask:
    """Build the simulator.

    `config` overrides the environment's `SENSOR_` settings and may hold, for tests, `CLOCK` (called
    for the time, an aware datetime) and `SLEEP` (called with seconds); its other keys go to Flask.
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
    def data(cage_id: int):
        return sensor.call(cage_id, Connection(request.environ))

    @app.get("/healthz")
    def healthz():
        return {"status": "ok"}

    return app


def _error_as_json(error: HTTPException):
    response = error.get_response()  # keeps the headers that belong to it, such as Allow
    response.data = json.dumps({"error": error.description})
    response.content_type = "application/json"
    return response
