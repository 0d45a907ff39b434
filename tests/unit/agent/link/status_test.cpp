#include "agent/link/identity.hpp"
#include "agent/link/status.hpp"
#include "common/crypto/x509.hpp"
#include "common/runtime/file.hpp"
#include "common/store/memory_db.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::link;
using namespace std::chrono_literals;

TEST_SUITE("agent/link/status") {

    TEST_CASE("what a person sees: certificate and controllers, a line each") {
        store::TemporaryFolder folder;
        auto file = folder.path() / "status.json";
        auto now = from_ms(1'790'000'000'000);
        Status status;
        status.state = "waiting";
        status.certificate_sha256 = std::string(64, 'a');
        status.certificate_not_after_ms = to_ms(now + 24h * 12);
        status.controllers = {
            {"one.example:8443", "away", "", "Nothing answers at one.example:8443.", to_ms(now)},
            {"two.example:8443", "refused", "revoked", "This server was revoked.", to_ms(now)},
            {"three.example:8443", "", "", "", 0}};
        REQUIRE(write_status(file, status));
        CHECK(
            overview(file, folder.path(), now) ==
            "certificate:  good until " + to_rfc3339(now + 24h * 12) + " (12 days), SHA-256 " +
                std::string(64, 'a') +
                "\n"
                "controller:   one.example:8443 away since " +
                to_rfc3339(now) +
                ": Nothing answers at one.example:8443.\n"
                "controller:   two.example:8443 refused since " +
                to_rfc3339(now) +
                ": This server was revoked. (revoked)\n"
                "controller:   three.example:8443 not called yet\n"
        );
        auto late = overview(file, folder.path(), now + 24h * 13);
        CHECK(late.starts_with("certificate:  EXPIRED on " + to_rfc3339(now + 24h * 12)));
    }

    TEST_CASE("without a link that runs, what lies in its folder is shown") {
        store::TemporaryFolder folder;
        IdentityFolder ours(folder.path());
        auto now = SystemClock().now();
        CHECK(overview(folder.path() / "none", folder.path(), now).empty());
        auto key = ours.key().value();
        auto pem = crypto::self_sign_ca(key, "srv_1", {now - 1h, now + 24h * 9 + 1h});
        REQUIRE(ours.save_certificate(pem, ""));
        Identity identity;
        identity.server_id = "srv_1";
        identity.controllers = {"one.example:8443"};
        REQUIRE(ours.save(identity));
        auto text = overview(folder.path() / "none", folder.path(), now);
        CHECK(text.find("(9 days), SHA-256 " + ours.validity()->sha256) != std::string::npos);
        CHECK(
            text.find("one.example:8443 not called: the link is not running\n") != std::string::npos
        );
    }
}
