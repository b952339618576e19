"""Runs command line clients."""

import shutil
import subprocess
import sys
import pathlib

import pytest

#: Seconds for one call of a client.
TIMEOUT = 240


def program(name):
    """Path of a client: the one beside this Python first (aws), then the system's. The test is skipped where it is missing."""
    beside = pathlib.Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed; `make deps` does it")
    return found


def run(*command, env, expect=0, cwd=None, text=True, input=None):
    """Standard output of a client whose exit status must be `expect`; None accepts any and returns the finished process."""
    done = subprocess.run(
        [program(command[0]), *map(str, command[1:])], env=env, cwd=cwd, capture_output=True, text=text, timeout=TIMEOUT, input=input,
        stdin=subprocess.DEVNULL if input is None else None,
    )
    if expect is None:
        return done
    assert done.returncode == expect, f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout
