#include "common/crypto/x509_web.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/process.hpp"
#include "common/store/memory_db.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <algorithm>

using namespace fairlead;
using namespace fairlead::crypto;
using namespace std::chrono_literals;

namespace {

const auto now = from_ms(1'800'000'000'000);
const Validity ten_years{now - 1h, now + 24h * 3650};
const Validity thirty_days{now - 5min, now + 24h * 30};

struct Authority {
    P256Key key = P256Key::generate();
    std::string pem = self_sign_ca(key, "Fairlead CA 1", ten_years);

    std::string issue_to(
        const P256Key& subject, Usage usage = Usage::client, Validity validity = thirty_days
    ) const {
        return issue(
                   key, pem,
                   {subject.public_der(),
                    "srv_1",
                    {{}, {}, {"urn:fairlead:org:org_1"}},
                    usage,
                    validity}
        )
            .value();
    }
};

/// Somebody else's opinion.
std::string openssl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "openssl");
    Command command;
    command.argv = std::move(arguments);
    auto exit = run(command).value();
    CAPTURE(exit.output);
    REQUIRE(exit.ok());
    return exit.output;
}

} // namespace

TEST_SUITE("common/crypto/x509") {

    TEST_CASE("a key goes to a private file and comes back, and signs") {
        store::TemporaryFolder folder;
        auto key = P256Key::generate();
        auto file = folder.path() / "key.pem";
        REQUIRE(key.save(file));
        struct stat facts {};
        REQUIRE(::stat(file.c_str(), &facts) == 0);
        CHECK((facts.st_mode & 0777) == 0600);
        auto same_key = P256Key::load(file).value();
        CHECK(same_key.spki_sha256() == key.spki_sha256());
        CHECK(same_key.public_der().size() == 91);

        auto signature = key.sign("challenge");
        CHECK(verify_p256(same_key.public_der(), "challenge", signature));
        CHECK(!verify_p256(key.public_der(), "challengf", signature));
        CHECK(!verify_p256(P256Key::generate().public_der(), "challenge", signature));
        CHECK(!verify_p256(key.public_der(), "challenge", signature.substr(1)));
        CHECK(!verify_p256(key.public_der(), "challenge", ""));
        CHECK(!verify_p256("", "challenge", signature));
        CHECK(!verify_p256(key.public_der() + "x", "challenge", signature));
        for (std::size_t i = 0; i < signature.size(); ++i) {
            auto altered = signature;
            altered[i] = static_cast<char>(altered[i] ^ 1);
            CHECK(!verify_p256(key.public_der(), "challenge", altered));
        }
    }

    TEST_CASE("what is no P-256 private key is refused") {
        auto pem = std::string(P256Key::generate().to_pem().reveal());
        CHECK(P256Key::from_pem(pem));
        CHECK(!P256Key::from_pem(""));
        CHECK(!P256Key::from_pem(
            openssl({"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"})
        ));
        CHECK(!P256Key::from_pem(openssl({"genpkey", "-algorithm", "ED25519"})));
        CHECK(P256Key::from_pem(
            openssl({"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"})
        ));
        CHECK(!P256Key::from_pem(pem.substr(0, pem.size() / 2)));
        CHECK(!P256Key::from_pem(std::string(5000, 'x')));
        store::TemporaryFolder folder;
        CHECK(P256Key::load(folder.path() / "none").error().kind() == Errc::not_found);
    }

    TEST_CASE("a request names its key and proves it") {
        auto key = P256Key::generate();
        auto pem = make_csr(key, "web-1");
        auto csr = parse_csr(pem).value();
        CHECK(csr.common_name == "web-1");
        CHECK(csr.spki_sha256() == key.spki_sha256());

        for (auto text :
             {std::string(), std::string("rubbish"), pem.substr(0, 100), std::string(9000, 'x')})
            CHECK(!parse_csr(text));
        int accepted = 0;
        for (std::size_t i = 40; i + 40 < pem.size(); ++i) {
            auto altered = pem;
            altered[i] = altered[i] == 'A' ? 'B' : 'A';
            if (altered != pem) accepted += parse_csr(altered).has_value();
        }
        CHECK(accepted == 0);
    }

    TEST_CASE("an issued certificate says what was asked, and is verified against its CA") {
        Authority ca;
        auto key = P256Key::generate();
        auto pem = issue(
                       ca.key, ca.pem,
                       {key.public_der(),
                        "controller",
                        {{"fairlead.example.org", "localhost"}, {"192.0.2.1", "2001:db8::1"}, {}},
                        Usage::server,
                        thirty_days}
        )
                       .value();
        auto facts = parse_certificate(pem).value();
        CHECK(facts.common_name == "controller");
        CHECK(facts.issuer_common_name == "Fairlead CA 1");
        CHECK(
            facts.names ==
            Names{{"fairlead.example.org", "localhost"}, {"192.0.2.1", "2001:db8::1"}, {}}
        );
        CHECK(facts.not_before == thirty_days.not_before);
        CHECK(facts.not_after == thirty_days.not_after);
        CHECK(facts.serial.size() == 32);
        CHECK(!facts.ca);
        CHECK(facts.spki_sha256 == key.spki_sha256());
        CHECK(facts.fingerprint != facts.spki_sha256);
        CHECK(parse_certificate(ca.pem).value().ca);
        CHECK(parse_certificate(ca.issue_to(key)).value().serial != facts.serial);

        auto trusted = std::vector{ca.pem};
        CHECK(verify_issued(pem, trusted, Usage::server, now));
        CHECK(
            verify_issued(pem, trusted, Usage::client, now).error().message() ==
            "The certificate is not for agents."
        );
    }

    TEST_CASE("OpenSSL's own verification agrees") {
        store::TemporaryFolder folder;
        Authority ca;
        auto key = P256Key::generate();
        auto at = [&](const char* name, const std::string& content) {
            REQUIRE(write_file(folder.path() / name, content, 0600));
            return (folder.path() / name).string();
        };
        auto ca_file = at("ca.pem", ca.pem);
        auto leaf = at("leaf.pem", ca.issue_to(key));
        auto csr = at("csr.pem", make_csr(key, "web-1"));
        CHECK(
            openssl(
                {"verify", "-attime", "1800000000", "-x509_strict", "-purpose", "sslclient",
                 "-CAfile", ca_file, leaf}
            ) == leaf + ": OK\n"
        );
        CHECK(openssl({"req", "-in", csr, "-verify", "-noout"}).find("OK") != std::string::npos);
        auto text = openssl({"x509", "-in", leaf, "-noout", "-text"});
        CHECK(text.find("URI:urn:fairlead:org:org_1") != std::string::npos);
        CHECK(text.find("TLS Web Client Authentication") != std::string::npos);
    }

    TEST_CASE("expired, early, foreign and forged certificates are refused by name") {
        Authority ca, other;
        auto key = P256Key::generate();
        auto trusted = std::vector{other.pem, ca.pem};
        auto pem = ca.issue_to(key);
        CHECK(
            verify_issued(pem, trusted, Usage::client, now).value().names.uri ==
            std::vector<std::string>{"urn:fairlead:org:org_1"}
        );

        auto late = verify_issued(pem, trusted, Usage::client, now + 24h * 31).error();
        CHECK(late.kind() == Errc::unauthenticated);
        CHECK(
            late.message() ==
            "The certificate expired on " + to_rfc3339(thirty_days.not_after) + "."
        );
        CHECK(verify_issued(pem, trusted, Usage::client, std::nullopt));
        CHECK(
            verify_issued(pem, trusted, Usage::client, now - 1h)
                .error()
                .message()
                .find("is a clock wrong?") != std::string::npos
        );

        // A CA of the same name with another key.
        auto foreign = std::vector{other.pem};
        CHECK(
            verify_issued(pem, foreign, Usage::client, now).error().message() ==
            "The certificate was issued by somebody else (\"Fairlead CA 1\")."
        );
        CHECK(!verify_issued(pem, {}, Usage::client, now));
        // The CA itself is nobody's agent, and one that signs itself is nobody's at all.
        CHECK(!verify_issued(ca.pem, trusted, Usage::client, now));
        CHECK(!verify_issued(self_sign_ca(key, "srv_1", thirty_days), trusted, Usage::client, now));
        // A leaf cannot issue.
        CHECK(
            issue(key, pem, {key.public_der(), "x", {}, Usage::client, thirty_days})
                .error()
                .kind() == Errc::invalid
        );
        auto leaf_as_ca = std::vector{pem};
        CHECK(!verify_issued(pem, leaf_as_ca, Usage::client, now));

        int accepted = 0;
        for (std::size_t i = 40; i + 40 < pem.size(); ++i) {
            auto altered = pem;
            altered[i] = altered[i] == 'A' ? 'B' : 'A';
            if (altered != pem)
                accepted += verify_issued(altered, trusted, Usage::client, now).has_value();
        }
        CHECK(accepted == 0);
    }

    TEST_CASE("what must not stand in a certificate is not issued") {
        Authority ca;
        auto key = P256Key::generate();
        auto attempt = [&](std::string name, Names names, Validity validity = thirty_days) {
            return issue(
                ca.key, ca.pem,
                {key.public_der(), std::move(name), std::move(names), Usage::server, validity}
            );
        };
        CHECK(attempt("x", {}));
        CHECK(!attempt("", {}));
        CHECK(!attempt(std::string(65, 'x'), {}));
        CHECK(!attempt("a\nb", {}));
        CHECK(!attempt("x", {{"a b"}, {}, {}}));
        CHECK(!attempt("x", {{"DNS:a,DNS:b"}, {}, {}}));
        CHECK(!attempt("x", {{""}, {}, {}}));
        CHECK(!attempt("x", {{}, {"300.1.1.1"}, {}}));
        CHECK(!attempt("x", {{}, {}, {"a b"}}));
        CHECK(!attempt("x", {std::vector<std::string>(101, "a"), {}, {}}));
        CHECK(!attempt("x", {}, {now, now}));
        CHECK(
            attempt("x", {}, {now, ten_years.not_after + 1h})
                .error()
                .message()
                .find("outlive its CA") != std::string::npos
        );
        CHECK(!issue(key, ca.pem, {key.public_der(), "x", {}, Usage::client, thirty_days}));
        CHECK(!issue(ca.key, ca.pem, {"not a key", "x", {}, Usage::client, thirty_days}));
    }

    TEST_CASE("a list of certificates is split, and a damaged one is counted") {
        Authority first, second;
        auto list = split_certificates("note\n" + first.pem + "\nbetween\n" + second.pem).value();
        CHECK(list == std::vector{first.pem, second.pem});
        CHECK(!split_certificates(""));
        CHECK(!split_certificates("nothing here"));
        auto damaged = second.pem;
        damaged.replace(100, 4, "!!!!");
        CHECK(
            split_certificates(first.pem + damaged).error().message() ==
            "Certificate 2 of the list is damaged."
        );
        std::string many;
        for (int i = 0; i < 33; ++i) many += first.pem;
        CHECK(!split_certificates(many));
    }

    TEST_CASE("DER is read to its last byte") {
        Authority ca;
        auto facts = parse_certificate(ca.pem).value();
        CHECK(!parse_certificate_der(""));
        CHECK(!parse_certificate_der(facts.public_der));
        CHECK(!parse_certificate("rubbish"));
    }

    TEST_CASE("a request for a certificate of the web names hosts and nobody") {
        store::TemporaryFolder folder;
        auto key = P256Key::generate();
        auto file = (folder.path() / "csr.pem").string();
        REQUIRE(write_file(file, make_csr_for(key, {"shop.example.org"}).value(), 0600));
        auto text = openssl({"req", "-in", file, "-noout", "-text", "-verify"});
        CHECK(text.find("DNS:shop.example.org") != std::string::npos);
        CHECK(text.find("Subject: \n") != std::string::npos);
        CHECK(!make_csr_for(key, {}));
        CHECK(!make_csr_for(key, {"Shop.example.org"}));
        CHECK(!make_csr_for(key, {"shop.example.org,DNS:other.example.org"}));
    }

    TEST_CASE("what an authority of the web is shown holds the digest that it asked for") {
        store::TemporaryFolder folder;
        auto key = P256Key::generate();
        auto digest = sha256("token.thumbprint");
        auto pem = self_sign_challenge(key, "shop.example.org", digest, thirty_days).value();
        auto facts = parse_certificate(pem).value();
        CHECK(facts.names.dns == std::vector<std::string>{"shop.example.org"});
        auto file = (folder.path() / "challenge.pem").string();
        REQUIRE(write_file(file, pem, 0600));
        auto text = openssl({"x509", "-in", file, "-noout", "-text"});
        CHECK(text.find("1.3.6.1.5.5.7.1.31: critical") != std::string::npos);
        auto der = openssl({"asn1parse", "-in", file});
        auto hex = digest.hex();
        std::ranges::transform(hex, hex.begin(), [](char c) {
            return static_cast<char>(c >= 'a' && c <= 'f' ? c - 'a' + 'A' : c);
        });
        CAPTURE(der);
        CHECK(der.find("[HEX DUMP]:0420" + hex) != std::string::npos);
        CHECK(!self_sign_challenge(key, "no name", digest, thirty_days));
    }
}
