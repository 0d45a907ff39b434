#include "common/crypto/encoding.hpp"
#include "common/crypto/x509_web.hpp"
#include "common/net/tls_impl.hpp"
#include "common/runtime/process.hpp"
#include "tls_agents.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::net;
using crypto::Usage;

TEST_SUITE("common/net/tls") {

    TEST_CASE("an agent with a certificate of the right authority gets its link, and the "
              "controller knows who it is") {
        TestCa ca;
        AgentServer agents(ca);
        auto leaf = ca.client("srv_7");
        auto tls = client(ca, &leaf);
        CHECK(try_link(agents.server.port, tls) == "");
        auto certificate = agents.peer.certificate.value();
        auto facts = crypto::parse_certificate(leaf.pem).value();
        CHECK(certificate.common_name == "srv_7");
        CHECK(certificate.uris == std::vector<std::string>{"urn:fairlead:org:org_test"});
        CHECK(certificate.serial == facts.serial);
        CHECK(certificate.fingerprint == facts.fingerprint.hex());
        CHECK(certificate.key_hash == facts.spki_sha256.hex());
        CHECK(certificate.not_after == facts.not_after);
        CHECK(agents.peer.tls_version == "TLSv1.3");
        CHECK(agents.peer.alpn == "fairlead/1");
        CHECK(agents.peer.address == "127.0.0.1");
        CHECK(!agents.peer.resumed);
    }

    TEST_CASE("who comes for a name behind a proxy is known by that one's certificate, and nobody "
              "else is "
              "asked") {
        TestCa ca, proxies, strangers;
        std::atomic<bool> asked = true;
        std::optional<PeerCertificate> seen;
        bool resumed = false;
        TestServer server(ca, only_http([&](HttpRequest request) -> Task<HttpResponse> {
                              seen = request.peer->certificate;
                              resumed = request.peer->resumed;
                              co_return HttpResponse(200, "text/plain", "http");
                          }));
        must(server.tls.set_visitor_authorities(proxies.pem, [&](std::string_view name) {
            return asked && name == "localhost";
        }));
        auto ask = [&](TlsClientContext& tls) -> std::string {
            seen.reset();
            auto url = Url::parse("https://localhost:" + std::to_string(server.port) + "/").value();
            auto answer = http_request(tls, "GET", url, {});
            return answer ? "" : answer.error().code();
        };
        auto proxy = proxies.client("proxy"), stranger = strangers.client("stranger");
        auto with = client(ca, &proxy), without = client(ca, nullptr),
             other = client(ca, &stranger);
        CHECK(ask(with) == "");
        CHECK(seen.value().common_name == "proxy");
        // A ticket stands for the certificate that was shown.
        CHECK(ask(with) == "");
        CHECK(seen.value().common_name == "proxy");
        CHECK(resumed);
        CHECK(ask(without) == "");
        CHECK(!seen);
        CHECK(ask(other) == "tls_client_unknown_authority");
        // What an agent shows is not enough.
        auto agent = ca.client("srv_7");
        auto as_agent = client(ca, &agent);
        CHECK(ask(as_agent) == "tls_client_unknown_authority");
        // Other changes leave it as it is.
        auto own = ca.server();
        must(server.tls.set_certificate_for("other.example", own.pem, own.key));
        CHECK(ask(with) == "");
        CHECK(seen);
        asked = false;
        with.forget_sessions();
        CHECK(ask(with) == "");
        CHECK(!seen);
        CHECK(!server.tls.set_visitor_authorities("nothing", [](std::string_view) { return true; })
        );
    }

    TEST_CASE("agents are shown their own certificate where browsers are shown another one") {
        TestCa ca, operators;
        AgentServer agents(ca);
        auto own = ca.server(), public_one = operators.server();
        must(agents.server.tls.set_certificate(public_one.pem, public_one.key));
        must(agents.server.tls.set_agents_certificate(own.pem, own.key));
        auto leaf = ca.client("srv_7");
        auto tls = client(ca, &leaf);
        CHECK(try_link(agents.server.port, tls) == "");
        CHECK(try_http(agents.server.port, Trust::authorities(operators.pem)) == "");
        CHECK(try_http(agents.server.port, Trust::authorities(ca.pem)) == "tls_unknown_authority");
        HttpClientOptions options;
        options.alpn = recover_alpn;
        auto recovering = TlsClientContext::make(Trust::authorities(ca.pem)).value();
        auto url =
            Url::parse("https://localhost:" + std::to_string(agents.server.port) + "/").value();
        CHECK(http_request(recovering, "GET", url, {}, options));
    }

    TEST_CASE(
        "the second link of an agent resumes its session and is still known by its certificate"
    ) {
        TestCa ca;
        AgentServer agents(ca);
        auto leaf = ca.client("srv_7");
        auto tls = client(ca, &leaf);
        CHECK(try_link(agents.server.port, tls) == "");
        CHECK(try_link(agents.server.port, tls) == "");
        CHECK(agents.peer.resumed);
        CHECK(agents.peer.certificate.value().common_name == "srv_7");

        SUBCASE("with all that it said, also by the ticket of a resumed session") {
            CHECK(try_link(agents.server.port, tls) == "");
            CHECK(agents.peer.resumed);
            auto certificate = agents.peer.certificate.value();
            auto facts = crypto::parse_certificate(leaf.pem).value();
            CHECK(certificate.uris == std::vector<std::string>{"urn:fairlead:org:org_test"});
            CHECK(certificate.serial == facts.serial);
            CHECK(certificate.fingerprint == facts.fingerprint.hex());
            CHECK(certificate.key_hash == facts.spki_sha256.hex());
            CHECK(certificate.not_before == facts.not_before);
            CHECK(certificate.not_after == facts.not_after);
        }
        SUBCASE("but not after another identity was set") {
            auto other = ca.client("srv_8");
            must(tls.set_identity(other.pem, other.key));
            CHECK(try_link(agents.server.port, tls) == "");
            CHECK(!agents.peer.resumed);
            CHECK(agents.peer.certificate.value().common_name == "srv_8");
        }
        SUBCASE("and not after its authority was dropped") {
            TestCa next("Next CA");
            must(agents.server.tls.set_agent_authorities({next.pem}));
            CHECK(try_link(agents.server.port, tls) == "tls_client_unknown_authority");
        }
        SUBCASE("and fully again while two authorities are trusted") {
            TestCa next("Next CA");
            must(agents.server.tls.set_agent_authorities({next.pem, ca.pem}));
            CHECK(try_link(agents.server.port, tls) == "");
            CHECK(!agents.peer.resumed);
            auto renewed = next.client("srv_7");
            must(tls.set_identity(renewed.pem, renewed.key));
            CHECK(try_link(agents.server.port, tls) == "");
        }
    }

    TEST_CASE("a link without, with a foreign or with an expired "
              "certificate is refused by name on the agent's side") {
        TestCa ca;
        TestCa foreign("Foreign CA");
        AgentServer agents(ca);
        auto stranger = foreign.client("srv_7");
        auto expired = ca.issue(Usage::client, "srv_7", -48h, -1h);
        auto early = ca.issue(Usage::client, "srv_7", 2h, 48h);
        auto server_kind = ca.server();

        struct Row {
            const char* name;
            const Leaf* identity;
            const char* code;
        };
        const Row rows[] = {
            {"none", nullptr, "tls_client_required"},
            {"foreign", &stranger, "tls_client_unknown_authority"},
            {"expired", &expired, "tls_client_expired"},
            {"not yet valid", &early, "tls_client_refused"},
            {"made for servers", &server_kind, "tls_client_refused"},
        };
        for (const auto& row : rows) {
            CAPTURE(row.name);
            auto tls = client(ca, row.identity);
            CHECK(try_link(agents.server.port, tls) == row.code);
        }
        CHECK(agents.links == 0);
    }

    TEST_CASE("a session of plain HTTPS does not resume as an agent's link") {
        TestCa ca;
        AgentServer agents(ca);
        auto tls = client(ca, nullptr);
        auto url =
            Url::parse("https://localhost:" + std::to_string(agents.server.port) + "/").value();
        CHECK(http_request(tls, "GET", url, {}).value().body == "http");
        CHECK(try_link(agents.server.port, tls) == "tls_client_required");
        CHECK(agents.links == 0);
    }

    TEST_CASE("certificates are chosen by name and replaced while the listener runs") {
        TestCa ca;
        AgentServer agents(ca);
        auto& tls = agents.server.tls;
        auto port = agents.server.port;
        auto pin_of = [](const Leaf& leaf) {
            return Trust::fingerprint(crypto::parse_certificate(leaf.pem).value().fingerprint.hex()
            );
        };

        auto second = ca.server();
        CHECK(try_http(port, pin_of(second)) == "tls_fingerprint_differs");
        must(tls.set_certificate(second.pem, second.key));
        CHECK(try_http(port, pin_of(second)) == "");

        auto named = ca.server();
        must(tls.set_certificate_for("LocalHost", named.pem, named.key));
        CHECK(try_http(port, pin_of(named)) == "");
        tls.remove_certificate_for("localhost");
        CHECK(try_http(port, pin_of(second)) == "");

        CHECK(tls.covers("localhost"));
        CHECK(!tls.covers("other.example"));
        CHECK(!tls.covers(""));

        auto failed = tls.set_certificate(named.pem, second.key);
        REQUIRE(!failed);
        CHECK(failed.error().message().find("does not belong") != std::string::npos);
        CHECK(!tls.set_certificate("rubbish", second.key));
        CHECK(!tls.set_agent_authorities({second.pem}));
        CHECK(try_http(port, pin_of(second)) == "");
    }

    TEST_CASE("an authority that asks for a challenge is shown it for that name, and nothing else"
    ) {
        TestCa ca;
        AgentServer agents(ca);
        auto& tls = agents.server.tls;
        auto ask = [&](const std::string& name, const std::string& alpn) {
            Command command;
            command.argv = {"openssl",     "s_client",
                            "-connect",    "127.0.0.1:" + std::to_string(agents.server.port),
                            "-servername", name,
                            "-alpn",       alpn,
                            "-showcerts"};
            return run(command).value().output;
        };
        auto has = [](const std::string& text, std::string_view part) {
            CAPTURE(text);
            return text.find(part) != std::string::npos;
        };
        CHECK(has(ask("shop.example.org", "acme-tls/1"), "no application protocol"));

        auto key = crypto::P256Key::generate();
        auto now = SystemClock().now();
        auto pem = crypto::self_sign_challenge(
                       key, "shop.example.org", crypto::sha256("a"), {now - 1h, now + 1h}
        )
                       .value();
        must(tls.set_challenge_for("Shop.example.org", pem, key.to_pem()));
        auto shown = ask("shop.example.org", "acme-tls/1");
        CHECK(has(shown, "ALPN protocol: acme-tls/1"));
        CHECK(has(shown, pem));
        CHECK(has(ask("other.example.org", "acme-tls/1"), "no application protocol"));
        auto others = ask("shop.example.org", "http/1.1");
        CHECK(has(others, "ALPN protocol: http/1.1"));
        CHECK(!has(others, pem));

        tls.remove_challenge_for("shop.example.org");
        CHECK(has(ask("shop.example.org", "acme-tls/1"), "no application protocol"));
        CHECK(try_http(agents.server.port, Trust::authorities(ca.pem)) == "");
    }

    TEST_CASE("what a ticket says of its certificate is read whole or not at all") {
        PeerCertificate facts;
        facts.common_name = "srv_7";
        facts.serial = "0a:1";
        facts.uris = {"urn:fairlead:org:org_test", ""};
        facts.not_after = from_ms(1'900'000'000'000);
        auto text = pack_certificate(facts);
        auto again = unpack_certificate(text);
        REQUIRE(again);
        CHECK(again->common_name == facts.common_name);
        CHECK(again->serial == facts.serial);
        CHECK(again->uris == facts.uris);
        CHECK(again->not_after == facts.not_after);
        for (std::size_t size = 0; size < text.size(); ++size)
            CHECK(!unpack_certificate(std::string_view(text).substr(0, size)));
        CHECK(!unpack_certificate(text + "1:x"));
        CHECK(!unpack_certificate("99999999999999999999:x"));
    }

    TEST_CASE("with a session secret, tickets survive a restart of the controller") {
        TestCa ca;
        auto leaf = ca.client("srv_7");
        auto tls = client(ca, &leaf);
        Secret secret(std::string(32, 's'));
        // The client remembers sessions by port, so both servers take the same one.
        std::uint16_t port = 0;
        for (bool resumed : {false, true}) {
            TestCa* same = &ca;
            ListenerHandlers handlers;
            std::atomic<bool> was_resumed = false;
            handlers.http = [](HttpRequest) -> Task<HttpResponse> { co_return HttpResponse(204); };
            handlers.agent = [&](WebSocket socket) -> Task<> {
                was_resumed = socket.peer().resumed;
                auto first = co_await socket.read();
                if (first) (void)co_await socket.write(first->kind, first->data);
                co_await socket.close(1000, "bye");
            };
            TestServer server(*same, handlers, [&](ListenerOptions& options) {
                options.port = port;
            });
            must(server.tls.set_session_secret(secret));
            port = server.port;
            CHECK(try_link(port, tls) == "");
            CHECK(was_resumed == resumed);
        }
        TlsServerContext short_secret;
        CHECK(!short_secret.set_session_secret(Secret("short")));
    }
}
