"""nginx.conf, with the nginx of this machine in the place of the container's."""

import contextlib
import json
import socket

import pytest

from cages.views.cages.importing import ImportView
from neurocage.middleware.bodies import LARGEST_BODY
from tests.nginx_server import HASHED, PROJECT, Nginx
from tests.processes import wait_for
from tests.web import web_on


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    with Nginx(tmp_path_factory.mktemp("nginx")).running() as server:
        yield server


@pytest.fixture
def web(nginx):
    with web_on(nginx.web_port):
        yield


def test_nginx_serves_static_files_itself(nginx):
    answer = nginx.ask(f"/static/{HASHED}")
    assert (answer.status, answer.body) == (200, b"a {}")
    assert answer.headers["Content-Type"] == "text/css"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert nginx.ask("/static/plain.txt").headers["Cache-Control"] == "public, max-age=60"
    assert nginx.ask("/static/none.css").status == 404


def test_nginx_sends_what_was_compressed_at_the_build(nginx):
    answer = nginx.ask(f"/static/{HASHED}", Accept_Encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.body == (nginx.folder / f"srv/static/{HASHED}.gz").read_bytes()


def test_nginx_passes_a_request_on(nginx, web):
    asked = json.loads(nginx.ask("/cages/?page=2&q=a%2Fb", Host="cages.test:8081").body)
    assert asked["path"] == "/cages/?page=2&q=a%2Fb"
    assert asked["Host"] == "cages.test:8081"
    assert asked["X-Forwarded-For"] == "127.0.0.1"
    assert asked["X-Forwarded-Proto"] == "http"


@pytest.mark.parametrize(
    ("said", "passed"), [("https", "https"), ("http", "http"), ("gopher", "http"), ("", "http")]
)
def test_nginx_passes_on_what_a_proxy_in_front_says_of_tls(nginx, web, said, passed):
    asked = json.loads(nginx.ask("/", X_Forwarded_Proto=said, X_Forwarded_For="192.0.2.1").body)
    assert asked["X-Forwarded-Proto"] == passed
    assert asked["X-Forwarded-For"] == "192.0.2.1, 127.0.0.1"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_checks_need_no_name_and_fill_no_log(nginx, web, path):
    assert json.loads(nginx.ask(path, Host="192.0.2.1").body)["Host"] == "localhost"
    nginx.ask("/seen")
    assert wait_for(lambda: "GET /seen " in nginx.log.read_text())
    assert path not in nginx.log.read_text()


def test_the_log_does_not_hold_the_secret_of_a_screen(nginx, web):
    secret = "nc_AbCdEf" + "topsecret" * 4
    nginx.ask(f"/screen/{secret}/?theme=night", Referer=f"http://localhost/screen/{secret}/")
    assert wait_for(lambda: "GET /screen/nc_AbCdEf.../?theme=night HTTP" in nginx.log.read_text())
    assert "topsecret" not in nginx.log.read_text()


def test_a_person_sees_a_page_while_web_is_away(nginx):
    answer = nginx.ask("/cages/")
    assert answer.status == 502
    assert b"Neurocage does not answer yet" in answer.body
    assert answer.headers["Cache-Control"] == "no-store"
    assert nginx.ask("/starting.html").status == 404
    with web_on(nginx.web_port):
        assert nginx.ask("/cages/").status == 200


def test_what_web_says_passes_unchanged(nginx, web):
    for status in (401, 404, 500, 503):
        answer = nginx.ask(f"/{status}")
        assert (answer.status, json.loads(answer.body)["path"]) == (status, f"/{status}")


def sent(nginx, path, size, **headers):
    """The answer to a body of this size, which nginx may refuse before it has all of it."""
    for _ in range(5):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            return nginx.ask(path, body=b"x" * size, **headers)
    return None


def test_nginx_refuses_a_large_body(nginx, web):
    assert sent(nginx, "/", LARGEST_BODY).status == 200
    assert sent(nginx, "/", LARGEST_BODY + 1).status == 413


def test_nginx_takes_files_only_from_people_who_are_signed_in(nginx, web):
    path, size = "/cages/import/", ImportView.largest_body
    assert sent(nginx, path, size, Cookie="sessionid=good").status == 200
    refused = sent(nginx, path, size, Cookie="sessionid=bad")
    assert refused.status == 302
    assert refused.headers["Location"] == "/accounts/login/?next=/cages/import/"
    assert sent(nginx, path, 5 * 1024 * 1024, Cookie="sessionid=good").status == 413
    assert nginx.ask("/accounts/session/").status == 404


def test_nginx_keeps_nothing_of_a_file_that_a_stranger_sends(nginx, web):
    kept = nginx.folder / "client_body"
    with socket.create_connection(("127.0.0.1", nginx.port), timeout=60) as stranger:
        head = "POST /cages/import/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n"
        stranger.sendall(head.encode() + b"x" * 100_000)
        assert stranger.recv(100).startswith(b"HTTP/1.1 302 ")
        assert not [file for file in kept.rglob("*") if file.is_file()]


def test_a_program_gets_json_while_web_is_away(nginx):
    answer = nginx.ask("/api/v1/cages")
    assert (answer.status, answer.headers["Content-Type"]) == (503, "application/json")
    assert json.loads(answer.body)["detail"].startswith("Neurocage does not answer yet.")
    assert nginx.ask("/cages/import/").status >= 500


def test_dns_is_asked_again_for_a_web_that_came_back():
    text = "".join((PROJECT / f"nginx/{name}.conf").read_text() for name in ("web", "site"))
    # Docker's DNS lets its answers live for ten minutes.
    assert "resolver 127.0.0.11 valid=5s" in text
    assert "proxy_pass $web;" in text
