"""Runs a command that dies with the process that started it: `python tether.py PARENT_PID COMMAND…`.

A file of its own, run as a script: between fork and exec nothing of ours may run, and importing the package is slow.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, *command = sys.argv[1:]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):
        sys.exit(0)  # it died before we were tied to it
    os.execvp(command[0], command)  # noqa: S606 - the supervisor's own command


if __name__ == "__main__":
    main()
