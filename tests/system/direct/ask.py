"""Speaks to a server's executor in place of its link: asks for one operation, tells its reports, ends with it.

Usage: ask.py '{"type": "deliver", "operation": {…}}'   each message of the executor is a line of the output
       ask.py --follow OPERATION                        after a crash: only listens until that operation is over
"""
import json
import socket
import struct
import sys
import time


def connect(end):
    while True:
        try:
            link = socket.socket(socket.AF_UNIX)
            link.connect("/run/fairlead/executor.sock")
            return link
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def read_exactly(link, size):
    data = b""
    while len(data) < size:
        more = link.recv(size - len(data))
        if not more:
            raise ConnectionError("the executor closed the socket")
        data += more
    return data


def read(link):
    (size,) = struct.unpack(">I", read_exactly(link, 4))
    return json.loads(read_exactly(link, size))


def send(link, message):
    body = json.dumps(message).encode()
    link.sendall(struct.pack(">I", len(body)) + body)


def main():
    end = time.monotonic() + 600
    follow = sys.argv[1] == "--follow"
    message = None if follow else json.loads(sys.argv[1])
    wanted = sys.argv[2] if follow else message["operation"]["id"]
    link = connect(end)
    if message:
        send(link, message)
    else:
        send(link, {"type": "query", "operation": wanted})
    while time.monotonic() < end:
        link.settimeout(max(1, end - time.monotonic()))
        said = read(link)
        print(json.dumps(said), flush=True)
        if said["type"] == "idle":
            link = connect(end)
        if said["type"] != "reports":
            continue
        send(link, {"type": "ack", "seq": said["reports"][-1]["seq"]})
        if any(one["operation"] == wanted and one["kind"] == "finished" for one in said["reports"]):
            return
    sys.exit("not over in time")


main()
