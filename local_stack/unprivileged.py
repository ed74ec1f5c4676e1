"""Whom PostgreSQL runs as: never root, and always somebody with a name on this machine."""

import functools
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

from local_stack.processes import StackError, dying_with_parent


def command_prefix(program, data, stop_signal=signal.SIGINT):
    """What to put before the program, so that it takes itself for a user it accepts.

    An ordinary user needs nothing. Root, and a user who is only a number (in a container), get a
    user namespace in which their own files belong to somebody else. Where there is none to be had,
    root hands the folder data to the user nobody. The pid stays that of the program in each case.
    Raises StackError where no way works.
    """
    uid, owner = os.geteuid(), Path(data).stat().st_uid
    if uid != 0 and _has_name(uid):
        return []
    # Linux forgets the wish at a change of user, so it is repeated after it.
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
    user = _as_user(*((owner, Path(data).stat().st_gid) if owner else nobody[2:4]))
    if not _works(user, program, data):
        raise StackError(
            "PostgreSQL refuses to run as root, and here it cannot be started as another user "
            "(neither unshare nor setpriv works). Be an ordinary user, or give DATABASE_URL."
        )
    if owner == uid:
        os.chown(data, *nobody[2:4])
    return [*user, *dying]


def _has_name(uid):
    try:
        return bool(pwd.getpwuid(uid))
    except KeyError:
        return False


@functools.cache
def _nobody():
    """The user nobody, or any other who is not root."""
    others = [user for user in pwd.getpwall() if user.pw_uid > 0]
    if not others:
        raise StackError("This machine knows no user but root, and PostgreSQL refuses to be that.")
    return min(others, key=lambda user: user.pw_name != "nobody")


def _as_user(uid, gid):
    # The one capability kept lets it reach its folder through folders that only root may enter.
    ids = (f"--reuid={uid}", f"--regid={gid}", "--clear-groups")
    kept = ("--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override")
    return ("setpriv", *ids, *kept, "--")


def _works(prefix, program, data):
    """Whether the program can be started this way, and then write in its folder."""
    if not shutil.which(prefix[0]):
        return False
    test = [*prefix, "sh", "-c", 'test -w "$1" && exec "$0" --version', program, data]
    return subprocess.run(test, capture_output=True, check=False, timeout=30).returncode == 0
