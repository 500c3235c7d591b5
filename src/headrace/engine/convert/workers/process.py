"""A worker process, and the crew of them that one conversion has."""

from __future__ import annotations

import contextlib
import selectors
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, Final

from headrace.engine.convert.workers.channel import Inbox, framed
from headrace.engine.convert.workers.messages import Answer
from headrace.engine.threads import Stop
from headrace.errors import WorkerProcessError

# A stop that is asked for is noticed within this time, in seconds.
_LOOK: Final = 0.05
_PIECE: Final = 1024 * 1024
_PATIENCE: Final = 5.0


class WorkerProcess:
    """One process of ours: messages go in, answers come out in the same order.

    It is a fresh interpreter, not a copy of this process, so nothing of the caller's program is run or inherited but
    the handles ``keep``. It ends when its socket closes, and so with this process, however that ends.
    """

    def __init__(self, keep: Sequence[int] = ()) -> None:
        self.socket, theirs = socket.socketpair()
        code = f"import sys; sys.path[:] = {sys.path!r}; from headrace.engine.convert.workers.child import main; main()"
        try:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                pass_fds=keep,
                # Ctrl-C is for the process that was asked; it tells its workers.
                process_group=0,
            )
        except BaseException:
            self.socket.close()
            raise
        finally:
            theirs.close()
        self.socket.setblocking(False)
        # As much as the system allows: what does not go at once waits for the next message.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _PIECE)
        self.asked = 0
        self._outgoing: deque[memoryview] = deque()
        self._inbox = Inbox()
        self._answers: deque[Answer] = deque()

    @property
    def pid(self) -> int:
        """The process's number."""
        pid: int = self._process.pid
        return pid

    @property
    def has_more_to_send(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self._outgoing)

    def post(self, message: Any) -> None:
        """Send a message, now or as soon as it can go."""
        self.asked += 1
        self._outgoing.append(memoryview(framed(message)))
        self.send()

    def send(self) -> None:
        """Send what can go without waiting."""
        while self._outgoing:
            try:
                sent = self.socket.send(self._outgoing[0])
            except BlockingIOError:
                return
            except OSError:
                # The end of what it said is still to be read, and tells why.
                self._outgoing.clear()
                return
            self._outgoing[0] = self._outgoing[0][sent:]
            if not self._outgoing[0]:
                self._outgoing.popleft()

    def read(self) -> None:
        """Take in what is there. Raises WorkerProcessError where the process has ended."""
        try:
            data = self.socket.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            raise self._ended()
        self._answers += self._inbox.add(data)

    def answer(self) -> Answer | None:
        """The next answer, if it is there."""
        if not self._answers:
            return None
        self.asked -= 1
        return self._answers.popleft()

    def end(self) -> None:
        """Let the process end, and wait for that."""
        self.socket.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill(self) -> None:
        """End the process at once; what it was doing does not matter any more."""
        self._process.kill()
        self.end()

    def _ended(self) -> WorkerProcessError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE)
        status = self._process.returncode
        how = f"signal {-status}" if status is not None and status < 0 else f"status {status}"
        return WorkerProcessError(
            f"a worker process ended before its work did ({how})",
            hint="run it again; with one worker it runs in this process alone",
        )


class Crew:
    """Some worker processes with the same job; a context manager that leaves none behind."""

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

    def idlest(self) -> WorkerProcess:
        """The worker with the fewest messages to answer."""
        return min(self.workers, key=lambda worker: worker.asked)

    def answer(self, worker: WorkerProcess) -> Answer:
        """The next answer of a worker; meanwhile all others are served.

        Raises :class:`~headrace.errors.WorkerProcessError` where a process ends.
        """
        while (answer := worker.answer()) is None:
            self._stop.check()
            self._turn()
        return answer

    def end(self) -> None:
        """Let all processes end."""
        for worker in self._leaving():
            worker.end()

    def kill(self) -> None:
        """End all processes at once."""
        for worker in self._leaving():
            worker.kill()

    def _leaving(self) -> Iterator[WorkerProcess]:
        self._selector.close()
        while self.workers:
            yield self.workers.pop()

    def _turn(self) -> None:
        for worker in self.workers:
            sending = selectors.EVENT_WRITE if worker.has_more_to_send else 0
            self._selector.modify(worker.socket, selectors.EVENT_READ | sending, worker)
        for key, events in self._selector.select(_LOOK):
            if events & selectors.EVENT_WRITE:
                key.data.send()
            if events & selectors.EVENT_READ:
                key.data.read()
