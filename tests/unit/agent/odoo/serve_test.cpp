#include "agent/odoo/request_counts.hpp"
#include "agent/odoo/serve.hpp"
#include "common/runtime/process.hpp"
#include "common/store/memory_db.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

using namespace fairlead;
using namespace fairlead::odoo;

namespace {

/// Runs the script over a package `odoo` of these files; what it says.
std::string say(const std::vector<std::pair<std::string, std::string>>& files) {
    store::TemporaryFolder folder;
    auto write = [&](const std::string& name, std::string_view text) {
        auto file = folder.path() / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file) << text;
    };
    write("odoo/__init__.py", "");
    write("odoo/service/__init__.py", "");
    for (const auto& [name, text] : files) write(name, text);
    Installation i{folder.path(), {},     "/usr/bin/python3",        "/none",
                   "/none",       "shop", folder.path() / "serve.py"};
    write("serve.py", serve_script(i));
    Command command;
    command.argv = serve_command(i);
    command.environment = {{"NOTIFY_SOCKET", (folder.path() / "notify").string()}};
    auto said = run_ok(command);
    REQUIRE(said);
    return *said;
}

} // namespace

TEST_SUITE("agent/odoo/serve") {

    TEST_CASE("the server runs by the release's own script, from Odoo's own tree") {
        Installation i{"/trees/o\"d\\d", {},        "/venv/bin/python", "/r/odoo.conf",
                       "/data",          "fl-shop", "/r/serve.py"};
        CHECK(
            serve_command(i) ==
            std::vector<std::string>{"/venv/bin/python", "/r/serve.py", "-c", "/r/odoo.conf"}
        );
        auto script = serve_script(i);
        CHECK(script.find("sys.path[0] = \"/trees/o\\\"d\\\\d\"\n") != std::string::npos);
        CHECK(script.find("time.monotonic() + 45\n") != std::string::npos);
        CHECK(script.find("time.monotonic() + 20\n") != std::string::npos);
        CHECK(script.find("b\"STATUS=serving\"") != std::string::npos);
        CHECK(script.find("{}") == std::string::npos);
    }

    TEST_CASE("lines for the journal have their level before them, and others do not") {
        store::TemporaryFolder folder;
        auto write = [&](const char* name, std::string_view text) {
            auto file = folder.path() / name;
            std::filesystem::create_directories(file.parent_path());
            std::ofstream(file) << text;
        };
        write("odoo/__init__.py", "");
        write("odoo/cli.py", R"(import logging

def main():
    logging.basicConfig(level=logging.DEBUG, format="%(message)s")
    logging.debug("d")
    logging.info("i")
    logging.warning("w\nof two lines")
    logging.error("e")
)");
        Installation i{folder.path(), {},     "/usr/bin/python3",        "/none",
                       "/none",       "shop", folder.path() / "serve.py"};
        write("serve.py", serve_script(i));
        auto run = [&](const std::string& told) {
            Command command;
            // "gevent": without what waits for Odoo's own parts.
            command.argv = {
                "/bin/sh", "-c",
                "cd '" + folder.path().string() + "'; exec 2>said; " + told +
                    " python3 serve.py gevent; cat said"};
            auto said = run_ok(command);
            REQUIRE(said);
            return *said;
        };
        CHECK(
            run("JOURNAL_STREAM=$(stat -L -c %d:%i said)") ==
            "<7>d\n<6>i\n<4>w\n<4>of two lines\n<3>e\n"
        );
        const std::string plain = "d\ni\nw\nof two lines\ne\n";
        CHECK(run("JOURNAL_STREAM=1:2") == plain);
        CHECK(run("") == plain);
    }

    TEST_CASE("it says when it serves, and ends when the requests have [stand-in for Odoo]") {
        const std::string stop = "    def stop(self):\n        print('port let go', flush=True)\n";
        std::string methods = stop, expected = "loaded shop\nSTATUS=serving\nport let go\n"
                                               "request ended\ndatabase let go\n";
        SUBCASE("as Odoo is today") {}
        SUBCASE("where its server has no such method") {
            methods = "    pass\n";
            expected = "loaded shop\nSTATUS=serving\ndatabase let go\n";
        }
        auto said = say({
            {"odoo/service/server.py", "def preload_registries(names):\n"
                                       "    print('loaded', *names, flush=True)\n"
                                       "class CommonServer:\n" +
                                           methods},
            {"odoo/cli.py", R"(import os, socket, threading
from odoo.service import server

def main():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(os.environ["NOTIFY_SOCKET"])
        server.preload_registries(["shop"])
        print(systemd.recv(100).decode(), flush=True)
    if hasattr(server.CommonServer, "stop"):
        let_go = threading.Event()
        def request():
            let_go.wait()
            print("request ended", flush=True)
        thread = threading.Thread(target=request)
        thread.type = "http"
        thread.start()
        threading.Timer(0.2, let_go.set).start()
        server.CommonServer().stop()
    print("database let go", flush=True)
)"},
        });
        CHECK(said == expected);
    }

    TEST_CASE("requests wait for a connection to the database [stand-in for Odoo]") {
        const std::string pool = R"(import threading

class PoolError(Exception):
    pass

class ConnectionPool:
    free = True
    full = threading.Event()
    def borrow(self, dsn):
        if not self.free:
            self.full.set()
            raise PoolError("The Connection Pool Is Full")
        return dsn
)";
        std::string cli, expected;
        SUBCASE("and get it once another gave one back") {
            cli = R"(import threading
from odoo import sql_db

def main():
    pool = sql_db.ConnectionPool()
    pool.free = False
    thread = threading.Thread(target=lambda: print("got", pool.borrow("shop")))
    thread.start()
    pool.full.wait()
    print("waits", flush=True)
    pool.free = True
    thread.join()
)";
            expected = "waits\ngot shop\n";
        }
        SUBCASE("but not for ever") {
            cli = R"(import itertools, time
from odoo import sql_db

def main():
    time.monotonic = itertools.count(0, 10).__next__
    pool = sql_db.ConnectionPool()
    pool.free = False
    try:
        pool.borrow("shop")
    except sql_db.PoolError as error:
        print(error)
)";
            expected = "The Connection Pool Is Full\n";
        }
        const std::string server = "def preload_registries(names):\n    pass\n"
                                   "class CommonServer:\n    pass\n";
        CHECK(
            say({{"odoo/service/server.py", server}, {"odoo/sql_db.py", pool}, {"odoo/cli.py", cli}}
            ) == expected
        );
    }

    TEST_CASE("requests are counted by all workers together [stand-in for Odoo]") {
        store::TemporaryFolder folder;
        auto write = [&](const char* name, std::string_view text) {
            auto file = folder.path() / name;
            std::filesystem::create_directories(file.parent_path());
            std::ofstream(file) << text;
        };
        write("odoo/__init__.py", "");
        write("odoo/service/__init__.py", "");
        write("odoo/service/server.py", R"(def preload_registries(names):
    pass

class CommonServer:
    def __init__(self, app):
        self.app = app
)");
        write("odoo/cli.py", R"(import os
from odoo.service.server import CommonServer

def app(environ, start_response):
    if environ["PATH_INFO"] == "/broken":
        raise ValueError
    start_response("503 Busy" if environ["PATH_INFO"] == "/busy" else "200 OK", [], exc_info=None)
    return [b"x"]

def main():
    serve = CommonServer(app).app
    def ask(path):
        try:
            return serve({"PATH_INFO": path}, lambda status, headers, exc_info: None)
        except ValueError:
            pass
    workers = []
    for _ in range(3):
        worker = os.fork()
        if worker == 0:
            for _ in range(50):
                ask("/web")
            os._exit(0)
        workers.append(worker)
    for path in ("/busy", "/broken", "/websocket", "/longpolling/poll"):
        ask(path)
    for worker in workers:
        os.waitpid(worker, 0)
)");
        Installation i{folder.path(), {},     "/usr/bin/python3",        "/none",
                       "/none",       "shop", folder.path() / "serve.py"};
        write("serve.py", serve_script(i));
        auto file = folder.path() / request_counts_file;
        CHECK(!read_request_counts(file));
        Command command;
        command.argv = serve_command(i);
        command.environment = {{"RUNTIME_DIRECTORY", folder.path().string()}};
        REQUIRE(run_ok(command));
        auto counts = read_request_counts(file);
        REQUIRE(counts);
        CHECK(counts->requests == 152);
        CHECK(counts->failures == 2);
        // As the process for websockets that Odoo starts beside its workers.
        REQUIRE(run_ok(command));
        counts = read_request_counts(file);
        REQUIRE(counts);
        CHECK(counts->requests == 304);

        std::filesystem::remove(file);
        write("odoo/service/server.py", R"(def preload_registries(names):
    pass

class CommonServer:
    pass
)");
        write("odoo/cli.py", "def main():\n    pass\n");
        REQUIRE(run_ok(command));
        CHECK(!read_request_counts(file));
    }

    TEST_CASE("what is no plain file of counts is none") {
        store::TemporaryFolder folder;
        auto file = folder.path() / "requests";
        std::ofstream(file) << "FLREQ001";
        CHECK(!read_request_counts(file)); // too short
        std::ofstream(file) << std::string(32, 'x');
        CHECK(!read_request_counts(file));
        std::ofstream(file) << "FLREQ001" << std::string(24, '\0');
        CHECK(read_request_counts(file));
        std::filesystem::create_symlink(file, folder.path() / "link");
        CHECK(!read_request_counts(folder.path() / "link"));
        CHECK(!read_request_counts(folder.path()));
    }
}
