"""`python -m local_stack`, which is `make up`: exit code 0 when asked to stop, else 1."""

import sys

from local_stack.interrupts import Interrupts, StopRequested
from local_stack.terminal import Make, own_foreground_group


def main():
    make = Make()
    with own_foreground_group(), Interrupts() as interrupts:
        # Imported only now: a Ctrl-C from here on finds its handler.
        from local_stack.config import Config
        from local_stack.processes import StackError
        from local_stack.up import Stack, say

        try:
            Stack(Config.from_environment(), interrupts, make).run()
        except StopRequested:
            say("Neurocage has stopped.")
            return 0
        except StackError as error:
            say(f"Neurocage: {error}")
            return 1


if __name__ == "__main__":
    sys.exit(main())
