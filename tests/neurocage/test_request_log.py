"""The log while every request ends with 503."""

import logging

import pytest
from django.http import HttpResponse
from django.utils.log import log_response

from neurocage.request_log import OneUnavailableAMinute


@pytest.fixture
def clock():
    return [0.0]


@pytest.fixture
def log(caplog, clock):
    """Log a response as Django does, and return what came of all of them."""
    logger = logging.getLogger("test_request_log")
    unavailable = OneUnavailableAMinute(now=lambda: clock[0])
    logger.addFilter(unavailable)

    def answer(status, error=None):
        response = HttpResponse(status=status)
        text = "%s: %s"
        log_response(text, "Reason", "/", response=response, logger=logger, exception=error)
        return caplog.messages

    yield answer
    logger.removeFilter(unavailable)


def test_of_many_503_one_a_minute_is_logged_in_one_line(log, clock, caplog):
    for _ in range(5):
        log(503, ValueError("connection refused\nIs the server running?"))
    assert caplog.messages == ["Reason: /: connection refused Is the server running?"]
    assert not caplog.records[0].exc_info
    clock[0] = 61
    assert log(503)[1:] == ["Reason: / (4 more since the last line)"]


def test_every_other_error_is_logged_with_its_traceback(log, caplog):
    for _ in range(2):
        log(500, ValueError("ours"))
    assert len(caplog.messages) == 2
    assert caplog.records[0].exc_info
