"""Sensors played by `responses`, for what needs no real socket."""

import contextlib
from unittest import mock

import responses
from requests.adapters import HTTPAdapter


@contextlib.contextmanager
def played_sensors(**options):
    """A `responses.RequestsMock` that answers for all sensors.

    `responses` plays the HTTPAdapter of requests, so the sensor client is given one. Its own
    adapter is tested with real sockets.
    """
    with (
        mock.patch("cages.polling.sensor_client.SensorAdapter", return_value=HTTPAdapter()),
        responses.RequestsMock(**options) as played,
    ):
        yield played
