"""Asks a page on a schedule of its own, whatever the answers do, and tells what became of each request.

Usage: open_loop.py PORT STOP_FILE [--host NAME] [--tls CA_FILE] [--rate 10] [--slow 6]

Three clients at once: one that opens a connection for each of `rate` requests a second; one that keeps a connection
where the server lets it; one that always has a request under way that takes `slow` seconds. Ends when the stop file is
there, or after 280 s, and prints one JSON object. At most 3000 requests are under way: what comes on top fails.
"""
import argparse
import http.client
import json
import os
import ssl
import threading
import time

LONGEST = 280
MOST = 3000


class Tally:
    def __init__(self):
        self.lock = threading.Lock()
        self.sent = self.failed = 0
        self.failures = []
        self.codes = {}
        self.longest = 0.0
        self.reused = 0

    def told(self, due, why=None, code=None):
        with self.lock:
            waited = time.monotonic() - due
            self.sent += 1
            self.longest = max(self.longest, waited)
            if why is None:
                self.codes[code] = self.codes.get(code, 0) + 1
                return
            self.failed += 1
            if len(self.failures) < 20:
                self.failures.append(f"{why} after {waited:.2f} s")

    def text(self):
        return {"sent": self.sent, "failed": self.failed, "failures": self.failures, "codes": self.codes,
                "longest_ms": round(self.longest * 1000), "reused": self.reused}


class Client:
    def __init__(self, options, tally):
        self.options, self.tally = options, tally

    def connection(self):
        if not self.options.tls:
            return http.client.HTTPConnection("127.0.0.1", self.options.port, timeout=70)
        context = ssl.create_default_context(cafile=self.options.tls)
        return http.client.HTTPSConnection(self.options.host, self.options.port, timeout=70, context=context)

    def ask(self, connection, path, due):
        try:
            connection.request("GET", path, headers={"Host": self.options.host})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                self.tally.told(due, f"{path}: status {answer.status} {body[:100]!r}")
                return
            self.tally.told(due, code=json.loads(body)["code"])
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            self.tally.told(due, f"{path}: {type(error).__name__} {error}")
            connection.close()

    def once(self, path, due):
        connection = self.connection()
        self.ask(connection, path, due)
        connection.close()

    def kept(self, stop):
        connection = self.connection()
        while not stop.is_set():
            if connection.sock is not None:
                self.tally.reused += 1
            self.ask(connection, "/fl_demo", time.monotonic())
            stop.wait(0.2)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("stop_file")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--tls")
    parser.add_argument("--rate", type=float, default=10)
    parser.add_argument("--slow", type=float, default=6)
    options = parser.parse_args()

    tallies = {name: Tally() for name in ("plain", "kept", "slow")}
    plain, slow = Client(options, tallies["plain"]), Client(options, tallies["slow"])
    stop = threading.Event()
    keeper = threading.Thread(target=Client(options, tallies["kept"]).kept, args=(stop,))
    keeper.start()
    threads = []
    begun = time.monotonic()

    def launch(client, path, due):
        threads[:] = [thread for thread in threads if thread.is_alive()]
        if len(threads) >= MOST:
            client.tally.told(due, f"{path}: {MOST} requests are under way")
            return
        threads.append(threading.Thread(target=client.once, args=(path, due)))
        threads[-1].start()

    number = 0
    next_slow = begun
    while not os.path.exists(options.stop_file) and time.monotonic() - begun < LONGEST:
        due = begun + number / options.rate
        time.sleep(max(0.0, due - time.monotonic()))
        launch(plain, "/fl_demo", due)
        if options.slow and due >= next_slow:
            launch(slow, f"/fl_demo/slow?seconds={options.slow}", due)
            next_slow += options.slow
        number += 1
    stop.set()
    for thread in [*threads, keeper]:
        thread.join()
    print(json.dumps({name: tally.text() for name, tally in tallies.items()}))


main()
