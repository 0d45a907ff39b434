#include "common/runtime/process.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <thread>

using namespace fairlead;
using namespace std::chrono_literals;

namespace {

Command shell(std::string script) {
    Command command;
    command.argv = {"sh", "-c", std::move(script)};
    return command;
}

} // namespace

TEST_SUITE("common/runtime/process") {

    TEST_CASE("output of both streams and the exit code come back") {
        auto ended = run(shell("echo out; echo err >&2; exit 3")).value();
        CHECK(ended.status == 3);
        CHECK(ended.output == "out\nerr\n");
        CHECK(!ended.ok());
    }

    TEST_CASE("a word of the argument vector is never read by a shell") {
        Command command;
        command.argv = {"printf", "%s", "$(id); `id` > /tmp/x"};
        CHECK(run(command).value().output == "$(id); `id` > /tmp/x");
    }

    TEST_CASE("input is given and closed, also when it is larger than a pipe and nobody reads it") {
        auto command = shell("wc -c");
        command.input = std::string(1 << 20, 'x');
        CHECK(run(command).value().output == "1048576\n");
        auto deaf = shell("exec 0<&-; exit 0");
        deaf.input = std::string(1 << 20, 'x');
        CHECK(run(deaf).value().status == 0);
    }

    TEST_CASE("output beyond the limit loses its middle, and says so") {
        auto command = shell("echo first; head -c 300000 /dev/zero | tr '\\0' x; echo; echo last");
        command.output_limit = 10000;
        auto output = run(command).value().output;
        CHECK(output.size() < 21000);
        CHECK(output.starts_with("first\n"));
        CHECK(output.ends_with("last\n"));
        CHECK(output.find("bytes left out") != std::string::npos);
    }

    TEST_CASE("lines come one by one, the last one also without its newline") {
        std::vector<std::string> lines;
        auto command = shell("printf 'one\\ntwo\\r\\nthree'");
        command.on_line = [&](std::string_view line) { lines.emplace_back(line); };
        CHECK(run(command).value().output.empty());
        CHECK(lines == std::vector<std::string>{"one", "two", "three"});
    }

    TEST_CASE("the deadline ends the whole group") {
        auto command = shell("sleep 1000 & echo $!; wait");
        command.deadline = 1s;
        auto ended = run(command).value();
        CHECK(ended.timed_out);
        auto orphan = std::stoi(ended.output);
        // Killed with its group; an init may still have to reap it.
        CHECK(run(shell("ps -o stat= -p " + std::to_string(orphan) + " | grep -v Z"))
                  .value()
                  .output.empty());
    }

    TEST_CASE("a stop request ends it at once") {
        std::stop_source stop;
        auto command = shell("echo ready; exec sleep 1000");
        command.stop = stop.get_token();
        command.on_line = [&](std::string_view) { stop.request_stop(); };
        CHECK(run(command).value().stopped);
    }

    TEST_CASE("a program that is not there is told by name") {
        Command command;
        command.argv = {"no-such-program"};
        CHECK(run(command).error().kind() == Errc::not_found);
        command.argv = {"/no/such/program"};
        CHECK(run(command).error().kind() == Errc::not_found);
        command.argv = {"true"};
        command.user = "nobody-of-that-name";
        CHECK(run(command).error().message().find("nobody-of-that-name") != std::string::npos);
    }

    TEST_CASE("the child gets no descriptor but its three and no environment but what was given") {
        auto command =
            shell("ls /proc/self/fd | wc -l; env | sort | grep -v '^PWD\\|^_\\|^SHLVL\\|^OLDPWD'");
        command.environment = {{"MARK", "1"}, {"HOME", "/nowhere"}};
        auto output = run(command).value().output;
        CHECK(output.starts_with("4\n")); // 0, 1, 2 and the folder that ls reads
        CHECK(output.ends_with("HOME=/nowhere\nLANG=C.UTF-8\nMARK=1\nPATH=/usr/local/sbin:/usr/"
                               "local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"));
    }

    TEST_CASE("one program's output is another's input, of any size, and either failure is told") {
        auto produce = shell("head -c 3000000 /dev/zero");
        auto consume = shell("[ $(wc -c) = 3000000 ]");
        CHECK(run_piped(produce, consume));
        auto broken =
            run_piped(shell("head -c 100000; echo spoilt >&2; exit 3"), shell("cat >/dev/null"));
        REQUIRE(!broken);
        CHECK(broken.error().message().find("spoilt") != std::string::npos);
        auto deaf = run_piped(shell("yes"), shell("echo full >&2; exit 1"));
        REQUIRE(!deaf);
        CHECK(deaf.error().message().find("full") != std::string::npos);
        Command absent;
        absent.argv = {"no-such-program"};
        CHECK(run_piped(absent, shell("cat")).error().kind() == Errc::not_found);
        CHECK(run_piped(shell("echo"), absent).error().kind() == Errc::not_found);
    }

    TEST_CASE("standard output can go elsewhere, and what is said beside it comes back") {
        auto pipe = make_pipe();
        auto command = shell("echo out; echo err >&2");
        command.output_to = std::make_shared<Descriptor>(std::move(pipe.write));
        CHECK(run(command).value().output == "err\n");
        char text[16] = {};
        CHECK(::read(pipe.read.get(), text, sizeof text) == 4);
        CHECK(std::string(text) == "out\n");
        // Nobody else holds the other end.
        CHECK(::read(pipe.read.get(), text, sizeof text) == 0);
    }

    TEST_CASE("run_ok names the program and the end of its output") {
        auto failed = run_ok(shell("echo it broke; exit 2"));
        CHECK(failed.error().message() == "sh failed with exit code 2: it broke");
    }
}
