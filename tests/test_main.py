"""The way in: Ctrl-C before the command line is there."""

from __future__ import annotations

import subprocess
import sys

STOPPED_WHILE_LOADING = """
import sys
class Stop:
    def find_spec(self, name, path=None, target=None):
        if name == "cyclopts":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Stop())
from descant.__main__ import main
main()
"""


def test_ctrl_c_while_loading_ends_without_a_traceback() -> None:
    done = subprocess.run([sys.executable, "-c", STOPPED_WHILE_LOADING], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")
