#include "../../common/net/support.hpp"
#include "../egress/support.hpp"
#include "controller/outbound/egress_way.hpp"
#include "controller/outbound/sender.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <mutex>
#include <stop_token>
#include <thread>

namespace fairlead::outbound {

using namespace std::chrono_literals;

namespace {

/// A receiver with a certificate for localhost, an egress that lets requests reach it, and a
/// sender.
struct Site {
    explicit Site(
        std::function<net::HttpResponse(const net::HttpRequest&)> answer,
        std::optional<net::Leaf> certificate = std::nullopt
    )
        : receiver(
              ca,
              net::only_http([this, answer](net::HttpRequest request) -> Task<net::HttpResponse> {
                  {
                      std::lock_guard guard(mutex);
                      seen.push_back(request);
                  }
                  auto response = answer(request);
                  co_return response;
              }),
              {}, std::move(certificate)
          ) {
        names.set("localhost", {{"127.0.0.1"}});
        names.set("other.test", {{"127.0.0.1"}});
        auto port = ":" + std::to_string(receiver.port);
        egress::Settings settings;
        settings.allow = {"localhost" + port, "other.test" + port, "127.0.0.1" + port};
        program.emplace(settings, names);
        sender = std::make_unique<Sender>(
            std::make_unique<EgressWay>(program->path),
            egress::Allow::parse(settings.allow).value(), ca.pem
        );
    }
    std::string url(const std::string& path = "/", const std::string& host = "localhost") const {
        return "https://" + host + ":" + std::to_string(receiver.port) + path;
    }

    net::TestCa ca;
    std::mutex mutex;
    std::vector<net::HttpRequest> seen;
    net::TestServer receiver;
    egress::FakeNames names;
    std::optional<egress::RunningServer> program;
    std::unique_ptr<Sender> sender;
};

net::HttpResponse plain(int status, std::string body = "", const std::string& location = "") {
    net::HttpResponse response;
    response.status = status;
    response.body = std::move(body);
    if (!location.empty()) response.headers.add("location", location);
    return response;
}

std::string code_of(const Result<Answer>& answer) {
    return answer ? "" : answer.error().code();
}

} // namespace

TEST_SUITE("controller/outbound/sender") {

    TEST_CASE("a request reaches an exception of the operator, and its answer comes back") {
        Site site([](const net::HttpRequest& request) {
            auto response = plain(202, request.body);
            response.headers.add("x-answer", "yes");
            return response;
        });
        Request request;
        request.method = "POST";
        request.url = site.url("/a?b=%2F");
        request.headers = {{"content-type", "application/json"}, {"webhook-id", "msg_1"}};
        request.body = "{\"a\":1}";
        auto answer = site.sender->send(request);
        REQUIRE_MESSAGE(answer, (answer ? "" : answer.error().message() + answer.error().code()));
        CHECK(answer->status == 202);
        CHECK(answer->body == request.body);
        CHECK(answer->headers.get("x-answer") == "yes");
        REQUIRE(site.seen.size() == 1);
        const auto& got = site.seen.front();
        CHECK(got.target == "/a?b=%2F");
        CHECK(got.headers.get("content-type") == "application/json");
        CHECK(got.headers.count("content-type") == 1);
        CHECK(got.headers.get("webhook-id") == "msg_1");
        CHECK(got.headers.get("accept-encoding") == "identity");
    }

    TEST_CASE("headers that belong to the connection, or break the line, are not sent") {
        Site site([](const auto&) { return plain(200); });
        for (const auto& row : std::vector<std::pair<std::string_view, std::string_view>>{
                 {"host", "a"},
                 {"content-length", "1"},
                 {"transfer-encoding", "chunked"},
                 {"x-a", "b\r\nhost: c"},
                 {"x a", "b"},
                 {"x:a", "b"}}) {
            CAPTURE(row.first);
            Request request;
            request.url = site.url();
            request.headers.add(row.first, row.second);
            CHECK(code_of(site.sender->send(request)) == "outbound_header");
        }
        CHECK(site.seen.empty());
    }

    TEST_CASE("[S-SSRF-06] a redirect is told, or followed when every step of it may be asked") {
        std::string location;
        Site site([&](const net::HttpRequest& request) {
            return request.target == "/end" ? plain(200, "end") : plain(302, "", location);
        });
        Request request;
        request.url = site.url("/start");
        location = "/end";
        CHECK(site.sender->send(request)->status == 302);
        request.redirects = 3;
        CHECK(site.sender->send(request)->body == "end");
        auto refused = [&](const std::string& to) {
            location = to;
            auto sent = site.sender->send(request);
            CAPTURE(to);
            CHECK(code_of(sent) == "redirect_refused");
        };
        refused("https://169.254.169.254/latest/meta-data");
        refused("https://10.0.0.1/");
        refused("https://[::1]/");
        refused("http" + site.url("/end").substr(5));
        refused("//127.0.0.1/end");
        refused("https://user@localhost/");
        refused("/start"); // a loop
        request.redirects = 4;
        CHECK(code_of(site.sender->send(request)) == "redirect_refused");
    }

    TEST_CASE("[S-SSRF-06] another origin gets neither credentials nor body") {
        std::string location;
        int status = 302;
        Site site([&](const net::HttpRequest& request) {
            return request.target == "/end" ? plain(200, "end") : plain(status, "", location);
        });
        Request request;
        request.url = site.url("/start");
        request.redirects = 1;
        request.headers = {
            {"authorization", "Bearer x"}, {"webhook-signature", "v1,x"}, {"accept", "a/b"}};
        location = site.url("/end", "other.test");
        // other.test is not in the receiver's certificate: what it would get is not sent before TLS
        // is good.
        CHECK(code_of(site.sender->send(request)) == "outbound_tls");
        CHECK(site.seen.size() == 1);
        location = "https://127.0.0.1/";
        CHECK(code_of(site.sender->send(request)) == "redirect_refused");
        // The same receiver by another name that it does prove.
        location = site.url("/end", "127.0.0.1");
        CHECK(site.sender->send(request)->body == "end");
        const auto& got = site.seen.back().headers;
        CHECK(got.count("authorization") == 0);
        CHECK(got.count("webhook-signature") == 0);
        CHECK(got.get("accept") == "a/b");
        status = 307;
        request.method = "POST";
        request.body = "secret";
        location = site.url("/end", "other.test");
        CHECK(code_of(site.sender->send(request)) == "redirect_refused");
        location = "/end";
        CHECK(site.sender->send(request)->body == "end");
        CHECK(site.seen.back().headers.get("authorization") == "Bearer x");
        CHECK(site.seen.back().body == "secret");
    }

    TEST_CASE("[S-SSRF-07] answers are bounded in body and head, and nothing is unpacked") {
        Site site([](const net::HttpRequest& request) {
            auto response = plain(200, std::string(1000, 'x'));
            if (request.target == "/head")
                for (int i = 0; i < 40; ++i)
                    response.headers.add("x-" + std::to_string(i), std::string(1000, 'h'));
            if (request.target == "/gzip") response.headers.add("content-encoding", "gzip");
            return response;
        });
        Request request;
        request.url = site.url();
        request.body_bytes = 1000;
        CHECK(site.sender->send(request)->body.size() == 1000);
        request.body_bytes = 999;
        CHECK(code_of(site.sender->send(request)) == "outbound_too_large");
        request.body_bytes = 1000;
        request.url = site.url("/gzip");
        CHECK(site.sender->send(request)->body == std::string(1000, 'x'));
        request.url = site.url("/head");
        CHECK(code_of(site.sender->send(request)) == "outbound_too_large");
    }

    TEST_CASE("a certificate must be of the host, in its time, and of a known authority") {
        net::TestCa stranger("Stranger");
        Site unknown([](const auto&) { return plain(200); }, stranger.server());
        Request request;
        request.url = unknown.url();
        CHECK(code_of(unknown.sender->send(request)) == "outbound_tls");
        net::TestCa ca;
        for (auto [from, until] : {std::pair{-48h, -24h}, std::pair{24h, 48h}}) {
            Site untimely(
                [](const auto&) { return plain(200); },
                ca.issue(crypto::Usage::server, "localhost", from, until)
            );
            Sender sender(
                std::make_unique<EgressWay>(untimely.program->path),
                egress::Allow::parse({"localhost:" + std::to_string(untimely.receiver.port)})
                    .value(),
                ca.pem
            );
            request.url = untimely.url();
            auto sent = sender.send(request);
            CHECK(code_of(sent) == "outbound_tls");
        }
        Site site([](const auto&) { return plain(200); });
        request.url = site.url("/", "other.test");
        CHECK(code_of(site.sender->send(request)) == "outbound_tls");
        CHECK(site.seen.empty());
    }

    TEST_CASE("a stop ends what is under way, and what waits for room, at once") {
        Descriptor silent(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* plain_address = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(::bind(silent.get(), plain_address, size) == 0);
        REQUIRE(::listen(silent.get(), Sender::most_at_once) == 0);
        REQUIRE(::getsockname(silent.get(), plain_address, &size) == 0);
        auto quiet = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
        egress::FakeNames names;
        egress::Settings settings;
        settings.allow = {quiet};
        egress::RunningServer server(settings, names);
        Sender sender(
            std::make_unique<EgressWay>(server.path), egress::Allow::parse(settings.allow).value()
        );
        std::stop_source source;
        Request request;
        request.limit = 600s; // nobody waits for it
        request.url = "https://" + quiet + "/";
        request.stop = source.get_token();
        std::atomic<int> stopped = 0;
        std::vector<std::thread> senders;
        for (int i = 0; i < Sender::most_at_once + 4; ++i)
            senders.emplace_back([&] {
                if (code_of(sender.send(request)) == "outbound_stopped") ++stopped;
            });
        std::vector<Descriptor> taken;
        for (int i = 0; i < Sender::most_at_once; ++i) {
            taken.emplace_back(::accept4(silent.get(), nullptr, nullptr, SOCK_CLOEXEC));
            REQUIRE(taken.back());
        }
        CHECK(stopped == 0);
        source.request_stop();
        for (auto& thread : senders) thread.join();
        CHECK(stopped == Sender::most_at_once + 4);
        CHECK(code_of(sender.send(request)) == "outbound_stopped");
    }

    TEST_CASE("[S-SSRF-07] a receiver that says nothing is given up in time") {
        egress::Echo echo; // no TLS at all, and one that never speaks
        Descriptor silent(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* plain_address = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(::bind(silent.get(), plain_address, size) == 0);
        REQUIRE(::listen(silent.get(), 8) == 0);
        REQUIRE(::getsockname(silent.get(), plain_address, &size) == 0);
        auto quiet = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
        auto chatty = "127.0.0.1:" + std::to_string(echo.port);
        egress::FakeNames names;
        egress::Settings settings;
        settings.allow = {quiet, chatty};
        egress::RunningServer server(settings, names);
        Sender sender(
            std::make_unique<EgressWay>(server.path), egress::Allow::parse(settings.allow).value()
        );
        Request request;
        request.limit = 300ms;
        request.url = "https://" + quiet + "/";
        CHECK(code_of(sender.send(request)) == "outbound_unreachable");
        request.url = "https://" + chatty + "/";
        CHECK(code_of(sender.send(request)) == "outbound_tls");
    }
}

} // namespace fairlead::outbound
