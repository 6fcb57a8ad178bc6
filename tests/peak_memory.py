"""What a call takes beside its arrays, at its peak: in a Python process of its own, which has taken nothing before."""

from __future__ import annotations

import subprocess
import sys

MEASURED = """
import json
import re
import sys
from pathlib import Path
import numpy as np
import fastloss as fl

def peak():
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text()).group(1))

{prepare}
before = peak()
{call}
print(peak() - before)
"""


def taken(prepare: str, call: str, *arguments: object) -> int:
    """Bytes that `call` takes beside what is there after `prepare`; both see the arguments in sys.argv[1:].

    What is prepared is written to, and threads are started, so that none of this is counted.
    """
    code = MEASURED.format(prepare=prepare, call=call)
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
