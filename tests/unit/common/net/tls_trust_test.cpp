#include "common/crypto/encoding.hpp"
#include "common/net/tls_impl.hpp"
#include "tls_agents.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace fairlead;
using namespace fairlead::net;
using crypto::Usage;

TEST_SUITE("common/net/tls/trust") {

    TEST_CASE("an agent refuses a controller that it does not trust, by name") {
        TestCa ca;
        TestCa other("Other CA");
        auto leaf = ca.client();
        std::string message;

        SUBCASE("of another authority") {
            AgentServer agents(other);
            auto tls = client(ca, &leaf);
            CHECK(try_link(agents.server.port, tls) == "tls_unknown_authority");
            CHECK(agents.links == 0);
        }
        SUBCASE("expired") {
            AgentServer agents(ca, ca.issue(Usage::server, "localhost", -48h, -1h));
            auto tls = client(ca, &leaf);
            CHECK(try_link(agents.server.port, tls, &message) == "tls_expired");
            CHECK(message.find("has expired on") != std::string::npos);
        }
        SUBCASE("not yet valid, which usually is a clock") {
            AgentServer agents(ca, ca.issue(Usage::server, "localhost", 2h, 48h));
            auto tls = client(ca, &leaf);
            CHECK(try_link(agents.server.port, tls, &message) == "tls_not_yet_valid");
            CHECK(message.find("it is wrong by at least 7") != std::string::npos);
        }
        SUBCASE("with another name") {
            AgentServer agents(ca, ca.issue(Usage::server, "elsewhere.example.org"));
            auto tls = client(ca, &leaf);
            CHECK(try_link(agents.server.port, tls) == "tls_name_differs");
        }
        SUBCASE("that shows a client's certificate") {
            AgentServer agents(ca, ca.client("localhost"));
            auto tls = client(ca, &leaf);
            CHECK(try_link(agents.server.port, tls) == "tls_bad_certificate");
        }
    }

    TEST_CASE("a fingerprint pins the certificate, its key, or the authority that is sent along") {
        TestCa ca;
        auto leaf = ca.server();
        auto facts = crypto::parse_certificate(leaf.pem).value();
        auto ca_facts = crypto::parse_certificate(ca.pem).value();
        AgentServer agents(ca, Leaf{leaf.pem, leaf.key.clone()});
        auto port = agents.server.port;
        CHECK(try_http(port, Trust::fingerprint(facts.fingerprint.hex())) == "");
        CHECK(try_http(port, Trust::fingerprint(facts.spki_sha256.hex())) == "");
        CHECK(try_http(port, Trust::fingerprint(ca_facts.fingerprint.hex())) == "");

        std::string spelled;
        for (char c : facts.fingerprint.hex()) {
            spelled += static_cast<char>(std::toupper(c));
            if (spelled.size() % 3 == 2) spelled += ':';
        }
        spelled.pop_back();
        CHECK(try_http(port, Trust::fingerprint(spelled)) == "");

        std::string message;
        auto other = crypto::parse_certificate(ca.server().pem).value();
        CHECK(
            try_http(port, Trust::fingerprint(other.fingerprint.hex()), &message) ==
            "tls_fingerprint_differs"
        );
        CHECK(message.find(facts.fingerprint.hex()) != std::string::npos);
        CHECK(try_http(port, Trust::system()) == "tls_unknown_authority");
        CHECK(!TlsClientContext::make(Trust::fingerprint("abc")));
        CHECK(!TlsClientContext::make(Trust::fingerprint("sha256//abc")));

        auto as_curl_writes_it = "sha256//" + crypto::base64_encode(facts.spki_sha256.view());
        CHECK(try_http(port, Trust::fingerprint(as_curl_writes_it)) == "");
        CHECK(
            try_http(port, Trust::fingerprint(other.fingerprint.hex()).or_authorities(ca.pem)) == ""
        );
        CHECK(
            try_http(port, Trust::fingerprint(other.fingerprint.hex()).or_system()) ==
            "tls_unknown_authority"
        );
        CHECK(!TlsClientContext::make(Trust::authorities("nothing")));
    }

    TEST_CASE("the machine's authorities are read once for a trust, and again after they changed") {
        TestCa ca, another;
        AgentServer agents(ca);
        auto file = std::filesystem::temp_directory_path() /
                    ("fairlead-trust-" + std::to_string(getpid()) + ".pem");
        auto write = [&](const std::string& pem, std::chrono::hours age) {
            std::ofstream(file) << pem;
            std::filesystem::last_write_time(
                file, std::filesystem::file_time_type::clock::now() - age
            );
        };
        write(another.pem, 48h);
        ::setenv("SSL_CERT_FILE", file.c_str(), 1);
        auto trust = Trust::system();
        CHECK(try_http(agents.server.port, trust) == "tls_unknown_authority");
        auto first = authorities_of(trust).value();
        CHECK(authorities_of(trust).value() == first);
        CHECK(authorities_of(Trust::system()).value() != first);
        CHECK(authorities_of(trust.or_authorities(ca.pem)).value() != first);
        write(ca.pem, 24h);
        CHECK(try_http(agents.server.port, trust) == "");
        CHECK(authorities_of(trust).value() != first);
        ::unsetenv("SSL_CERT_FILE");
        std::filesystem::remove(file);
    }

    TEST_CASE(
        "a pinned certificate must still be of this time, and a pinned authority's of this name"
    ) {
        TestCa ca;
        auto expired = ca.issue(Usage::server, "localhost", -48h, -1h);
        auto pin = crypto::parse_certificate(expired.pem).value().fingerprint.hex();
        AgentServer old(ca, std::move(expired));
        CHECK(try_http(old.server.port, Trust::fingerprint(pin)) == "tls_expired");

        AgentServer elsewhere(ca, ca.issue(Usage::server, "elsewhere.example.org"));
        auto authority = crypto::parse_certificate(ca.pem).value().fingerprint.hex();
        CHECK(try_http(elsewhere.server.port, Trust::fingerprint(authority)) == "tls_name_differs");
    }
}
