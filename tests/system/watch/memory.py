"""Watches the memory of all processes that run one of some programs, until a file is gone.

Usage: memory.py FILE NAME…

Looks twenty times a second, and prints as JSON, in KiB: "together", the most that they had at one moment, what they share with
others (programs, libraries) divided among them; and "each", the most that each had resident, by name and first argument.
"""
import json
import os
import sys
import time


def processes(names):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            # A worker is started by /proc/self/exe, so the process's own name would not tell.
            name = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
            if name not in names:
                continue
            with open(f"/proc/{pid}/status") as file:
                status = dict(line.split(":", 1) for line in file)
            with open(f"/proc/{pid}/smaps_rollup") as file:
                rollup = dict(line.split(":", 1) for line in file if line.startswith("Pss:"))
            with open(f"/proc/{pid}/cmdline") as file:
                words = file.read().split("\0")
            # Without memory it is ending.
            if "VmHWM" in status and rollup:
                yield f"{name} {words[1] if len(words) > 1 else ''}".rstrip(), kib(rollup["Pss"]), kib(status["VmHWM"])
        except OSError:
            pass  # it has ended, or is none of ours


def kib(text):
    return int(text.split()[0])


def main(file, names):
    together, each = 0, {}
    while os.path.exists(file):
        now = 0
        for name, has, most in processes(names):
            now += has
            each[name] = max(each.get(name, 0), most)
        together = max(together, now)
        time.sleep(0.05)
    print(json.dumps({"together": together, "each": each}))


main(sys.argv[1], set(sys.argv[2:]))
