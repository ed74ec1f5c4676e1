"""How EMAIL_URL is read. What is sent is tested with a real server beside each sender."""

import pytest

from neurocage.mail_server import MailServer


@pytest.mark.parametrize(
    ("url", "port", "begins_with_tls", "starts_tls"),
    [
        ("smtp://mail.example.org", 25, False, False),
        ("smtp+tls://mail.example.org", 587, False, True),
        ("smtps://mail.example.org", 465, True, False),
        ("smtps://mail.example.org:4650", 4650, True, False),
    ],
)
def test_each_scheme_has_its_usual_port(url, port, begins_with_tls, starts_tls):
    server = MailServer.of(url)
    assert (server.host, server.port) == ("mail.example.org", port)
    assert (server.begins_with_tls, server.starts_tls) == (begins_with_tls, starts_tls)
    assert server.username == ""


def test_a_name_and_a_password_may_hold_any_character():
    server = MailServer.of("smtp://ruth%40lab:a%2Fb%3A@mail.example.org")
    assert (server.username, server.password) == ("ruth@lab", "a/b:")
