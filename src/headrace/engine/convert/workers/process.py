"""Worker processes: one of them, and the pool that serves one conversion."""

from __future__ import annotations

import contextlib
import selectors
import socket
import subprocess
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, Final

from headrace.engine.convert.workers.messages import MessageDecoder, WorkerReply, encode_message
from headrace.engine.threads import Stop
from headrace.errors import WorkerProcessError
from headrace.subprocesses.interpreter import how_it_ended, start_interpreter

# A request to stop is noticed within this time, in seconds.
_POLL_SECONDS: Final = 0.05
_BUFFER_BYTES: Final = 1024 * 1024
_EXIT_SECONDS: Final = 5.0


class WorkerProcess:
    """A worker process that receives messages and replies in the same order.

    It is a fresh interpreter, not a fork: it runs nothing of the caller's program and inherits only the file
    descriptors ``keep``. It ends when its socket closes, so it never outlives this process.
    """

    def __init__(self, keep: Sequence[int] = ()) -> None:
        self.socket, self._process = start_interpreter(
            "headrace.engine.convert.workers.child", keep=keep
        )
        self.socket.setblocking(False)
        # As large as the system allows: what is not sent at once waits for the next message.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        self.pending = 0
        self._outgoing: deque[memoryview] = deque()
        self._decoder = MessageDecoder()
        self._replies: deque[WorkerReply] = deque()

    @property
    def pid(self) -> int:
        """The process id."""
        pid: int = self._process.pid
        return pid

    @property
    def has_more_to_send(self) -> bool:
        """Whether messages wait to be sent."""
        return bool(self._outgoing)

    def post(self, message: Any) -> None:
        """Send a message, now or as soon as the socket takes it."""
        self.pending += 1
        self._outgoing.append(memoryview(encode_message(message)))
        self.send()

    def send(self) -> None:
        """Send as much as possible without blocking."""
        while self._outgoing:
            try:
                sent = self.socket.send(self._outgoing[0])
            except BlockingIOError:
                return
            except OSError:
                # The process ended; its last replies can still be read, and say why.
                self._outgoing.clear()
                return
            self._outgoing[0] = self._outgoing[0][sent:]
            if not self._outgoing[0]:
                self._outgoing.popleft()

    def read(self) -> None:
        """Read the replies that have arrived. Raises WorkerProcessError if the process has ended."""
        try:
            data = self.socket.recv(_BUFFER_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            raise self._exit_error()
        self._replies += self._decoder.add(data)

    def reply(self) -> WorkerReply | None:
        """Return the next reply, or None if it has not arrived."""
        if not self._replies:
            return None
        self.pending -= 1
        return self._replies.popleft()

    def end(self) -> None:
        """Let the process end, and wait for it."""
        self.socket.close()
        try:
            self._process.wait(_EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill(self) -> None:
        """Kill the process."""
        self._process.kill()
        self.end()

    def _exit_error(self) -> WorkerProcessError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_EXIT_SECONDS)
        how = how_it_ended(self._process.returncode)
        return WorkerProcessError(
            f"a worker process ended before it had finished ({how})",
            hint="run it again; with workers=1 all work stays in this process",
        )


class WorkerPool:
    """Worker processes with the same job. End it with :meth:`end` or :meth:`kill`."""

    def __init__(self, count: int, job: Any, stop: Stop, *, keep: Sequence[int] = ()) -> None:
        self._stop = stop
        self._selector = selectors.DefaultSelector()
        self.workers: list[WorkerProcess] = []
        try:
            for _ in range(count):
                worker = WorkerProcess(keep)
                self.workers.append(worker)
                self._selector.register(worker.socket, selectors.EVENT_READ, worker)
                worker.post(job)
        except BaseException:
            self.kill()
            raise

    def least_busy(self) -> WorkerProcess:
        """Return the worker with the fewest unanswered messages."""
        return min(self.workers, key=lambda worker: worker.pending)

    def reply(self, worker: WorkerProcess) -> WorkerReply:
        """Wait for the next reply of a worker; the sockets of all workers are served meanwhile.

        Raises :class:`~headrace.errors.WorkerProcessError` if a process ends.
        """
        while (reply := worker.reply()) is None:
            self._stop.check()
            self._serve_sockets()
        return reply

    def end(self) -> None:
        """Let all processes end."""
        for worker in self._remove_all():
            worker.end()

    def kill(self) -> None:
        """Kill all processes."""
        for worker in self._remove_all():
            worker.kill()

    def _remove_all(self) -> Iterator[WorkerProcess]:
        self._selector.close()
        while self.workers:
            yield self.workers.pop()

    def _serve_sockets(self) -> None:
        for worker in self.workers:
            sending = selectors.EVENT_WRITE if worker.has_more_to_send else 0
            self._selector.modify(worker.socket, selectors.EVENT_READ | sending, worker)
        for key, events in self._selector.select(_POLL_SECONDS):
            if events & selectors.EVENT_WRITE:
                key.data.send()
            if events & selectors.EVENT_READ:
                key.data.read()
