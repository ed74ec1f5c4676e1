"""The mail server of `make up`: it keeps and shows letters, and delivers nothing."""

import smtplib
import threading

import pytest
import requests

from local_stack.mail_catcher import LETTERS_KEPT, Letters, mail_server, web_server
from local_stack.ports import free_port


@pytest.fixture
def catcher():
    """(the port for mail, the URL of the page)."""
    letters, port = Letters(), free_port()
    mail, web = mail_server(letters, port), web_server(letters, 0)
    mail.start()
    thread = threading.Thread(target=web.serve_forever)
    thread.start()
    yield port, f"http://127.0.0.1:{web.server_address[1]}/"
    web.shutdown()
    thread.join()
    web.server_close()
    mail.stop()


def send(port, *subjects):
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as server:
        for subject in subjects:
            text = f"Subject: {subject}\n\nLook: http://localhost:8000/cages/7/?at=07:00\n"
            server.sendmail("neurocage@localhost", ["vera@example.org"], text)


def test_the_page_shows_what_was_sent(catcher):
    port, url = catcher
    assert "Nothing was sent yet." in requests.get(url, timeout=10).text
    send(port, "B-07 <b>Bad</b>")
    shown = requests.get(url, timeout=10).text
    assert "B-07 &lt;b&gt;Bad&lt;/b&gt;" in shown
    assert "vera@example.org" in shown
    assert '<a href="http://localhost:8000/cages/7/?at=07:00">' in shown


def test_only_the_newest_letters_are_kept(catcher):
    port, url = catcher
    send(port, *(f"letter {number}." for number in range(LETTERS_KEPT + 1)))
    shown = requests.get(url, timeout=10).text
    assert shown.count("<article>") == LETTERS_KEPT
    assert "letter 0." not in shown


def test_another_sites_page_cannot_read_it(catcher):
    _, url = catcher
    answer = requests.get(url, headers={"Host": "evil.example"}, timeout=10)
    assert answer.status_code == 403
