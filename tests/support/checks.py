"""What the checks in Python share: how one fails, and how tern is run."""

import os
import pathlib
import subprocess
import sys


def check(ok, *what):
    if not ok:
        sys.exit(f"{pathlib.Path(sys.argv[0]).stem}: " + " ".join(str(part) for part in what))


def tern(program, *arguments):
    """What it prints."""
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, env=environment)
    check(done.returncode == 0, "tern", *arguments, "failed:", done.stderr)
    return done.stdout
