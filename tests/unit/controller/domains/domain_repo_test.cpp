#include "../world/world.hpp"
#include "controller/domains/domain_repo.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::domains;
using test::World;

namespace {

struct Rows : World {
    Domain add(const api::OrgScope& scope, std::string name, State state) {
        Domain domain;
        domain.id = DomainId::make(clock.now());
        domain.name = std::move(name);
        domain.state = state;
        domain.token = domain.id.str();
        domain.created_ms = clock.now();
        domain.created_by = UserId::make(clock.now());
        REQUIRE(core->store.write([&](store::UnitOfWork& unit) {
            return DomainRepo(unit.db(), scope).insert(domain);
        }));
        return domain;
    }
    bool taken(const api::OrgScope& scope, std::string_view name) {
        return core->store
            .read([&](store::Connection& db) { return DomainRepo(db, scope).taken_by_others(name); }
            )
            .value();
    }
    std::string owner(std::string_view host) {
        auto found = core->store.read([&](store::Connection& db) { return owner_of(db, host); });
        REQUIRE(found);
        if (!*found) return "nobody";
        return ((*found)->org_id == org.org() ? "org " : "other ") + (*found)->name;
    }
};

} // namespace

TEST_SUITE("controller/domains/domain_repo") {

    TEST_CASE_FIXTURE(
        Rows, "a proved name, what is above and what is below it is taken for others"
    ) {
        add(org, "shop.example.org", State::verified);
        for (const char* name :
             {"shop.example.org", "*.shop.example.org", "a.shop.example.org",
              "*.a.shop.example.org", "example.org", "*.example.org"}) {
            CAPTURE(name);
            CHECK(taken(other, name));
            CHECK_FALSE(taken(org, name));
        }
        for (const char* name :
             {"www.example.org", "*.www.example.org", "badshop.example.org", "shop.example.com",
              "shop.example.org.example.com", "shop0.example.org", "shop-a.example.org"}) {
            CAPTURE(name);
            CHECK_FALSE(taken(other, name));
        }
        add(org, "*.example.com", State::verified);
        CHECK(taken(other, "example.com"));
        CHECK(taken(other, "www.example.com"));
    }

    TEST_CASE_FIXTURE(Rows, "what was only claimed, and what failed, is taken for nobody") {
        add(org, "shop.example.org", State::pending);
        add(org, "www.example.org", State::failed);
        for (const char* name : {"shop.example.org", "www.example.org", "*.example.org"})
            CHECK_FALSE(taken(other, name));
        add(other, "shop.example.org", State::pending);
    }

    TEST_CASE_FIXTURE(Rows, "two organizations never hold one name, whatever else goes wrong") {
        add(org, "shop.example.org", State::verified);
        auto second = add(other, "shop.example.org", State::pending);
        second.state = State::verified;
        auto stored = core->store.write([&](store::UnitOfWork& unit) {
            return DomainRepo(unit.db(), other).update(second);
        });
        REQUIRE_FALSE(stored);
        CHECK(stored.error().kind() == Errc::conflict);
    }

    TEST_CASE_FIXTURE(Rows, "a host is whose nearest proved name covers it") {
        add(org, "*.example.org", State::verified);
        add(org, "deep.shop.example.org", State::verified);
        add(other, "shop.example.com", State::verified);
        add(other, "pending.example.net", State::pending);
        CHECK(owner("a.example.org") == "org *.example.org");
        CHECK(owner("a.b.c.example.org") == "org *.example.org");
        CHECK(owner("deep.shop.example.org") == "org deep.shop.example.org");
        CHECK(owner("example.org") == "nobody");
        CHECK(owner("shop.example.com") == "other shop.example.com");
        CHECK(owner("a.shop.example.com") == "nobody");
        CHECK(owner("pending.example.net") == "nobody");
    }

    TEST_CASE_FIXTURE(Rows, "rows of another organization are not found") {
        auto domain = add(org, "shop.example.org", State::verified);
        auto seen = [&](const api::OrgScope& scope) {
            return core->store
                .read([&](store::Connection& db) -> Result<bool> {
                    DomainRepo repo(db, scope);
                    FAIRLEAD_TRY(by_id, repo.find(domain.id));
                    FAIRLEAD_TRY(by_name, repo.find_by_name(domain.name));
                    FAIRLEAD_TRY(listed, repo.list({}, "", 10));
                    FAIRLEAD_TRY(covering, repo.covering(domain.name));
                    return by_id || by_name || !listed.empty() || !covering.empty();
                })
                .value();
        };
        CHECK(seen(org));
        CHECK_FALSE(seen(other));
    }
}
