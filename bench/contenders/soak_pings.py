"""Ask a server for its health every 20 ms for some seconds, in a process of its own, and print how long the answers took.

The route does nothing but pass through the event loop, so what it takes longer than alone is the loop's delay.
"""

import http.client
import json
import sys
import time
from urllib.parse import urlsplit

INTERVAL_SECONDS = 0.02


def ping(url: str, seconds: float) -> list[float]:
    """Return the milliseconds of all answers, sorted. One that is overdue delays the next, which counts from its time."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    took: list[float] = []
    began = due = time.perf_counter()
    while due < began + seconds:
        time.sleep(max(0.0, due - time.perf_counter()))
        connection.request("GET", address.path)
        connection.getresponse().read()
        took.append(1000 * (time.perf_counter() - due))
        due += INTERVAL_SECONDS
    return sorted(took)


if __name__ == "__main__":
    found = ping(sys.argv[1], float(sys.argv[2]))
    print(
        json.dumps(
            {
                "ping_p50_ms": found[len(found) // 2],
                "ping_p99_ms": found[len(found) * 99 // 100],
                "ping_max_ms": found[-1],
            }
        )
    )
