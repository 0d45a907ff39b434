#include "common/store/memory_db.hpp"
#include "controller/api/change.hpp"
#include "controller/api/query.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace fairlead;
using namespace fairlead::api;

namespace {

struct Thing {
    OperationId id = OperationId::make(from_ms(1));
    std::string name = "thing";
};

class Book final : public AuditLog {
public:
    void record(store::UnitOfWork& unit, const OrgScope&, const Actor&, Act act) override {
        acts.push_back(act.action + " " + act.target_type + " " + act.target_name);
        unit.note(audited);
    }
    std::vector<std::string> acts;
};

class Ears final : public EventSink {
public:
    void publish(Event event) override { heard.push_back(event.type); }
    std::uint64_t position() const override { return 0; }
    bool can_resume(std::uint64_t) const override { return false; }
    void end_streams(std::string) override {}
    std::vector<std::string> heard;
};

Principal somebody() {
    Principal who;
    who.scope = ScopeIssuer::scope(OrgId::make(from_ms(1)));
    return who;
}

struct Fixture {
    std::vector<store::Migration> steps{{1, "things", "CREATE TABLE things (name TEXT NOT NULL)"}};
    store::TemporaryStore store{steps};
    Book book;
    Ears ears;
    Desk desk{store.store(), book, ears};
    Request request;

    Call call(std::map<std::string, std::string, std::less<>> query = {}) {
        return Call(request, {}, std::move(query), somebody());
    }
    std::int64_t count() {
        auto found = store.store().read([](store::Connection& db) {
            return db.one<std::int64_t>("SELECT count(*) FROM things");
        });
        return found.value().value();
    }
};

Result<> insert(Change& change) {
    FAIRLEAD_CHECK(change.db().run("INSERT INTO things (name) VALUES ('thing')"));
    return {};
}

Event event(std::string type) {
    return {OrgId::make(from_ms(1)), std::move(type), "{}", "things.view", std::nullopt, false};
}

} // namespace

TEST_SUITE("controller/api/change") {

    TEST_CASE_FIXTURE(Fixture, "a change without an audit entry is refused, and undone") {
        auto forgets = [&](Change& change) -> Result<Response> {
            FAIRLEAD_CHECK(insert(change));
            change.publish(event("thing.created"));
            return no_content();
        };
        CHECK_THROWS_AS((void)change(call(), desk, forgets), std::logic_error);
        CHECK(count() == 0);
        CHECK(ears.heard.empty());
    }

    TEST_CASE_FIXTURE(Fixture, "a change, its entry and its events go together, events last") {
        auto careful = [&](Change& change) -> Result<Response> {
            FAIRLEAD_CHECK(insert(change));
            change.publish(event("thing.created"));
            change.publish(event("list.changed"));
            CHECK(ears.heard.empty());
            change.record("thing.create", "thing", Thing());
            return no_content();
        };
        CHECK(change(call(), desk, careful)->status == 204);
        CHECK(count() == 1);
        CHECK(book.acts == std::vector<std::string>{"thing.create thing thing"});
        CHECK(ears.heard == std::vector<std::string>{"thing.created", "list.changed"});
    }

    TEST_CASE_FIXTURE(Fixture, "what fails needs no entry, and what was so already says so") {
        auto refuses = [&](Change& change) -> Result<Response> {
            FAIRLEAD_CHECK(insert(change));
            return conflict("thing_in_use", "The thing is in use.");
        };
        CHECK(change(call(), desk, refuses).error().code() == "thing_in_use");
        CHECK(count() == 0);
        auto again = [&](Change& change) -> Result<Response> {
            change.nothing_changed();
            return no_content();
        };
        CHECK(change(call(), desk, again)->status == 204);
        CHECK(book.acts.empty());
    }

    TEST_CASE("an organization has only so many of a thing") {
        CHECK(check_room(9, 10, "too_many_things", "things"));
        auto full = check_room(10, 10, "too_many_things", "things");
        REQUIRE(!full);
        CHECK(full.error().code() == "too_many_things");
        CHECK(full.error().message() == "This organization has 10 things, which is the most.");
    }

    TEST_CASE_FIXTURE(Fixture, "what the query says is read, or refused by name and value") {
        auto good = call({{"order", "down"}, {"after", "7"}, {"from", "2026-01-31T12:00:00Z"}});
        CHECK(query_word(good, "order", {"up", "down"}).value() == "down");
        CHECK(query_number(good, "after", 0, 10).value() == 7);
        CHECK(query_time(good, "from").value().has_value());
        CHECK(query_word(call(), "order", {"up", "down"}).value() == "up");
        CHECK(!query_number(call(), "after", 0, 10).value());
        CHECK(!last_event_id(call()).value());

        auto bad = call({{"order", "left"}, {"after", "7x"}, {"from", "soon"}});
        auto order = query_word(bad, "order", {"up", "down", "none"});
        CHECK(order.error().message() == "order is \"left\"; it must be up, down or none.");
        auto after = query_number(bad, "after", 0, 10);
        CHECK(after.error().message() == "after is \"7x\"; it must be a number from 0 to 10.");
        CHECK(query_time(bad, "from").error().fields().front().field == "from");
        CHECK(query_id<ServerId>(bad, "order").error().fields().front().field == "order");
    }
}
