"""nginx with the real configuration: that of this machine in the place of the container's."""

import contextlib
import gzip
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from local_stack.ports import free_port
from tests.processes import wait_for

PROJECT = Path(__file__).resolve().parents[1]
HASHED = "site.0123456789ab.css"
MISSING = "nginx is not installed: nginx.conf was NOT checked (apt-get install nginx-light)"


class Nginx:
    """nginx in a folder of its own and on free ports. `entrance` is nginx.conf or tls.conf.

    tls: what a client trusts, where nginx speaks TLS; the certificate is in `folder`/certificates.
    """

    def __init__(self, folder, entrance="nginx.conf", tls=None):
        program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
        if program is None:
            pytest.fail(MISSING) if os.environ.get("CI") == "true" else pytest.skip(MISSING)
        self.port, self.tls_port, self.web_port = free_port(), free_port(), free_port()
        self.folder, self.tls = folder, tls
        self.log = folder / "access.log"
        files = {path.name: path.read_text() for path in (PROJECT / "nginx").glob("*.conf")}
        for old, new in {
            "/tmp/": f"{folder}/",  # noqa: S108 - first: the folder may be in there itself
            "listen 8080;": f"listen 127.0.0.1:{self.port};",
            "listen 8443 ssl;": f"listen 127.0.0.1:{self.tls_port} ssl;",
            "http://web:8000": f"http://127.0.0.1:{self.web_port}",
            "/srv/neurocage": str(folder / "srv"),
            "/dev/stdout": str(self.log),
            "/dev/stderr": str(folder / "error.log"),
            "/certificates": str(folder / "certificates"),
        }.items():
            assert any(old in text for text in files.values()), old
            files = {name: text.replace(old, new) for name, text in files.items()}
        if os.geteuid() == 0:
            # Or its workers could not read the folder; in the image there is no root to begin with.
            files["process.conf"] = f"user root;\n{files['process.conf']}"
        for name, text in files.items():
            (folder / name).write_text(text)
        static = folder / "srv/static"
        static.mkdir(parents=True)
        (static / HASHED).write_text("a {}")
        (static / f"{HASHED}.gz").write_bytes(gzip.compress(b"a {}"))
        (static / "plain.txt").write_text("plain")
        pages = folder / "srv/pages"
        pages.mkdir()
        shutil.copy(PROJECT / "nginx/starting.html", pages)
        entry = re.findall(r"(?m)^ENTRYPOINT (.*)$", (PROJECT / "Dockerfile").read_text())
        self.command = [program, *json.loads(entry[-1])[1:], "-c", str(folder / entrance)]

    @contextlib.contextmanager
    def running(self):
        """Check the configuration, then serve."""
        tested = subprocess.run([*self.command, "-t"], capture_output=True, text=True, check=False)
        assert tested.returncode == 0, tested.stderr
        assert "[warn]" not in tested.stderr
        process = subprocess.Popen(self.command, cwd=self.folder)
        try:
            assert wait_for(lambda: self.answers() or process.poll() is not None)
            assert process.poll() is None
            yield self
        finally:
            process.terminate()
            process.wait(60)

    def answers(self):
        with contextlib.suppress(OSError):
            return self.ask("/static/plain.txt").status == 200

    def ask(self, path, body=None, **headers):
        """The answer, by TLS if it speaks that, with its body as the attribute `body`."""
        if not self.tls:
            return self.ask_plainly(path, body, **headers)
        connection = http.client.HTTPSConnection(
            "localhost", self.tls_port, timeout=60, context=self.tls
        )
        return self._answer_of(connection, path, body, headers)

    def ask_plainly(self, path, body=None, **headers):
        """As `ask`, without TLS."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        return self._answer_of(connection, path, body, headers)

    def tls_version(self, context):
        """The version of TLS that is agreed on with this client. Raises ssl.SSLError if none is."""
        with (
            socket.create_connection(("127.0.0.1", self.tls_port), timeout=60) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as agreed,
        ):
            return agreed.version()

    @staticmethod
    def _answer_of(connection, path, body, headers):
        with contextlib.closing(connection):
            headers = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("POST" if body else "GET", path, body, headers)
            answer = connection.getresponse()
            answer.body = answer.read()
            return answer
