"""tls.conf and docker-compose.tls.yml: nginx speaks TLS with a given certificate."""

import json
import ssl

import pytest
import trustme
import yaml

from tests.nginx_server import HASHED, PROJECT, Nginx
from tests.web import web_on

EXTRA = yaml.safe_load((PROJECT / "docker-compose.tls.yml").read_text())["services"]
YEAR = "max-age=31536000"


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def client_of(authority, **versions):
    """What a browser that trusts the authority accepts."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    for name, version in versions.items():
        setattr(context, name, version)
    return context


@pytest.fixture(scope="module")
def nginx(tmp_path_factory, authority):
    folder = tmp_path_factory.mktemp("nginx-tls")
    (folder / "certificates").mkdir()
    given = authority.issue_cert("localhost")
    for number, blob in enumerate(given.cert_chain_pems):
        blob.write_to_path(folder / "certificates/tls.crt", append=number > 0)
    given.private_key_pem.write_to_path(folder / "certificates/tls.key")
    with Nginx(folder, "tls.conf", client_of(authority)).running() as server:
        yield server


@pytest.fixture
def web(nginx):
    with web_on(nginx.web_port):
        yield


def test_a_page_comes_by_tls_and_web_learns_of_it(nginx, web):
    asked = json.loads(nginx.ask("/cages/?page=2", Host="cages.test").body)
    assert (asked["path"], asked["Host"]) == ("/cages/?page=2", "cages.test")
    assert asked["X-Forwarded-Proto"] == "https"


@pytest.mark.parametrize("said", ["http", "https", "gopher"])
def test_what_a_browser_says_of_its_scheme_is_not_believed(nginx, web, said):
    asked = json.loads(nginx.ask("/", X_Forwarded_Proto=said, X_Forwarded_For="192.0.2.1").body)
    assert asked["X-Forwarded-Proto"] == "https"
    assert asked["X-Forwarded-For"] == "192.0.2.1, 127.0.0.1"
    asked = json.loads(nginx.ask_plainly("/healthz", X_Forwarded_Proto=said).body)
    assert asked["X-Forwarded-Proto"] == "http"


def test_http_is_sent_to_https(nginx, web):
    answer = nginx.ask_plainly("/cages/?q=a%2Fb", Host="cages.test:8081")
    assert answer.status == 301
    assert answer.headers["Location"] == "https://cages.test/cages/?q=a%2Fb"
    assert "Strict-Transport-Security" not in answer.headers
    assert nginx.ask_plainly("/accounts/login/", body=b"password=secret").status == 301
    assert nginx.ask_plainly(f"/static/{HASHED}").status == 301


def test_the_health_check_of_the_container_needs_no_certificate(nginx):
    with web_on(nginx.web_port) as asked:
        assert nginx.ask_plainly("/healthz", Host="127.0.0.1:8080").status == 200
    assert asked == [("/healthz", "localhost")]
    assert nginx.ask_plainly("/healthz").status == 502


def test_what_does_not_come_from_web_asks_for_https_as_long_as_its_pages_do(nginx):
    # Web is away. Its own pages bring the header themselves.
    for path in (f"/static/{HASHED}", "/static/none", "/cages/", "/api/v1/cages"):
        assert nginx.ask(path).headers.get_all("Strict-Transport-Security") == [YEAR], path
    source = (PROJECT / "neurocage/settings.py").read_text()
    assert "SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS" in source
    assert f"max-age={365 * 24 * 3600}" == YEAR


def test_nginx_adds_no_second_header_to_what_web_says(nginx, web):
    assert "Strict-Transport-Security" not in nginx.ask("/cages/").headers


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_versions_of_tls_are_refused(nginx, authority):
    for version in ("TLSv1_2", "TLSv1_3"):
        only = ssl.TLSVersion[version]
        client = client_of(authority, minimum_version=only, maximum_version=only)
        assert nginx.tls_version(client) == version.replace("_", ".")
    old = client_of(
        authority, minimum_version=ssl.TLSVersion.TLSv1, maximum_version=ssl.TLSVersion.TLSv1_1
    )
    # Else the client itself refuses to speak it.
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match=r"(?i)alert protocol version"):
        nginx.tls_version(old)


def test_a_cipher_without_forward_secrecy_is_refused(nginx, authority):
    twelve = ssl.TLSVersion.TLSv1_2
    client = client_of(authority, maximum_version=twelve)
    client.set_ciphers("kRSA:CBC:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match=r"(?i)alert handshake failure"):
        nginx.tls_version(client)


def test_compose_mounts_the_certificate_where_nginx_looks_for_it():
    service = EXTRA["nginx"]
    (mount,) = service["volumes"]
    assert mount["read_only"] is True
    text = (PROJECT / "nginx/tls.conf").read_text()
    assert f"ssl_certificate {mount['target']}/tls.crt;" in text
    assert f"ssl_certificate_key {mount['target']}/tls.key;" in text
    assert service["command"] == ["-c", "/etc/nginx/tls.conf"]
    assert [port.rpartition(":")[2] for port in service["ports"]] == ["8443"]
    assert "listen 8443 ssl;" in text
    assert EXTRA["web"]["environment"] == {"HTTPS": "1"}


def test_the_image_holds_what_the_entrances_include():
    dockerfile = (PROJECT / "Dockerfile").read_text()
    for path in (PROJECT / "nginx").glob("*.conf"):
        assert f" nginx/{path.name} " in dockerfile
