"""The examples of docs/operate.md for a proxy in front of nginx."""

import http.client
import json
import os
import re
import socket
import ssl
import subprocess

import pytest
import trustme
import yaml
from django.test import RequestFactory

from local_stack.ports import free_port
from people.addresses import address_of
from tests.nginx_server import PROJECT, Nginx
from tests.processes import wait_for
from tests.web import web_on

NAME = "neurocage.facility.example"
PAPER = (PROJECT / "docs/operate.md").read_text()
SETTINGS = dict(re.findall(r"(?m)^(HTTPS|TRUSTED_PROXIES|HTTP_PORT)=(\S+)$", PAPER))


def example(language):
    """The example in this language that is about the name."""
    blocks = re.findall(rf"```{language}\n(.*?)```", PAPER, re.S)
    return next(block for block in blocks if NAME in block)


@pytest.fixture
def ours(tmp_path):
    folder = tmp_path / "ours"
    folder.mkdir()
    with Nginx(folder).running() as server, web_on(server.web_port):
        yield server


@pytest.fixture
def proxy(ours, tmp_path):
    """(port of http, port of https, what a client trusts) of the example for nginx, before ours."""
    authority, plain, tls = trustme.CA(), free_port(), free_port()
    given = authority.issue_cert(NAME)
    given.cert_chain_pems[0].write_to_path(tmp_path / "neurocage.crt")
    given.private_key_pem.write_to_path(tmp_path / "neurocage.key")
    text = example("nginx")
    for old, new in {
        "listen 443 ssl;": f"listen 127.0.0.1:{tls} ssl;",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "/etc/ssl/": f"{tmp_path}/",
        SETTINGS["HTTP_PORT"]: f"127.0.0.1:{ours.port}",
    }.items():
        assert old in text, old
        text = text.replace(old, new)
    folders = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""
    (tmp_path / "proxy.conf").write_text(
        f"{user}daemon off;\npid {tmp_path}/proxy.pid;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{folders}{text}}}\n"
    )
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    command = [ours.command[0], "-e", "stderr", "-c", str(tmp_path / "proxy.conf")]
    process = subprocess.Popen(command, cwd=tmp_path)
    try:
        assert wait_for(lambda: accepts(tls) or process.poll() is not None)
        yield plain, tls, trusting
    finally:
        process.terminate()
        process.wait(60)


def accepts(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def ask(port, path, trusting=None, **headers):
    connection = http.client.HTTPConnection(NAME, timeout=60)
    connection.sock = socket.create_connection(("127.0.0.1", port), timeout=60)
    if trusting:
        connection.sock = trusting.wrap_socket(connection.sock, server_hostname=NAME)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def test_with_nginx_in_front_web_learns_scheme_name_and_address(proxy, settings):
    _plain, port, trusting = proxy
    lies = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "http"}
    asked = json.loads(ask(port, "/cages/", trusting, **lies)[1])
    assert (asked["Host"], asked["X-Forwarded-Proto"]) == (NAME, "https")
    settings.TRUSTED_PROXIES = int(SETTINGS["TRUSTED_PROXIES"])
    told = {"HTTP_X_FORWARDED_FOR": asked["X-Forwarded-For"]}
    # Ours saw the proxy at 127.0.0.1; the proxy saw the client there too, and not what it claims.
    request = RequestFactory().get("/", REMOTE_ADDR="172.18.0.5", **told)
    assert asked["X-Forwarded-For"] == "192.0.2.1, 127.0.0.1, 127.0.0.1"
    assert address_of(request) == "127.0.0.1"


def test_with_nginx_in_front_http_is_sent_to_https(proxy):
    answer, _body = ask(proxy[0], "/cages/?q=1")
    assert answer.status == 301
    assert answer.headers["Location"] == f"https://{NAME}/cages/?q=1"


def test_all_examples_lead_to_the_port_that_the_settings_publish():
    assert SETTINGS["HTTPS"] == "1"
    assert f"reverse_proxy {SETTINGS['HTTP_PORT']}\n" in example("caddy")
    traefik = yaml.safe_load(example("yaml"))["http"]
    (server,) = traefik["services"]["neurocage"]["loadBalancer"]["servers"]
    assert server["url"] == f"http://{SETTINGS['HTTP_PORT']}"
    assert {each["service"] for each in traefik["routers"].values()} == set(traefik["services"])
