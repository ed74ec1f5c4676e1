"""`python -m local_stack`, which is `make up`: exit code 0 after a stop that was asked for, else 1.

Ctrl-C in a terminal reaches make as well. make waits until this program has ended, then ends by
the same signal, as every program that is interrupted does.
"""

import sys

from local_stack.interrupts import Interrupts, StopRequested


def main() -> int:
    interrupts = Interrupts()
    # Imported after the signal handlers are set, because the imports take a noticeable time.
    from local_stack.config import Config
    from local_stack.processes import StackError
    from local_stack.up import Stack, say

    try:
        Stack(Config.from_environment(), interrupts).run()
    except StopRequested:
        say("Neurocage has stopped.")
        return 0
    except StackError as error:
        say(f"Neurocage: {error}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
