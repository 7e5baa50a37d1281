# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's end of the control channel: requests to the agent of one guest, several at the same time."""
from __future__ import annotations

import base64
import itertools
import json
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

BLOCK = 256 << 10


class GuestError(Exception):
    """What was asked of the guest did not happen."""


class GuestEnded(GuestError):
    """Whether it did, the guest could not say any more."""


def connect(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    # By way of the directory: the name of a socket is limited to 107 bytes.
    directory = os.open(path.parent, os.O_PATH | os.O_CLOEXEC)
    try:
        connection.connect(f"/proc/self/fd/{directory}/{path.name}")
    except OSError:
        connection.close()
        raise
    finally:
        os.close(directory)
    return connection


class Channel:
    def __init__(self, path: Path) -> None:
        self._socket = connect(path)
        self._changed = threading.Condition()
        self._answers: dict[str, dict] = {}
        self._waiting: set[str] = set()
        self._closed = False
        self._send_lock = threading.Lock()
        self._ids = (f"{os.getpid()}.{time.monotonic_ns()}.{number}" for number in itertools.count())
        threading.Thread(target=self._receive, daemon=True).start()
        self._send(b"\n")  # ends what another sender may have left unfinished

    def close(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # QEMU has ended
        self._socket.close()

    def _send(self, data: bytes) -> None:
        with self._send_lock:
            try:
                self._socket.sendall(data)
            except OSError as error:
                raise GuestError(f"the guest has ended: {error}") from error

    def _receive(self) -> None:
        pending = b""
        try:
            while block := self._socket.recv(1 << 16):
                *lines, pending = (pending + block).split(b"\n")
                for line in lines:
                    self._deliver(line)
        except OSError:
            pass  # closed by us or by the end of QEMU: both are told below
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _deliver(self, line: bytes) -> None:
        try:
            answer = json.loads(line)
        except ValueError:
            return  # half of an answer to somebody who went away
        with self._changed:
            if answer.get("id") in self._waiting:
                self._answers[answer["id"]] = answer
                self._changed.notify_all()

    def request(self, op: str, limit: float, **arguments: Any) -> dict:
        """The answer of the agent, or GuestError after `limit` seconds or when the guest ends."""
        with self._changed:
            identity = next(self._ids)
            self._waiting.add(identity)
        try:
            self._send(json.dumps({"id": identity, "op": op, **arguments}).encode() + b"\n")
            with self._changed:
                self._changed.wait_for(lambda: identity in self._answers or self._closed, limit)
                answer = self._answers.pop(identity, None)
                closed = self._closed
        finally:
            with self._changed:
                self._waiting.discard(identity)
        if answer is None:
            raise GuestEnded(f"{op}: the guest has ended") if closed else GuestError(f"{op}: no answer in {limit:g} s")
        if "error" in answer:
            raise GuestError(f"{op}: {answer['error']}")
        return answer

    def write_file(self, path: str, data: bytes, mode: int = 0o644) -> None:
        for offset in range(0, max(len(data), 1), BLOCK):
            block = base64.b64encode(data[offset:offset + BLOCK]).decode()
            self.request("write", 60, path=path, data=block, mode=mode, append=offset > 0)

    def read_file(self, path: str) -> bytes:
        data = b""
        while True:
            answer = self.request("read", 60, path=path, offset=len(data), size=BLOCK)
            block = base64.b64decode(answer["data"])
            data += block
            if len(block) < BLOCK:
                return data
