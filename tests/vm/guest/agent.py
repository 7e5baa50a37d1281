#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the commands of the test ring inside a guest. One JSON object a line over a virtio serial port.

A request has an "id" and an "op"; its answer has the same id. Requests are answered when they are done, in any order.
All memory is locked and everything is loaded at the start: while the root filesystem is frozen, the agent answers.
"""
import base64
import ctypes
import fcntl
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time

PORT = "/dev/virtio-ports/vssd.agent"
RNDADDENTROPY = 0x40085203
RNDRESEEDCRNG = 0x5207
OUTPUT_LIMIT = 16 << 20
IDLE_SECONDS = 0.05  # a port whose host side is closed reads as end of file, without waiting


def encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


class Port:
    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._lock = threading.Lock()

    def lines(self):
        pending = b""
        while True:
            block = os.read(self._fd, 1 << 16)
            if not block:
                time.sleep(IDLE_SECONDS)
                continue
            pending += block
            *complete, pending = pending.split(b"\n")
            yield from complete

    def send(self, answer: dict) -> None:
        data = memoryview(json.dumps(answer).encode("ascii") + b"\n")
        with self._lock:
            while data:
                data = data[os.write(self._fd, data):]


class Child:
    """A process, in a session of its own, whose output is collected in memory."""

    def __init__(self, request: dict) -> None:
        argv = request.get("argv") or ["/bin/bash", "-c", request["script"]]
        stdin = base64.b64decode(request.get("stdin", ""))
        self.out = bytearray()
        self.err = bytearray()
        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            cwd="/root", env={**os.environ, "HOME": "/root", "LC_ALL": "C.UTF-8", **request.get("env", {})})
        self.pid = self._process.pid
        self._threads = [
            threading.Thread(target=self._collect, args=(self._process.stdout, self.out), daemon=True),
            threading.Thread(target=self._collect, args=(self._process.stderr, self.err), daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        threading.Thread(target=self._feed, args=(stdin,), daemon=True).start()

    @staticmethod
    def _collect(pipe, buffer: bytearray) -> None:
        while block := os.read(pipe.fileno(), 1 << 16):
            buffer += block[:max(0, OUTPUT_LIMIT - len(buffer))]

    def _feed(self, data: bytes) -> None:
        try:
            with self._process.stdin as pipe:
                pipe.write(data)
        except BrokenPipeError:
            pass  # it does not read its input

    def wait(self, timeout: float | None) -> bool:
        """False when the limit has passed. What the process has left in the background does not count."""
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        for thread in self._threads:
            thread.join(0.5)
        return True

    def kill(self, number: int) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            pass  # it has ended

    def state(self) -> dict:
        return {"rc": self._process.poll(), "out": encode(self.out), "err": encode(self.err)}


class Agent:
    def __init__(self, port: Port) -> None:
        self._port = port
        self._children: dict[int, Child] = {}

    def serve(self) -> None:
        for line in self._port.lines():
            try:
                request = json.loads(line)
            except ValueError:
                continue  # the rest of a line whose sender went away
            if request["op"] == "ping":
                self._port.send({"id": request["id"]})
            else:
                threading.Thread(target=self._answer, args=(request,), daemon=True).start()

    def _answer(self, request: dict) -> None:
        try:
            answer = getattr(self, "op_" + request["op"])(request)
        except Exception as error:  # whatever it is, the host has to hear of it
            answer = {"error": f"{type(error).__name__}: {error}"}
        self._port.send({"id": request["id"], **answer})

    def op_resumed(self, request: dict) -> dict:
        """After this guest has been a file for a while: the time of now, random numbers of its own."""
        time.clock_settime(time.CLOCK_REALTIME, request["time"])
        seed = base64.b64decode(request["seed"])
        with open("/dev/random", "wb", buffering=0) as random:
            fcntl.ioctl(random, RNDADDENTROPY, struct.pack("ii", 8 * len(seed), len(seed)) + seed)
            fcntl.ioctl(random, RNDRESEEDCRNG)
        return {}

    def op_exec(self, request: dict) -> dict:
        child = Child(request)
        timed_out = not child.wait(request.get("timeout"))
        if timed_out:
            child.kill(signal.SIGKILL)
            child.wait(5)
        return {"timed_out": timed_out, **child.state()}

    def op_spawn(self, request: dict) -> dict:
        child = Child(request)
        self._children[child.pid] = child
        return {"pid": child.pid}

    def op_poll(self, request: dict) -> dict:
        return self._children[request["pid"]].state()

    def op_wait(self, request: dict) -> dict:
        child = self._children[request["pid"]]
        return {"timed_out": not child.wait(request.get("timeout")), **child.state()}

    def op_kill(self, request: dict) -> dict:
        self._children[request["pid"]].kill(request["signal"])
        return {}

    def op_write(self, request: dict) -> dict:
        flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if request["append"] else os.O_TRUNC)
        os.makedirs(os.path.dirname(request["path"]), exist_ok=True)
        fd = os.open(request["path"], flags, request.get("mode", 0o644))
        with os.fdopen(fd, "wb") as file:
            file.write(base64.b64decode(request["data"]))
        return {}

    def op_read(self, request: dict) -> dict:
        with open(request["path"], "rb") as file:
            file.seek(request["offset"])
            return {"data": encode(file.read(request["size"]))}


def lock_memory() -> None:
    current_and_future = 1 | 2
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(current_and_future) != 0:
        raise OSError(ctypes.get_errno(), "mlockall")


def main() -> None:
    while not os.path.exists(PORT):
        time.sleep(IDLE_SECONDS)
    threading.stack_size(256 << 10)  # locked, so no more of it than needed
    lock_memory()
    Agent(Port(PORT)).serve()


if __name__ == "__main__":
    sys.exit(main())
