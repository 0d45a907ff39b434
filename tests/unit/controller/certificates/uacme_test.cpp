#include "common/crypto/encoding.hpp"
#include "common/runtime/file.hpp"
#include "common/store/memory_db.hpp"
#include "controller/certificates/bridge.hpp"
#include "controller/certificates/hook.hpp"
#include "controller/certificates/uacme.hpp"
#include "controller/certificates/workplace.hpp"
#include "controller/egress/waiting.hpp"

#include <doctest/doctest.h>

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <map>
#include <span>
#include <stdexcept>
#include <thread>

using namespace fairlead;
using namespace fairlead::certificates;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// A client that is a shell script, and what it was shown.
struct Played {
    explicit Played(const std::string& script, std::chrono::seconds limit = 60s) {
        auto program = write_script("client", script);
        parts.program = program;
        parts.hook =
            write_script("hook", "exec python3 - \"$@\" <<'END'\n" + std::string(hook) + "END\n");
        parts.base = folder.path();
        parts.limit = limit;
        parts.challenges.show = [this](const std::string& name, const crypto::Digest& digest) {
            shown[name] = digest.hex();
            ever[name] = digest.hex();
            return Result<>();
        };
        parts.challenges.hide = [this](const std::string& name) { shown.erase(name); };
    }
    std::string write_script(const std::string& name, const std::string& text) {
        auto file = folder.path() / name;
        REQUIRE(write_file(file, "#!/bin/bash\n" + text, 0700));
        return file.string();
    }
    Result<std::string> issue(std::stop_token stop = {}) {
        Uacme client(std::move(parts));
        certificates::Account account{"https://acme.example/dir", "ops@example.org", Secret("key")};
        return client.issue(account, {"shop.example.org", "csr"}, stop);
    }
    /// Nothing of a run is left.
    bool clean() const { return !fs::exists(folder.path() / "acme") && shown.empty(); }

    // As controller/certificates/hook.cpp does it; the program itself is in the system test.
    static constexpr auto hook = R"(import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(os.environ["FAIRLEAD_ACME_HOOK"])
s.sendall((" ".join(sys.argv[1:]) + "\r\n\r\n").encode())
sys.exit(0 if s.recv(64) == b"ok\r\n\r\n" else 1)
)";

    store::TemporaryFolder folder;
    Uacme::Parts parts;
    std::map<std::string, std::string> shown, ever;
};

const auto digest = crypto::sha256("token.thumbprint");
const auto authorization = crypto::base64url_encode(digest.view());

/// Leads to one end of a pair of sockets, whose other end the test has.
struct PlayedWay final : outbound::Way {
    Result<std::vector<IpAddress>> addresses(const std::string&, outbound::Deadline) override {
        return fail(Errc::internal, "not asked for");
    }
    Result<Descriptor>
    connect(const egress::Place& to, const std::optional<IpAddress>&, outbound::Deadline) override {
        asked.push_back(to.text());
        if (fails) return fail(*fails);
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
            throw std::runtime_error("socketpair");
        far = Descriptor(ends[0]);
        return Descriptor(ends[1]);
    }
    std::vector<std::string> asked;
    Descriptor far;
    std::optional<Error> fails;
};

bool connect_to(const Descriptor& client, std::uint16_t port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(port);
    return ::connect(client.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
}

Descriptor connected(const Bridge& bridge) {
    auto url = std::string(bridge.url().reveal());
    Descriptor to(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(connect_to(to, static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)))));
    return to;
}

/// What the bridge answers to a head.
std::string say(const Bridge& bridge, const std::string& head, Descriptor* keep = nullptr) {
    auto to = connected(bridge);
    auto until = std::chrono::steady_clock::now() + 10s;
    egress::send_all(to.get(), head, until, -1);
    auto answer = egress::read_head(to.get(), 4096, until, -1).text;
    if (keep) *keep = std::move(to);
    return answer.substr(0, answer.find("\r\n"));
}

std::string credentials(const Bridge& bridge) {
    auto url = std::string(bridge.url().reveal());
    auto from = std::string("http://").size();
    return "Basic " + crypto::base64_encode(url.substr(from, url.find('@') - from));
}

} // namespace

TEST_SUITE("controller/certificates/uacme") {

    TEST_CASE("the client gets the account's key, the request and the hook, and no more") {
        Played played(R"sh(
[ "$*" = "-v -n -a https://acme.example/dir -c . -o -f -h ${PWD%/acme}/hook issue csr.pem" ] || { echo "$*"; exit 3; }
[ "$(cat private/key.pem) $(cat csr.pem)" = "key csr" ] || exit 4
[ "$(stat -c %a . private private/key.pem | tr '\n' ' ')" = "700 700 600 " ] || exit 5
[ "$(env | cut -d= -f1 | grep -v -e '^_$' -e SHLVL | sort | tr '\n' ' ')" = "FAIRLEAD_ACME_HOOK HOME LANG PATH PWD " ] || { env; exit 6; }
echo chain >csr-cert.pem
)sh");
        auto chain = played.issue();
        REQUIRE_MESSAGE(chain, chain.error().message());
        CHECK(*chain == "chain\n");
        CHECK(played.clean());
    }

    TEST_CASE("a challenge is shown for the name that was ordered, and hidden after the run") {
        Played played(
            "hook=${@: -3:1}\n"
            "$hook begin dns-01 shop.example.org t " +
            authorization +
            " && exit 3\n"
            "$hook begin tls-alpn-01 other.example.org t " +
            authorization +
            " && exit 4\n"
            "$hook begin tls-alpn-01 shop.example.org t short && exit 5\n"
            "$hook end tls-alpn-01 shop.example.org t " +
            authorization +
            " && exit 6\n"
            "$hook begin tls-alpn-01 shop.example.org t " +
            authorization +
            " || exit 7\n"
            "echo chain >csr-cert.pem\n"
        );
        auto chain = played.issue();
        REQUIRE_MESSAGE(chain, chain.error().message());
        CHECK(
            played.ever == std::map<std::string, std::string>{{"shop.example.org", digest.hex()}}
        );
        CHECK(played.clean());
    }

    TEST_CASE("however the client ends, nothing of it is left") {
        struct Row {
            const char *name, *script, *code;
        };
        for (const auto& row : {
                 Row{"fails", "echo uacme: it went wrong >&2; exit 2", "acme_failed"},
                 Row{"sends nothing", "exit 0", "acme_bad_certificate"},
                 Row{"sends too much", "head -c 70000 /dev/zero >csr-cert.pem",
                     "acme_bad_certificate"},
                 Row{"talks without end", "head -c 50000000 /dev/zero; exit 2", "acme_failed"},
                 Row{"kills itself", "kill -9 $$", "acme_failed"},
                 Row{"hangs", "trap '' TERM; sleep 100 & wait", "acme_timeout"},
             }) {
            CAPTURE(row.name);
            Played played(row.script, 1s);
            auto ended = played.issue();
            REQUIRE(!ended);
            CHECK(ended.error().code() == row.code);
            CHECK(ended.error().message().size() < 1000);
            CHECK(played.clean());
        }
    }

    TEST_CASE("a client that is not there is named, with the way to get it") {
        Played played("");
        played.parts.program = "no-such-acme-client";
        auto ended = played.issue();
        REQUIRE(!ended);
        CHECK(ended.error().code() == "acme_client_missing");
        CHECK(ended.error().message().find("apt-get install") != std::string::npos);
        CHECK(played.clean());
    }

    TEST_CASE("a stop ends the client") {
        Played played("sleep 100");
        std::stop_source source;
        source.request_stop();
        auto ended = played.issue(source.get_token());
        REQUIRE(!ended);
        CHECK(ended.error().code() == "stopped");
        CHECK(played.clean());
    }

    TEST_CASE("a registration names the contact, and an account of the authority's own kind") {
        Played played("[ \"$*\" = \"-v -n -a https://acme.example/dir -c . -y -e kid:a2V5 new "
                      "ops@example.org\" ] || { echo \"$*\"; exit 3; }\n");
        played.parts.external = ExternalAccount{"kid", Secret("a2V5")};
        Uacme client(std::move(played.parts));
        certificates::Account account{"https://acme.example/dir", "ops@example.org", Secret("key")};
        auto done = client.enrol(account, {});
        REQUIRE_MESSAGE(done, done.error().message());
    }

    TEST_CASE("one that was there before has its contact set") {
        Played played(
            "case ${@: -2:1} in new) echo uacme: Account already exists at https://a/1; exit 2 ;; "
            "update) exit 0 ;; esac; exit 3\n"
        );
        Uacme client(std::move(played.parts));
        certificates::Account account{"https://acme.example/dir", "ops@example.org", Secret("key")};
        CHECK(client.enrol(account, {}));
    }

    TEST_CASE("an order that fails does not do well because of words about accounts") {
        Played played("echo uacme: Account already exists at https://a/1; exit 2\n");
        auto ended = played.issue();
        REQUIRE(!ended);
        CHECK(ended.error().code() == "acme_failed");
        CHECK(played.clean());
    }

    TEST_CASE("the way out leads to the directory's host alone, for who knows its password") {
        PlayedWay way;
        auto bridge =
            Bridge::open(way, {"acme.example", 443}, std::chrono::steady_clock::now() + 60s)
                .value();
        auto head = [](const std::string& to, const std::string& authorized) {
            return "CONNECT " + to + " HTTP/1.1\r\nHost: " + to +
                   (authorized.empty() ? "" : "\r\nProxy-Authorization: " + authorized) +
                   "\r\n\r\n";
        };
        auto known = credentials(*bridge);
        CHECK(say(*bridge, head("acme.example:443", "")).starts_with("HTTP/1.1 407"));
        CHECK(say(*bridge, head("acme.example:443", "Basic AAAA")).starts_with("HTTP/1.1 407"));
        CHECK(say(*bridge, head("other.example:443", known)).starts_with("HTTP/1.1 403"));
        CHECK(say(*bridge, head("acme.example:444", known)).starts_with("HTTP/1.1 403"));
        CHECK(say(*bridge,
                  "GET http://acme.example/ HTTP/1.1\r\nproxy-authorization: " + known + "\r\n\r\n")
                  .starts_with("HTTP/1.1 405"));
        CHECK(say(*bridge, std::string(Bridge::longest_head + 1, 'x')).empty());
        CHECK(way.asked.empty());

        Descriptor near;
        CHECK(say(*bridge, head("ACME.example:443", known), &near) == "HTTP/1.1 200 OK");
        CHECK(way.asked == std::vector<std::string>{"acme.example:443"});
        auto until = std::chrono::steady_clock::now() + 10s;
        CHECK(egress::send_all(near.get(), "ping\r\n\r\n", until, -1));
        CHECK(egress::read_head(way.far.get(), 100, until, -1).text == "ping\r\n\r\n");
        CHECK(egress::send_all(way.far.get(), "pong\r\n\r\n", until, -1));
        CHECK(egress::read_head(near.get(), 100, until, -1).text == "pong\r\n\r\n");
        // It goes with a connection open.
        bridge.reset();
        char byte = 0;
        CHECK(::recv(near.get(), &byte, 1, 0) == 0);
    }

    TEST_CASE("whoever connects and says nothing does not keep the client waiting for long") {
        PlayedWay way;
        auto bridge =
            Bridge::open(way, {"acme.example", 443}, std::chrono::steady_clock::now() + 60s)
                .value();
        std::vector<Descriptor> silent;
        for (int i = 0; i < 3; ++i) silent.push_back(connected(*bridge));
        // Within the ten seconds that the client's side waits here.
        CHECK(say(*bridge, "GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 407"));
    }

    TEST_CASE("without descriptors nothing is served, nothing spins, and everything ends") {
        std::uint16_t port = 0;
        auto listening = listen_on_loopback(port).value();
        rlimit before{};
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
        rlimit none{3, before.rlim_max}; // that are there already
        SUBCASE("before it is started") {
            REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
            auto attendant = Attendant::start(std::move(listening), [](Descriptor, int) {});
            REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
            REQUIRE(!attendant);
            CHECK(attendant.error().kind() == Errc::internal);
        }
        SUBCASE("once it is") {
            std::atomic<bool> served = false;
            Descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
            auto attendant = Attendant::start(std::move(listening), [&](Descriptor, int) {
                                 served = true;
                             }).value();
            REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
            auto spent = [] {
                rusage usage{};
                ::getrusage(RUSAGE_SELF, &usage);
                return std::chrono::seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                       std::chrono::microseconds(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
            };
            CHECK(connect_to(client, port));
            auto since = spent();
            std::this_thread::sleep_for(500ms);
            CHECK(spent() - since < 250ms);
            CHECK(!served);
            REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
            // Whoever waited is served then.
            for (int i = 0; i < 100 && !served; ++i) std::this_thread::sleep_for(100ms);
            CHECK(served);
        }
    }

    TEST_CASE("a way that is shut is why the authority cannot be reached") {
        auto way = std::make_shared<PlayedWay>();
        way->fails = Error(Errc::unavailable, "fairlead-egress does not answer.")
                         .with_code("egress_missing");
        // As libcurl asks a proxy, and as uacme tells of it.
        Played played(R"sh(
place=${https_proxy##*@}; host=${place%:*}; port=${place#*:}
user=${https_proxy#http://}; user=${user%@*}
exec 3<>/dev/tcp/$host/$port
printf 'CONNECT acme.example:443 HTTP/1.1\r\nProxy-Authorization: Basic %s\r\n\r\n' "$(printf %s "$user" | base64 -w0)" >&3
read -r line <&3; echo "uacme: curl_get: GET x failed: $line"
echo "uacme: failed to fetch directory at https://acme.example/dir"; exit 2
)sh");
        played.parts.way = way;
        auto ended = played.issue();
        REQUIRE(!ended);
        CHECK(ended.error().code() == "egress_missing");
        CHECK(ended.error().message().find("does not answer") != std::string::npos);
        CHECK(way->asked.size() == 1);
    }

    TEST_CASE("the hook's side asks the socket that it is told, and believes nothing else") {
        store::TemporaryFolder folder;
        Challenges challenges;
        int shown = 0, hidden = 0;
        challenges.show = [&](const std::string&, const crypto::Digest&) {
            ++shown;
            return Result<>();
        };
        challenges.hide = [&](const std::string&) { ++hidden; };
        auto socket = (folder.path() / HookServer::socket_name).string();
        std::array<const char*, 5> words{
            "begin", "tls-alpn-01", "shop.example.org", "token", authorization.c_str()};
        CHECK(run_hook(socket, words) == 1);
        {
            auto server =
                HookServer::open(folder.path().string(), challenges, "shop.example.org").value();
            CHECK(run_hook(socket, words) == 0);
            CHECK(shown == 1);
            CHECK(run_hook(socket, std::span(words).first(4)) == 1);
            std::string large(longest_call, 'x');
            words[3] = large.c_str();
            CHECK(run_hook(socket, words) == 1);
            words[3] = "token";
            words[0] = "done";
            CHECK(run_hook(socket, words) == 0);
            CHECK(hidden == 1);
            words[0] = "begin";
            CHECK(run_hook(socket, words) == 0);
        }
        CHECK(hidden == 2);
        CHECK(run_hook(socket, words) == 1);
    }

    TEST_CASE("runs have a folder in memory that is nobody else's") {
        ::unsetenv("RUNTIME_DIRECTORY");
        store::TemporaryFolder data;
        auto place = place_for_runs(data.path()).value();
        CHECK(place.string().starts_with("/dev/shm/fairlead-"));
        CHECK(place_for_runs(data.path()).value() == place);
        REQUIRE(write_file(place / "acme", "left behind", 0600));
        {
            auto work = Workplace::make(place).value();
            struct stat facts {};
            REQUIRE(::stat(work.path().c_str(), &facts) == 0);
            CHECK((facts.st_mode & 0777) == 0700);
            REQUIRE(write_file(work.path() / "key", "k", 0600));
        }
        CHECK(fs::is_empty(place));
        fs::permissions(place, fs::perms::all);
        CHECK(!place_for_runs(data.path()));
        fs::remove_all(place);
        ::setenv("RUNTIME_DIRECTORY", "/run/a:/run/b", 1);
        CHECK(place_for_runs(data.path()).value() == "/run/a");
        ::unsetenv("RUNTIME_DIRECTORY");
    }
}
