"""A real OpenID Connect provider, reached over HTTP, and a person's way through it."""

import contextlib
import os
import subprocess
import sys
from urllib.parse import parse_qs, urlsplit

import requests

from tests.processes import wait_for

TIMEOUT_SECONDS = 30


class Provider:
    def __init__(self, port):
        self.url = f"http://localhost:{port}"

    def is_up(self):
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(self.url, timeout=TIMEOUT_SECONDS).ok
        return False

    def make_client(self, callback):
        """(id, secret) of a client that may come back to the callback."""
        wish = {"redirect_uris": [callback], "token_endpoint_auth_method": "client_secret_post"}
        answer = requests.post(f"{self.url}/oauth2/clients", json=wish, timeout=TIMEOUT_SECONDS)
        return answer.json()["client_id"], answer.json()["client_secret"]

    def knows(self, subject, **claims):
        put = requests.put(f"{self.url}/users/{subject}", json=claims, timeout=TIMEOUT_SECONDS)
        put.raise_for_status()

    def sign_in(self, address, subject):
        """The query, as a dict, with which the provider sends the person back."""
        answer = requests.post(
            address, data={"sub": subject}, allow_redirects=False, timeout=TIMEOUT_SECONDS
        )
        return {name: value for name, [value] in query_of(answer.headers["Location"]).items()}


def query_of(address):
    return parse_qs(urlsplit(address).query)


@contextlib.contextmanager
def running_provider(port):
    """Run it in a process of its own; its packages warn of what pytest takes for an error."""
    command = [sys.executable, "-m", "oidc_provider_mock", "-p", str(port), "-r", "true"]
    environment = {**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        provider = Provider(port)
        wait_for(provider.is_up)
        yield provider
    finally:
        process.kill()
        process.wait()
