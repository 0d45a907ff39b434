#include "../bucket/fake_s3.hpp"
#include "agent/imports/fetch.hpp"
#include "common/crypto/hash.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>

using namespace fairlead;
using namespace fairlead::imports;
using bucket::Fault;
using bucket::Seen;
using namespace std::chrono_literals;

namespace {

struct Site {
    Site() {
        rules.networks = {IpNetwork::parse("127.0.0.0/8").value()};
        rules.max_bytes = 10 << 20;
        rules.pause = 1ms;
        rules.trust = bucket::Trust::make(server.ca()).value();
    }
    std::string base() { return server.storage().endpoint; }
    Result<Fetched> get(const std::string& path = "/shop.zip?sig=x") {
        file = Descriptor(::memfd_create("fetched", MFD_CLOEXEC));
        auto url = proto::parse_source_url(path.starts_with('/') ? base() + path : path);
        REQUIRE_MESSAGE(url, (url ? "" : url.error().message()));
        return fetch(*url, file.get(), rules, {}, stop.get_token());
    }
    std::string code(const std::string& path = "/shop.zip?sig=x") {
        auto got = get(path);
        return got ? "" : got.error().code();
    }
    std::string content() {
        std::string text(static_cast<std::size_t>(::lseek(file.get(), 0, SEEK_END)), '\0');
        REQUIRE(::pread(file.get(), text.data(), text.size(), 0) == static_cast<long>(text.size()));
        return text;
    }
    void always(Fault fault) {
        server.misbehave = [=](const Seen&) -> std::optional<Fault> { return fault; };
    }

    bucket::FakeS3 server;
    FetchRules rules;
    Descriptor file;
    std::stop_source stop;
};

Fault whole(std::string body) {
    Fault fault;
    fault.status = 200;
    fault.body = std::move(body);
    fault.headers = {{"ETag", "\"v1\""}};
    return fault;
}
Fault to(std::string location) {
    Fault fault;
    fault.status = 302;
    fault.headers = {{"Location", std::move(location)}};
    return fault;
}

} // namespace

TEST_SUITE("agent/imports/fetch") {

    TEST_CASE("a file comes whole, with its hash") {
        Site site;
        std::string body(3 << 20, 'z');
        site.server.misbehave = [&](const Seen& seen) -> std::optional<Fault> {
            if (seen.query.contains("sig") && seen.path == "/shop.zip") return whole(body);
            return std::nullopt;
        };
        auto got = site.get();
        REQUIRE_MESSAGE(got, (got ? "" : got.error().message()));
        CHECK(got->bytes == body.size());
        CHECK(got->sha256 == crypto::sha256(body).hex());
        CHECK(site.content() == body);
    }

    TEST_CASE("an address off the internet is not called, and who could allow it is named") {
        Site site;
        site.rules.networks.clear();
        std::atomic<int> calls = 0;
        site.server.misbehave = [&](const Seen&) -> std::optional<Fault> {
            ++calls;
            return whole("x");
        };
        auto got = site.get();
        REQUIRE_FALSE(got);
        CHECK(got.error().code() == "import_address_refused");
        CHECK(got.error().message().find("policy") != std::string::npos);
        auto port = site.base().substr(site.base().rfind(':'));
        CHECK(site.code("https://localhost" + port + "/x") == "import_address_refused");
        CHECK(site.code("https://[::1]" + port + "/x") == "import_address_refused");
        for (auto literal :
             {"169.254.169.254", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.0",
              "224.0.0.1", "255.255.255.255", "198.18.0.1", "[fe80::1]", "[fc00::1]", "[ff02::1]",
              "[::]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "[2001::1]", "[fd00:ec2::254]"}) {
            CAPTURE(literal);
            CHECK(site.code("https://" + std::string(literal) + "/x") == "import_address_refused");
        }
        CHECK(calls == 0);
    }

    TEST_CASE("each redirect is checked anew: scheme, address, domain, policy, number") {
        Site site;
        auto base = site.base();
        site.always(to("https://169.254.169.254/latest/meta-data"));
        CHECK(site.code() == "import_address_refused");
        site.always(to("http://127.0.0.1/x"));
        CHECK(site.code() == "import_redirect_refused");
        site.always(to("file:///etc/passwd"));
        CHECK(site.code() == "import_redirect_refused");
        site.always(to(""));
        CHECK(site.code() == "import_redirect_refused");
        std::atomic<int> calls = 0;
        site.server.misbehave = [&](const Seen&) -> std::optional<Fault> {
            ++calls;
            return to("/again");
        };
        CHECK(site.code() == "import_redirect_refused");
        CHECK(calls == 4);
        site.server.misbehave = [&](const Seen& seen) -> std::optional<Fault> {
            if (seen.path == "/end") return whole("here");
            return to(seen.path == "/shop.zip" ? "/b" : "/end");
        };
        REQUIRE(site.get());
        CHECK(site.content() == "here");
        site.rules.permit = [](const proto::SourceUrl& url) -> Result<> {
            if (url.path != "/end") return {};
            return fail(Error(Errc::forbidden, "no").with_code("policy_refused"));
        };
        CHECK(site.code() == "policy_refused");
    }

    TEST_CASE("[S-ALLOW-02] a host that is not listed is refused, also as a redirect's target") {
        Site site;
        site.rules.domains = {"files.example.org"};
        site.always(whole("x"));
        CHECK(site.code() == "import_domain_refused");
        site.rules.domains = {"127.0.0.1"};
        site.always(to("https://evil.example.org/x"));
        CHECK(site.code() == "import_domain_refused");
    }

    TEST_CASE("a cut connection goes on where it ended, where the server can") {
        Site site;
        std::string body;
        for (int i = 0; i < 300'000; ++i) body += static_cast<char>('a' + i % 23);
        std::vector<std::string> ranges;
        site.server.misbehave = [&](const Seen& seen) -> std::optional<Fault> {
            ranges.push_back(seen.header("range"));
            auto fault = whole(body);
            if (ranges.size() == 1) {
                fault.kind = Fault::Body::cut;
                fault.after = 100'000;
            } else {
                CHECK(seen.header("if-range") == "\"v1\"");
                fault.status = 206;
            }
            return fault;
        };
        auto got = site.get();
        REQUIRE_MESSAGE(got, (got ? "" : got.error().message()));
        CHECK(got->sha256 == crypto::sha256(body).hex());
        CHECK(site.content() == body);
        CHECK(ranges.size() == 2);
        CHECK(ranges.back() == "bytes=100000-");
    }

    TEST_CASE("a server that cannot go on sends it anew, and gives up in the end") {
        Site site;
        std::string body(200'000, 'x');
        int calls = 0;
        site.server.misbehave = [&](const Seen& seen) -> std::optional<Fault> {
            CHECK(seen.header("range").empty());
            Fault fault;
            fault.status = 200;
            fault.body = body;
            if (++calls == 1) {
                fault.kind = Fault::Body::cut;
                fault.after = 50'000;
            }
            return fault;
        };
        REQUIRE(site.get());
        CHECK(site.content() == body);
        calls = 0;
        site.server.misbehave = [&](const Seen&) -> std::optional<Fault> {
            ++calls;
            Fault fault;
            fault.status = 503;
            return fault;
        };
        CHECK(site.code() == "import_unreachable");
        CHECK(calls == 5);
    }

    TEST_CASE("what is too large is cut off, said in advance or not") {
        Site site;
        site.rules.max_bytes = 1000;
        site.always(whole(std::string(2000, 'x')));
        CHECK(site.code() == "import_too_large");
        auto endless = whole(std::string(500, 'x'));
        endless.kind = Fault::Body::endless;
        site.always(endless);
        CHECK(site.code() == "import_too_large");
        auto refusing = endless;
        refusing.status = 404;
        refusing.body = std::string(100'000, 'x');
        site.always(refusing);
        CHECK(site.code() == "import_denied");
    }

    TEST_CASE("a silent server is given up, and a stop is heeded") {
        Site site;
        site.rules.patience.idle = 50ms;
        site.rules.attempts = 2;
        Fault silent;
        silent.status = 200;
        silent.kind = Fault::Body::silent;
        site.always(silent);
        CHECK(site.code() == "import_cut");
        site.stop.request_stop();
        CHECK(site.code() == "cancelled");
    }

    TEST_CASE("the server's no is told by its reason") {
        Site site;
        struct Row {
            int status;
            std::string_view code;
        };
        for (auto row :
             {Row{404, "import_not_found"}, Row{403, "import_denied"}, Row{401, "import_denied"},
              Row{400, "import_denied"}, Row{304, "import_denied"}}) {
            Fault fault;
            fault.status = row.status;
            site.always(fault);
            CHECK(site.code() == row.code);
        }
        auto coded = whole("x");
        coded.headers.emplace_back("Content-Encoding", "br");
        site.always(coded);
        CHECK(site.code() == "import_denied");
        site.rules.trust = bucket::Trust::make("").value();
        CHECK(site.code() == "import_tls_failed");
    }
}
