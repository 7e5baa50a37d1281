# SPDX-License-Identifier: LGPL-2.1-or-later
"""QEMU's monitor (QMP): commands to the machine, not to what runs in it."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .channel import GuestError, connect

LIMIT = 60


class Monitor:
    def __init__(self, path: Path) -> None:
        self._socket = connect(path)
        self._socket.settimeout(LIMIT)
        self._stream = self._socket.makefile("rw", encoding="utf-8")
        self._stream.readline()  # the greeting
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments: Any) -> Any:
        """What it returns; underscores in names of arguments are the monitor's dashes."""
        named = {name.replace("_", "-"): value for name, value in arguments.items()}
        try:
            self._stream.write(json.dumps({"execute": command, "arguments": named}) + "\n")
            self._stream.flush()
            while line := self._stream.readline():
                answer = json.loads(line)
                if "error" in answer:
                    raise GuestError(f"{command}: {answer['error']['desc']}")
                if "return" in answer:
                    return answer["return"]
        except OSError as error:
            raise GuestError(f"{command}: {error}") from error
        raise GuestError(f"{command}: QEMU has ended")

    def close(self) -> None:
        self._stream.close()
        self._socket.close()
