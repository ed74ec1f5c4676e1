"""A small HTTP server in the place of Neurocage's web process."""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Web(BaseHTTPRequestHandler):
    """Tells what it was asked. A path like /404 gives that status, others the server's own.

    A person with the cookie "sessionid=good" is signed in.
    """

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.path, self.headers["Host"]))
        body = json.dumps({"path": self.path, **self.headers}).encode()
        status = self.path[1:]
        if self.path == "/accounts/session/":
            status = "204" if "sessionid=good" in self.headers.get("Cookie", "") else "401"
        self.send_response(int(status) if status.isdigit() else self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def web_on(port, status=200):
    """Serve on the port. Gives the list of requests so far, as (path, Host)."""
    server = ThreadingHTTPServer(("127.0.0.1", port), Web)
    server.asked, server.status, server.daemon_threads = [], status, False
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
