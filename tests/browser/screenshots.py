"""Make the pictures in docs/. `make screenshots` runs this.

It runs the whole stack with the demo in a temporary folder and writes one docs/<name>.png for each
of SHOTS.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from local_stack.ports import free_port
from tests.browser import chromium

PROJECT = Path(__file__).resolve().parents[2]
PICTURES = PROJECT / "docs"
# The demo's minutes end at the start. This is the time to the first live minute.
FIRST_CYCLE_SECONDS = 75
RACK = "room=R2&rack=B"
# (name, URL, size of the screen, theme)
SHOTS = (
    ("list", "/cages/", "desktop", "light"),
    ("detail", "/cages/8/", "desktop", "dark"),
    ("history", "/cages/8/history/?span=7d", "desktop", "light"),
    ("rack", f"/rack/?{RACK}", "tablet", "light"),
    ("night", f"/rack/?{RACK}", "tablet", "night"),
    ("wall", "/wall/?room=R2", "desktop", "dark"),
    ("phone", "/cages/", "phone", "light"),
)


def main():
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as state_dir:
        port = free_port()
        stack = subprocess.Popen(
            [sys.executable, "-m", "local_stack"],
            cwd=PROJECT,
            env=os.environ | {"STATE_DIR": state_dir, "PORT": str(port)},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            for line in stack.stdout:
                print(line, end="")
                if "is ready" in line:
                    break
            time.sleep(FIRST_CYCLE_SECONDS)
            take(f"http://localhost:{port}", json.loads(Path(state_dir, "demo.json").read_text()))
        finally:
            stack.send_signal(signal.SIGTERM)
            stack.wait(30)


def take(base_url, demo):
    with chromium.launched() as browser:
        for name, path, size, theme in SHOTS:
            context = chromium.new_context(browser, size)
            context.add_cookies([{"name": "theme", "value": theme, "url": base_url}])
            page = context.new_page()
            chromium.sign_in(page, base_url, demo["username"], demo["password"])
            page.goto(base_url + path)
            page.screenshot(path=PICTURES / f"{name}.png")
            print(f"docs/{name}.png")


if __name__ == "__main__":
    main()
