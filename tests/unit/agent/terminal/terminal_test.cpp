#include "agent/terminal/processes.hpp"
#include "agent/terminal/recording.hpp"
#include "agent/terminal/terminal.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <thread>

using namespace fairlead;
using namespace fairlead::terminal;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 60'000; // ms, of a test for what should come at once

/// The link's end of a terminal that runs on another thread.
struct Stand {
    explicit Stand(const std::string& script, TerminalOptions options = {}) {
        keep_orphans();
        int pair[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
        link = Descriptor(pair[0]);
        Descriptor peer(pair[1]);
        int small = 16 * 1024;
        ::setsockopt(peer.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
        ::fcntl(peer.get(), F_SETFL, O_NONBLOCK);
        Program program;
        program.argv = {"/bin/sh", "-c", script};
        program.environment = {"PATH=/usr/bin:/bin", "TERM=xterm-256color"};
        auto pty = Pty::start(program, {80, 24});
        REQUIRE_MESSAGE(pty, pty.error().message());
        shell = pty->pid();
        options.stop_fd = stop.get();
        options.policy_fd = changed.get();
        terminal.emplace(std::move(peer), *std::move(pty), std::move(options));
        runner = std::thread([this] {
            end = terminal->run();
            terminal.reset(); // closes the connection
        });
    }
    ~Stand() {
        link.reset();
        if (runner.joinable()) runner.join();
    }

    void say(std::string_view bytes) {
        while (!bytes.empty()) {
            auto written = ::send(link.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            REQUIRE(written > 0);
            bytes.remove_prefix(static_cast<std::size_t>(written));
        }
    }
    void type(std::string_view text) { say(proto::write_input(text)); }
    void hang_up() { ::shutdown(link.get(), SHUT_WR); }
    static void signal(const Descriptor& event) {
        std::uint64_t one = 1;
        CHECK(::write(event.get(), &one, sizeof one) == sizeof one);
    }

    /// One read; false at the end of the connection.
    bool hear() {
        pollfd ready{link.get(), POLLIN, 0};
        REQUIRE(::poll(&ready, 1, patience) == 1);
        char buffer[8192];
        auto got = ::read(link.get(), buffer, sizeof buffer);
        if (got <= 0) return false;
        std::string_view bytes(buffer, static_cast<std::size_t>(got));
        for (;;) {
            auto part = reader.next(bytes);
            REQUIRE(part);
            if (!*part) return true;
            heard += (*part)->bytes;
            if ((*part)->type == proto::TerminalMessage::end) told = (*part)->end;
        }
    }
    bool hears(std::string_view text) {
        while (heard.find(text) == std::string::npos)
            if (!hear()) return false;
        return true;
    }
    /// How it ended, as the link is told.
    proto::TerminalEnd wait_for_end() {
        while (hear()) {
        }
        runner.join();
        REQUIRE(told);
        CHECK(*told == end);
        return *told;
    }

    Descriptor link;
    Descriptor stop{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    Descriptor changed{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    pid_t shell = 0;
    std::optional<Terminal> terminal;
    std::thread runner;
    proto::TerminalEnd end;
    proto::TerminalReader reader{proto::TerminalSide::agent};
    std::string heard;
    std::optional<proto::TerminalEnd> told;
};

bool runs(pid_t pid) {
    return ::kill(pid, 0) == 0;
}

/// The number after `name=` in what was heard.
pid_t pid_in(const std::string& heard, const std::string& name) {
    auto at = heard.find(name + "=");
    REQUIRE(at != std::string::npos);
    return static_cast<pid_t>(std::atol(heard.c_str() + at + name.size() + 1));
}

long private_kib() {
    std::ifstream file("/proc/self/statm");
    long all = 0, resident = 0, shared = 0;
    file >> all >> resident >> shared;
    return (resident - shared) * (::sysconf(_SC_PAGESIZE) / 1024);
}

} // namespace

TEST_SUITE("agent/terminal/terminal") {

    TEST_CASE("what is typed reaches the shell, what it says comes back, and its exit code is told"
    ) {
        Stand stand("tty; stty size; read line; echo \"got $line\"; exit 3");
        CHECK(stand.hears("/dev/pts/"));
        CHECK(stand.hears("24 80"));
        stand.type("hello\n");
        CHECK(stand.hears("got hello"));
        auto end = stand.wait_for_end();
        CHECK(end.code == 3);
        CHECK(end.reason.empty());
    }

    TEST_CASE("the shell leads a session of its own, whose terminal it has, and inherits nothing") {
        Stand stand("echo sid=$(cut -d' ' -f6 /proc/$$/stat); echo pid=$$; "
                    "echo opened > /dev/tty; ls /proc/$$/fd | tr '\\n' ,; echo .; "
                    "grep -i sigblk /proc/$$/status; exit 0");
        CHECK(stand.wait_for_end().code == 0);
        CHECK(stand.heard.find("opened") != std::string::npos);
        CHECK(stand.heard.find("0,1,2") != std::string::npos);
        CHECK(stand.heard.find("SigBlk:\t0000000000000000") != std::string::npos);
        CHECK(pid_in(stand.heard, "pid") == stand.shell);
        CHECK(pid_in(stand.heard, "sid") == stand.shell);
    }

    TEST_CASE("a new size is the terminal's, and the program in front is told") {
        Stand stand("trap 'stty size' WINCH; echo ready; while :; do read line; done");
        CHECK(stand.hears("ready"));
        stand.say(proto::write_resize({132, 50}));
        CHECK(stand.hears("50 132"));
        stand.hang_up();
        CHECK(stand.wait_for_end().reason.empty());
    }

    TEST_CASE("of a storm of sizes the last one counts, and what is typed is not behind it") {
        auto folder = std::filesystem::temp_directory_path() /
                      ("fairlead-sizes-" + std::to_string(::getpid()));
        std::filesystem::remove_all(folder);
        proto::TerminalPurpose what;
        what.terminal = "term_1";
        auto recording = Recording::begin(folder, what, from_ms(1));
        REQUIRE(recording);
        TerminalOptions options;
        options.recording = &*recording;
        {
            Stand stand("echo ready; read line; stty size; read line; stty size", options);
            CHECK(stand.hears("ready"));
            std::string storm;
            for (int i = 0; i < 400; ++i)
                storm += proto::write_resize(
                    {static_cast<std::uint16_t>(20 + i % 100), static_cast<std::uint16_t>(10 + i)}
                );
            storm += proto::write_resize({111, 33});
            stand.say(storm + proto::write_input("go\n"));
            CHECK(stand.hears("33 111"));
            stand.say(proto::write_resize({77, 22}));
            stand.type("on\n");
            CHECK(stand.hears("22 77"));
            stand.wait_for_end();
        }
        std::ifstream file(recording->file());
        int sizes = 0;
        for (std::string line; std::getline(file, line);)
            if (line.find("\"r\"") != std::string::npos) ++sizes;
        CHECK(sizes >= 2);
        CHECK(sizes < 100);
        std::filesystem::remove_all(folder);
    }

    TEST_CASE("a signal that ended the shell is told by its name") {
        Stand stand("kill -KILL $$");
        CHECK(stand.wait_for_end().signal == "KILL");
        CHECK(end_of((128 + SIGHUP) << 8).signal == "HUP"); // as runuser tells it
        CHECK(end_of(130 << 8).code == 130);
    }

    TEST_CASE("the opener's end hangs up: what does not go by SIGHUP is killed, with all its kin") {
        Stand stand("trap '' HUP; sleep 1000 & echo child=$!; "
                    "setsid sh -c 'trap \"\" HUP TERM; echo away=$$; exec sleep 1000' & "
                    "(sh -c 'trap \"\" HUP; echo orphan=$$; exec sleep 1000' &) ; "
                    "echo; wait; sleep 1000");
        CHECK(stand.hears("child="));
        CHECK(stand.hears("away="));
        CHECK(stand.hears("orphan="));
        CHECK(stand.hears("\n"));
        while (!stand.heard.ends_with("\n")) stand.hear();
        auto child = pid_in(stand.heard, "child"), away = pid_in(stand.heard, "away"),
             orphan = pid_in(stand.heard, "orphan");
        CHECK(runs(child));
        CHECK(runs(away));
        CHECK(runs(orphan));
        stand.hang_up();
        auto end = stand.wait_for_end();
        CHECK(end.signal == "KILL");
        CHECK(!runs(child));
        CHECK(!runs(away));
        CHECK(!runs(orphan));
    }

    TEST_CASE("a link that is gone ends everything too") {
        auto stand = std::make_unique<Stand>("echo pid=$$; sleep 1000");
        CHECK(stand->hears("\n"));
        auto shell = stand->shell;
        CHECK(runs(shell));
        stand.reset();
        CHECK(!runs(shell));
    }

    TEST_CASE("what the shell leaves behind ends with it") {
        Stand stand("nohup sleep 1000 >/dev/null 2>&1 & echo left=$!; exit 0");
        CHECK(stand.wait_for_end().code == 0);
        CHECK(!runs(pid_in(stand.heard, "left")));
    }

    TEST_CASE("a program that floods a reader who does not read waits, and Ctrl-C reaches it") {
        Stand stand("trap 'echo; echo stopped; exit 7' INT; yes");
        CHECK(stand.hears("y"));
        // Everything between it and us fills up, and then its counter of what was written stands.
        auto written = [&] {
            std::ifstream io(
                "/proc/" + std::to_string(stand.shell) + "/task/" + std::to_string(stand.shell) +
                "/children"
            );
            pid_t yes = 0;
            io >> yes;
            std::ifstream counters("/proc/" + std::to_string(yes) + "/io");
            std::string name, value;
            while (counters >> name >> value)
                if (name == "wchar:") return std::stoll(value);
            return -1ll;
        };
        long long before = -2, now = written();
        while (before != now) {
            before = now;
            std::this_thread::sleep_for(100ms); // nothing tells that nothing happens
            now = written();
        }
        auto memory = private_kib();
        CHECK(now < 1'000'000);
        // Read some of it now and then: no more is kept than before.
        for (std::size_t seen = 0; seen < 8'000'000; seen += stand.heard.size()) {
            stand.heard.clear();
            REQUIRE(stand.hear());
        }
        CHECK(private_kib() < memory + 2048);
        stand.type("\x03");
        CHECK(stand.hears("stopped"));
        CHECK(stand.wait_for_end().code == 7);
    }

    TEST_CASE("what is typed waits for a program that does not read, and a hang-up does not") {
        Stand stand("stty raw -echo; echo ready; sleep 1000");
        CHECK(stand.hears("ready"));
        // More than a PTY takes: some stays with us, and the socket fills.
        ::fcntl(stand.link.get(), F_SETFL, O_NONBLOCK);
        auto bytes = proto::write_input(std::string(1 << 20, 'x'));
        std::size_t sent = 0;
        for (;;) {
            pollfd room{stand.link.get(), POLLOUT, 0};
            if (::poll(&room, 1, 300) == 0) break;
            auto took =
                ::send(stand.link.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
            if (took > 0) sent += static_cast<std::size_t>(took);
            REQUIRE(sent < bytes.size());
        }
        stand.hang_up();
        CHECK(stand.wait_for_end().signal == "HUP");
    }

    TEST_CASE("everything that a short program says arrives before its end") {
        Stand stand("seq 1 20000");
        CHECK(stand.wait_for_end().code == 0);
        CHECK(stand.heard.starts_with("1\r\n2\r\n"));
        CHECK(stand.heard.ends_with("\n20000\r\n"));
    }

    TEST_CASE("nobody types for as long as the policy lets: it is closed, and typing is what counts"
    ) {
        std::atomic<std::int64_t> minutes = 0;
        TerminalOptions options;
        options.idle = 30min;
        options.now = [&] {
            return TerminalOptions::Steady::time_point(std::chrono::minutes(minutes.load()));
        };
        Stand stand("while read line; do echo got $line; done", options);
        stand.type("a\n");
        CHECK(stand.hears("got a"));
        minutes = 29;
        stand.type("b\n"); // counts anew from here
        CHECK(stand.hears("got b"));
        minutes = 58;
        stand.say(proto::write_resize({100, 30}));
        stand.type("c\n");
        CHECK(stand.hears("got c"));
        minutes = 88;
        stand.say(proto::write_resize({101, 30})); // nothing typed
        auto end = stand.wait_for_end();
        CHECK(end.reason == "idle");
    }

    TEST_CASE("a policy that changes is asked again, and its no ends the terminal") {
        std::atomic<bool> allowed = true;
        std::atomic<int> asked = 0;
        TerminalOptions options;
        options.allowed = [&] {
            ++asked;
            asked.notify_all();
            return allowed.load();
        };
        Stand stand("trap '' HUP; echo ready; while :; do sleep 1000; done", options);
        CHECK(stand.hears("ready"));
        Stand::signal(stand.changed);
        asked.wait(0);
        CHECK(runs(stand.shell));
        allowed = false;
        Stand::signal(stand.changed);
        CHECK(stand.wait_for_end().reason == "policy");
        CHECK(asked == 2);
        CHECK(!runs(stand.shell));
    }

    TEST_CASE("a process that is told to end closes its terminal") {
        Stand stand("echo ready; sleep 1000");
        CHECK(stand.hears("ready"));
        Stand::signal(stand.stop);
        CHECK(stand.wait_for_end().reason == "stopped");
    }

    TEST_CASE("what breaks the rules of messages hangs up") {
        Stand stand("echo ready; sleep 1000");
        CHECK(stand.hears("ready"));
        stand.say("o....");
        CHECK(stand.wait_for_end().signal == "HUP");
    }
}
