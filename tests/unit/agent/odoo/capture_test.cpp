#include "agent/odoo/capture.hpp"
#include "common/runtime/process.hpp"
#include "common/store/memory_db.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

using namespace fairlead;
using namespace fairlead::odoo;

namespace {

constexpr const char* program = R"py(
import socket, sys, threading

assert "smtplib" not in sys.modules, "Python starts with nothing more than before"
import smtplib

listener = socket.create_server(("127.0.0.1", 0))
sys.modules["sitecustomize"].PORT = listener.getsockname()[1]
heard = []


def serve():
    while True:
        stream = listener.accept()[0].makefile("rwb", 0)
        stream.write(b"220 here\r\n")
        text = False
        for line in stream:
            line = line.strip().decode()
            word = line.split(" ")[0].upper()
            if text:
                if line == ".":
                    text = False
                    stream.write(b"250 kept\r\n")
                continue
            heard.append(line)
            text = word == "DATA"
            stream.write(
                b"250-here\r\n250 AUTH PLAIN\r\n" if word == "EHLO" else b"235 in\r\n" if word == "AUTH"
                else b"354 go\r\n" if text else b"250 fine\r\n"
            )


threading.Thread(target=serve, daemon=True).start()
for kind, host in ((smtplib.SMTP, "mail.example.org"), (smtplib.SMTP_SSL, "10.0.0.1"), (smtplib.LMTP, "/run/lmtp")):
    mail = kind(host, timeout=10)
    if kind is smtplib.SMTP:
        mail.starttls()
        mail.login("of the real server", "its password")
    mail.sendmail("a@x", ["b@y"], "Subject: x\r\n\r\nx")
    mail.quit()
print(sum(line == "AUTH PLAIN AHNob3AAYzBmZmVl" for line in heard), "password" in str(heard), len(heard))
)py";

} // namespace

TEST_SUITE("agent/odoo/capture") {

    TEST_CASE(
        "whichever mail server Python means, it speaks to the sink, and shows it no other password"
    ) {
        store::TemporaryFolder folder;
        auto write = [&](const char* name, std::string_view text) {
            std::ofstream(folder.path() / name) << text;
        };
        MailSink sink;
        sink.port = 1; // the program finds another
        sink.user = "shop";
        sink.password = "c0ffee";
        write("sitecustomize.py", capture_script(sink));
        write("program.py", program);
        Command command;
        command.argv = {"/usr/bin/python3", (folder.path() / "program.py").string()};
        command.environment = {{"PYTHONPATH", folder.path().string()}};
        auto said = run_ok(command);
        REQUIRE_MESSAGE(said, said.error().message());
        CHECK(said->starts_with("3 False 18"));
    }
}
