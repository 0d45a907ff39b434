#include "agent/odoo/serve.hpp"

#include "agent/odoo/login.hpp"
#include "agent/odoo/python_text.hpp"

#include <fmt/core.h>

namespace fairlead::odoo {
std::string serve_script(const Installation& i) {
    return fmt::format(
        R"(# Written by Fairlead for each release: odoo-bin, with an end that no request is lost by.
import os
import socket
import sys
import threading
import time

os.environ["TZ"] = "UTC"
sys.path[0] = {}

import odoo.cli


def tell_levels():
    """To the journal, which else takes every line for information: by what stands before it, which
    the journal takes off again."""
    import logging

    try:
        device, inode = os.environ.get("JOURNAL_STREAM", "").split(":")
        to = os.fstat(2)
        if (int(device), int(inode)) != (to.st_dev, to.st_ino):
            return
    except (OSError, ValueError):
        return
    write = logging.StreamHandler.format

    def write_with_level(handler, record):
        text = write(handler, record)
        if getattr(handler, "stream", None) is not sys.stderr:
            return text
        level = record.levelno
        mark = "<3>" if level >= 40 else "<4>" if level >= 30 else "<6>" if level >= 20 else "<7>"
        return "\n".join(mark + line for line in text.split("\n"))

    logging.StreamHandler.format = write_with_level


def let_requests_end():
    end = time.monotonic() + {}
    while time.monotonic() < end:
        # Websockets have another type, and were told to go.
        if not any(getattr(thread, "type", None) == "http" for thread in threading.enumerate()):
            return
        time.sleep(0.05)


def say_when_it_serves():
    """To systemd, as the unit's status. Odoo listens long before its modules are loaded."""
    from odoo.service import server

    address = os.environ.get("NOTIFY_SOCKET", "")
    if address.startswith("@"):
        address = "\0" + address[1:]
    load = server.preload_registries

    def load_and_say(names):
        result = load(names)
        if address:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
                systemd.sendto(b"STATUS={}", address)
        return result

    server.preload_registries = load_and_say


def count_requests():
    """Into a file that the agent reads: how many there were, how many failed, and how long they took.
    Workers share it; websockets and long polling, which only wait, are not requests."""
    import fcntl
    import mmap
    import struct

    folder = os.environ.get("RUNTIME_DIRECTORY", "")
    if not folder:
        return

    from odoo.service.server import CommonServer

    build = getattr(CommonServer, "__init__", None)
    if build is object.__init__:
        return  # this version makes its servers in another way
    layout = struct.Struct("=8sQQQ")
    mark = b"FLREQ001"
    try:
        file = os.open(os.path.join(folder, "requests"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        os.fchmod(file, 0o644)
        os.ftruncate(file, layout.size)
        counts = mmap.mmap(file, layout.size)
    except OSError:
        return  # Odoo is worth more than its numbers
    # The process of the websockets comes later, and comes again: what is counted goes on.
    if counts[: len(mark)] != mark:
        layout.pack_into(counts, 0, mark, 0, 0, 0)
    turn = threading.Lock()

    def count(failed, seconds):
        with turn:  # threads, and then processes
            try:
                fcntl.lockf(file, fcntl.LOCK_EX)
            except OSError:
                return
            try:
                _, requests, failures, ms = layout.unpack_from(counts)
                layout.pack_into(
                    counts, 0, mark, requests + 1, failures + failed, ms + round(seconds * 1000)
                )
            finally:
                fcntl.lockf(file, fcntl.LOCK_UN)

    def counted(app):
        def answer(environ, start_response):
            if environ.get("PATH_INFO", "").startswith(("/websocket", "/longpolling/")):
                return app(environ, start_response)
            began = time.monotonic()
            failed = [False]

            def start(status, *more, **named):
                failed[0] = str(status)[:1] == "5"
                return start_response(status, *more, **named)

            try:
                return app(environ, start)
            except BaseException:
                failed[0] = True
                raise
            finally:
                count(failed[0], time.monotonic() - began)

        return answer

    def build_and_count(self, app, *more, **named):
        build(self, counted(app), *more, **named)

    CommonServer.__init__ = build_and_count


def wait_at_the_end():
    from odoo.service.server import CommonServer

    stop = getattr(CommonServer, "stop", None)
    if stop is None:
        return  # there is no moment between the two in this version

    def stop_and_wait(self):
        # After the port is let go and before the database is.
        stop(self)
        let_requests_end()

    CommonServer.stop = stop_and_wait


def wait_for_connections():
    """Requests that waited for a restart come all at once; Odoo fails those beyond its pool's size."""
    try:
        from odoo import sql_db

        pool, full = sql_db.ConnectionPool, sql_db.PoolError
        borrow = pool.borrow
    except (ImportError, AttributeError):
        return  # this version has another pool

    def borrow_or_wait(self, *args, **named):
        end = time.monotonic() + {}
        while True:
            try:
                return borrow(self, *args, **named)
            except full:
                if time.monotonic() >= end:
                    raise
            time.sleep(0.05)

    pool.borrow = borrow_or_wait


{}
if __name__ == "__main__":
    tell_levels()
    if sys.argv[1:2] != ["gevent"]:
        wait_for_connections()
        say_when_it_serves()
        wait_at_the_end()
        answer_links()
        count_requests()
    odoo.cli.main()
)",
        python_text(i.source.string()), drain_limit.count(), serving, connection_limit.count(),
        login_script(i)
    );
}

std::vector<std::string> serve_command(const Installation& i) {
    return {i.python.string(), i.serve.string(), "-c", i.config.string()};
}

} // namespace fairlead::odoo
