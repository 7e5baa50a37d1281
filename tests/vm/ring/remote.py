# SPDX-License-Identifier: LGPL-2.1-or-later
"""Commands, files and conditions in a guest that is on, by way of its agent."""
from __future__ import annotations

import base64
import re
import select
import signal
import time
from typing import Any, Callable, Mapping, NamedTuple

from .channel import Channel, GuestError

ANSWER_MARGIN = 30  # a busy guest without hardware acceleration is slow to tell what it has done


class Result(NamedTuple):
    command: str
    rc: int
    out: str
    err: str

    @property
    def ok(self) -> bool:
        return self.rc == 0


def _text(data: str) -> str:
    return base64.b64decode(data).decode(errors="replace")


def _request(command: str | list[str], stdin: bytes, env: Mapping[str, str] | None) -> dict:
    what = {"script": command} if isinstance(command, str) else {"argv": command}
    return {**what, "stdin": base64.b64encode(stdin).decode(), "env": dict(env or {})}


def parse_size(text: str) -> int:
    match = re.fullmatch(r"(\d+)([KMGT]?)", text)
    if not match:
        raise ValueError(f"not a size: {text}")
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}[match[2]]


class Process:
    """A command that runs in the background of the guest."""

    def __init__(self, guest: "Remote", command: str, pid: int) -> None:
        self._guest = guest
        self.command = command
        self.pid = pid

    def _result(self, answer: dict) -> Result:
        return Result(self.command, -1 if answer["rc"] is None else answer["rc"], _text(answer["out"]), _text(answer["err"]))

    def running(self) -> bool:
        return self._guest.request("poll", ANSWER_MARGIN, pid=self.pid)["rc"] is None

    def output(self) -> str:
        """What it has written to its standard output up to now."""
        return _text(self._guest.request("poll", ANSWER_MARGIN, pid=self.pid)["out"])

    def wait(self, timeout: float = 60, check: bool = True) -> Result:
        answer = self._guest.request("wait", timeout + ANSWER_MARGIN, pid=self.pid, timeout=timeout)
        if answer["timed_out"]:
            raise GuestError(f"still running after {timeout:g} s: {self.command}")
        result = self._result(answer)
        if check and not result.ok:
            raise GuestError(describe(result))
        return result

    def kill(self, number: int = signal.SIGTERM) -> None:
        """Sends the signal to the process and to all that it has started."""
        self._guest.request("kill", ANSWER_MARGIN, pid=self.pid, signal=int(number))

    def stop(self, timeout: float = 30) -> Result:
        self.kill()
        return self.wait(timeout, check=False)


def describe(result: Result) -> str:
    return f"ended with {result.rc}: {result.command}\nstdout: {result.out.rstrip()}\nstderr: {result.err.rstrip()}"


class Remote:
    """A guest as far as its agent reaches."""

    def __init__(self, channel: Channel | None = None) -> None:
        self._channel = channel

    def request(self, op: str, limit: float, **arguments: Any) -> dict:
        return self._on().request(op, limit, **arguments)

    def _on(self) -> Channel:
        if not self._channel:
            raise GuestError("the guest is off")
        return self._channel

    def ping(self, limit: float = 10) -> None:
        self.request("ping", limit)

    def run(self, command: str | list[str], timeout: float = 60, check: bool = True, stdin: bytes = b"",
            env: Mapping[str, str] | None = None) -> Result:
        """A script of bash, or a program with its arguments; as root. It is killed when the limit has passed."""
        answer = self.request("exec", timeout + ANSWER_MARGIN, timeout=timeout, **_request(command, stdin, env))
        result = Result(str(command), answer["rc"] if answer["rc"] is not None else -1, _text(answer["out"]), _text(answer["err"]))
        if answer["timed_out"]:
            raise GuestError(f"killed after {timeout:g} s, {describe(result)}")
        if check and not result.ok:
            raise GuestError(describe(result))
        return result

    def spawn(self, command: str | list[str], stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Process:
        answer = self.request("spawn", ANSWER_MARGIN, **_request(command, stdin, env))
        return Process(self, str(command), answer["pid"])

    def put(self, path: str, data: bytes | str, mode: int = 0o644) -> None:
        self._on().write_file(path, data.encode() if isinstance(data, str) else data, mode)

    def get(self, path: str) -> bytes:
        return self._on().read_file(path)

    def wait_for(self, condition: str | Callable[[], Any], limit: float = 60) -> Any:
        """Until the script succeeds in the guest, or the function returns something true; the latter is returned."""
        end = time.monotonic() + limit
        while True:
            value = self.run(condition, check=False).ok if isinstance(condition, str) else condition()
            if value:
                return value
            if time.monotonic() > end:
                raise GuestError(f"not so after {limit:g} s: {condition}")
            self._pause(0.1)

    @staticmethod
    def _pause(seconds: float) -> None:
        select.select([], [], [], seconds)
