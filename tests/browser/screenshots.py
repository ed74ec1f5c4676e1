"""Makes the README's pictures: runs the whole stack with the demo in a throw-away folder.

`make screenshots` writes docs/list.png, docs/detail.png and docs/phone.png.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from neurocage.stack.ports import free_port
from tests.browser import chromium

PROJECT = Path(__file__).resolve().parents[2]
PICTURES = PROJECT / "docs"
# The first live minute after the demo's made-up ones.
FIRST_CYCLE_SECONDS = 75
SHOTS = (("list", "desktop", "light"), ("detail", "desktop", "dark"), ("phone", "phone", "light"))
PATHS = {"list": "/cages/", "detail": "/cages/8/", "phone": "/cages/"}


def main():
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as state_dir:
        port = free_port()
        stack = subprocess.Popen(
            [sys.executable, "-m", "neurocage.stack"],
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
        for name, size, theme in SHOTS:
            page = chromium.new_context(browser, size, theme).new_page()
            chromium.sign_in(page, base_url, demo["username"], demo["password"])
            page.goto(base_url + PATHS[name])
            page.screenshot(path=PICTURES / f"{name}.png")
            print(f"docs/{name}.png")


if __name__ == "__main__":
    main()
