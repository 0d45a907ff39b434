#include "agent/odoo/serve.hpp"
#include "common/runtime/process.hpp"
#include "common/store/memory_db.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

using namespace fairlead;
using namespace fairlead::odoo;

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
        CHECK(script.find("b\"STATUS=serving\"") != std::string::npos);
        CHECK(script.find('{') == std::string::npos);
    }

    TEST_CASE("it says when it serves, and ends when the requests have [stand-in for Odoo]") {
        store::TemporaryFolder folder;
        auto write = [&](const char* name, std::string_view text) {
            auto file = folder.path() / name;
            std::filesystem::create_directories(file.parent_path());
            std::ofstream(file) << text;
        };
        const std::string stop = "    def stop(self):\n        print('port let go', flush=True)\n";
        std::string methods = stop, expected = "loaded shop\nSTATUS=serving\nport let go\n"
                                               "request ended\ndatabase let go\n";
        SUBCASE("as Odoo is today") {}
        SUBCASE("where its server has no such method") {
            methods = "    pass\n";
            expected = "loaded shop\nSTATUS=serving\ndatabase let go\n";
        }
        write("odoo/__init__.py", "");
        write("odoo/service/__init__.py", "");
        write(
            "odoo/service/server.py", "def preload_registries(names):\n"
                                      "    print('loaded', *names, flush=True)\n"
                                      "class CommonServer:\n" +
                                          methods
        );
        write("odoo/cli.py", R"(import os, socket, threading
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
)");
        Installation i{folder.path(), {},     "/usr/bin/python3",        "/none",
                       "/none",       "shop", folder.path() / "serve.py"};
        write("serve.py", serve_script(i));
        Command command;
        command.argv = serve_command(i);
        command.environment = {{"NOTIFY_SOCKET", (folder.path() / "notify").string()}};
        auto said = run_ok(command);
        REQUIRE(said);
        CHECK(*said == expected);
    }
}
