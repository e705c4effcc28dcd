"""A machine on which the scripts meet stand-ins for the programs that they call."""

import os
import re
import subprocess
from pathlib import Path

from building import MANIFESTS
from fakes import write_fakes


class Machine:
    """A machine with stand-ins: runs scripts and make targets, tells how the stand-ins were called."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.programs = write_fakes(folder)
        self.environment = {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "FAKES": str(folder),
            "OVERLAY": "kind",
            "REGISTRY": "",
            "TAG": "abc",
            "CLUSTER": "test",
            "BIN": str(self.programs),
        }

    def run(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [str(MANIFESTS / f"{script}.sh"), *arguments]
        return subprocess.run(command, env=self.environment | environment, capture_output=True, text=True, timeout=240)

    def calls(self) -> list[str]:
        return (self.folder / "log").read_text().splitlines() if (self.folder / "log").exists() else []

    def changes(self) -> list[str]:
        return [
            call
            for call in self.calls()
            if re.match(r"(kubectl( --context \S+)?|kind) (apply|create|delete|patch|taint|load)", call)
        ]
