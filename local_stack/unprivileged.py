"""PostgreSQL runs neither as root nor as a user without a name; here is how it can run anyway."""

import functools
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from local_stack.processes import StackError, dying_with_parent


def command_prefix(
    program: Path, data: Path, stop_signal: signal.Signals = signal.SIGINT
) -> list[str]:
    """The arguments to put before the program, so that it runs as a user it accepts.

    An ordinary user needs none. Root, and a user who is only a number (in a container), get a user
    namespace in which their own files belong to another user. Where no namespace is available,
    root gives the folder `data` to the user nobody. The process id is the program's in every case.
    Raises StackError when no way works.
    """
    uid, owner = os.geteuid(), data.stat().st_uid
    if uid != 0 and _has_name(uid):
        return []
    # Linux forgets the setting when the user changes, so it is repeated after the change.
    dying = dying_with_parent(stop_signal)
    nobody = _nobody()
    ids = f"--map-user={nobody.pw_uid}", f"--map-group={nobody.pw_gid}"
    namespace = ("unshare", "--user", *ids, "--")
    if owner == uid and _works(namespace, program, data):
        return [*namespace, *dying]
    if uid != 0:
        raise StackError(
            f"PostgreSQL runs only for a user with a name, and user {uid} has none here."
        )
    user = _as_user(owner, data.stat().st_gid) if owner else _as_user(nobody.pw_uid, nobody.pw_gid)
    if not _works(user, program, data):
        raise StackError(
            "PostgreSQL refuses to run as root, and here it cannot be started as another user "
            "(neither unshare nor setpriv works). Run as an ordinary user, or set DATABASE_URL."
        )
    if owner == uid:
        os.chown(data, nobody.pw_uid, nobody.pw_gid)
    return [*user, *dying]


def _has_name(uid: int) -> bool:
    try:
        return bool(pwd.getpwuid(uid))
    except KeyError:
        return False


@functools.cache
def _nobody() -> pwd.struct_passwd:
    """The user nobody, or another one who is not root."""
    others = [user for user in pwd.getpwall() if user.pw_uid > 0]
    if not others:
        raise StackError("This machine has no user but root, and PostgreSQL refuses to run as it.")
    return min(others, key=lambda user: user.pw_name != "nobody")


def _as_user(uid: int, gid: int) -> tuple[str, ...]:
    # The one capability that is kept lets PostgreSQL reach its folder through folders that only
    # root may enter.
    ids = (f"--reuid={uid}", f"--regid={gid}", "--clear-groups")
    kept = ("--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override")
    return ("setpriv", *ids, *kept, "--")


def _works(prefix: Sequence[str], program: Path, data: Path) -> bool:
    """Whether the program starts with this prefix and may write in its folder."""
    if not shutil.which(prefix[0]):
        return False
    script = 'test -w "$1" && exec "$0" --version'
    test: list[str | Path] = [*prefix, "sh", "-c", script, program, data]
    return subprocess.run(test, capture_output=True, check=False, timeout=30).returncode == 0
