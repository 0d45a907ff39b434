#include "common/store/memory_db.hpp"
#include "controller/authority/authority.hpp"
#include "controller/authority/schema.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::authority;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    store::Migration steps[1] = {{1, "authority", first_tables}};
    store::TemporaryStore store{steps};
    FakeClock clock;
    crypto::Keystore keys = crypto::Keystore::ephemeral();
    Authority authority{keys, clock, {}};
    api::OrgScope org = api::ScopeIssuer::scope(OrgId::make(clock.now()));
    crypto::P256Key key = crypto::P256Key::generate();

    template <class Work>
    auto in(Work work) {
        return store->write(work);
    }
    Fixture() {
        REQUIRE(in([&](store::UnitOfWork& unit) { return authority.create_first(unit); }));
    }
    ServerId server() { return ServerId::make(clock.now()); }
    Result<Issued> issue(const ServerId& server) {
        return in([&](store::UnitOfWork& unit) {
            return authority.issue(unit, org, server, crypto::make_csr(key, "x"));
        });
    }
    Result<Step> rotate(bool force = false) {
        return in([&](store::UnitOfWork& unit) { return authority.rotate(unit, force); });
    }
    Result<> told(const ServerId& server, std::int64_t newest = 2) {
        return in([&](store::UnitOfWork& unit) { return authority.told(unit, org, server, newest); }
        );
    }
    std::vector<std::string> accepted() {
        return store->read([&](store::Connection& db) { return authority.accepted(db); }).value();
    }
    OwnCertificate own(std::vector<std::string> names = {"fairlead.example", "192.0.2.1"}) {
        return in([&](store::UnitOfWork& unit) { return authority.own(unit, names); }).value();
    }
    Result<crypto::CertificateFacts>
    verify(const std::string& pem, crypto::Usage usage = crypto::Usage::client) {
        return crypto::verify_issued(pem, accepted(), usage, clock.now());
    }
};

} // namespace

TEST_SUITE("controller/authority") {

    TEST_CASE_FIXTURE(
        Fixture, "an agent's certificate names the server and its organization, for thirty days"
    ) {
        auto id = server();
        auto issued = issue(id).value();
        auto facts = verify(issued.certificate).value();
        CHECK(facts.common_name == id.str());
        CHECK(facts.names.uri == std::vector<std::string>{"fairlead:org:" + org.org().str()});
        CHECK(facts.not_after == clock.now() + 24h * 30);
        CHECK(facts.serial == issued.serial);
        CHECK(issued.ca == accepted().at(0));
        CHECK(!verify(issued.certificate, crypto::Usage::server));
        auto bad =
            in([&](store::UnitOfWork& unit) { return authority.issue(unit, org, id, "rubbish"); });
        CHECK(bad.error().code() == "csr_invalid");
        CHECK(
            in([&](store::UnitOfWork& unit) { return authority.create_first(unit); })
                .error()
                .kind() == Errc::conflict
        );
    }

    TEST_CASE_FIXTURE(Fixture, "no key lies in the store unsealed") {
        (void)own();
        auto found = store->read([](store::Connection& db) {
            return db.one<int>("SELECT count(*) FROM (SELECT certificate || hex(sealed_key) AS t "
                               "FROM authority UNION ALL"
                               " SELECT chain || hex(sealed_key) FROM own_certificate) WHERE t "
                               "LIKE '%PRIVATE KEY%'"
                               " OR t LIKE '%505249564154%'");
        });
        CHECK(found.value() == 0);
        // Somebody else's keystore opens nothing.
        auto other_keys = crypto::Keystore::ephemeral();
        Authority thief(other_keys, clock, {});
        auto stolen = in([&](store::UnitOfWork& unit) { return thief.own(unit, {"x"}); });
        CHECK(!stolen);
    }

    TEST_CASE_FIXTURE(
        Fixture, "the controller's certificate is kept, and renewed in time with the same key"
    ) {
        auto first = own();
        auto facts = verify(first.chain_pem, crypto::Usage::server).value();
        CHECK(facts.names.dns == std::vector<std::string>{"fairlead.example"});
        CHECK(facts.names.ip == std::vector<std::string>{"192.0.2.1"});
        CHECK(facts.spki_sha256 == first.spki_sha256);
        CHECK(crypto::split_certificates(first.chain_pem).value().size() == 2);

        clock.advance(24h * 59);
        CHECK(own().chain_pem == first.chain_pem);
        clock.advance(24h * 2);
        auto renewed = own();
        CHECK(renewed.chain_pem != first.chain_pem);
        CHECK(renewed.spki_sha256 == first.spki_sha256);
        CHECK(own().chain_pem == renewed.chain_pem);
        auto renamed = own({"other.example"});
        CHECK(
            verify(renamed.chain_pem, crypto::Usage::server).value().names.dns ==
            std::vector<std::string>{"other.example"}
        );
        CHECK(renamed.spki_sha256 == first.spki_sha256);
    }

    TEST_CASE_FIXTURE(
        Fixture, "a rotation goes on only when the agents are ready, and names those that are not"
    ) {
        auto awake = server(), asleep = server();
        auto old = issue(awake).value();
        REQUIRE(issue(asleep));

        CHECK(rotate().value().act == "ca.announce");
        CHECK(accepted().size() == 2);
        REQUIRE(told(awake));
        REQUIRE(told(asleep, 1)); // speaks, on a link from before the announcement
        auto lagging = rotate();
        REQUIRE(!lagging);
        CHECK(lagging.error().code() == "agents_lag");
        CHECK(lagging.error().message().find(asleep.str()) != std::string::npos);
        CHECK(lagging.error().message().find(awake.str()) == std::string::npos);
        // What is issued while it is announced is still of the old one.
        CHECK(
            verify(issue(awake).value().certificate).value().issuer_common_name ==
            verify(old.certificate).value().issuer_common_name
        );

        REQUIRE(told(asleep));
        CHECK(rotate().value().act == "ca.issue");
        auto fresh = issue(awake).value();
        CHECK(verify(fresh.certificate).value().issuer_common_name.starts_with("Fairlead CA 2 "));
        CHECK(verify(old.certificate));
        CHECK(verify(own().chain_pem, crypto::Usage::server)
                  .value()
                  .issuer_common_name.starts_with("Fairlead CA 2 "));

        CHECK(rotate().error().message().find(asleep.str()) != std::string::npos);
        REQUIRE(issue(asleep));
        CHECK(rotate().value().act == "ca.drop");
        CHECK(accepted().size() == 1);
        CHECK(verify(fresh.certificate));
        CHECK(verify(old.certificate).error().kind() == Errc::unauthenticated);
        CHECK(rotate().value().act == "ca.announce");
    }

    TEST_CASE_FIXTURE(Fixture, "force, revoking and running out all let a rotation go on") {
        auto lost = server(), revoked = server();
        auto old = issue(lost).value();
        REQUIRE(issue(revoked));
        REQUIRE(rotate());
        CHECK(!rotate());
        REQUIRE(in([&](store::UnitOfWork& unit) { return authority.forget(unit, org, revoked); }));
        CHECK(rotate().error().message().find(revoked.str()) == std::string::npos);
        CHECK(rotate(true).value().act == "ca.issue");
        CHECK(!rotate());
        clock.advance(24h * 30 + 1s);
        CHECK(rotate().value().act == "ca.drop");
        CHECK(!verify(old.certificate));
    }

    TEST_CASE_FIXTURE(Fixture, "the overview counts who has what") {
        auto a = server(), b = server();
        REQUIRE(issue(a));
        REQUIRE(issue(b));
        REQUIRE(rotate());
        REQUIRE(told(a));
        auto list = store->read([&](store::Connection& db) { return authority.list(db); }).value();
        REQUIRE(list.size() == 2);
        CHECK(list[0].agents == 2);
        CHECK(list[0].strangers == 0);
        CHECK(list[1].stage == Stage::announced);
        CHECK(list[1].agents == 0);
        CHECK(list[1].strangers == 1);
    }

    TEST_CASE("a new master key takes over the authority's keys") {
        store::TemporaryFolder folder;
        store::Migration steps[] = {{1, "authority", first_tables}};
        store::TemporaryStore store(steps);
        FakeClock clock;
        auto file = folder.path() / "master.key";
        auto first = crypto::Keystore::create(file).value();
        auto names = std::vector<std::string>{"x.example"};
        REQUIRE(store->write([&](store::UnitOfWork& unit) -> Result<> {
            Authority authority(first, clock, {});
            FAIRLEAD_CHECK(authority.create_first(unit));
            FAIRLEAD_CHECK(authority.own(unit, names));
            return {};
        }));
        auto both = crypto::Keystore::add_key(file).value();
        REQUIRE(store->write([&](store::UnitOfWork& unit) {
            return visit_sealed(unit.db(), [&](auto sealed, auto context) {
                return Result<std::optional<std::string>>(both.rekey(sealed, context));
            });
        }));
        auto last = crypto::Keystore::drop_old_keys(file).value();
        CHECK(store->write([&](store::UnitOfWork& unit) {
            return Authority(last, clock, {}).own(unit, names);
        }));
    }
}
