#include "common/runtime/clock.hpp"
#include "common/store/memory_db.hpp"
#include "controller/mail/outbox.hpp"
#include "controller/mail/postman.hpp"
#include "controller/mail/schema.hpp"

#include <doctest/doctest.h>

#include <deque>

using namespace fairlead;
using namespace fairlead::mail;
using namespace std::chrono_literals;

namespace {

/// Sends what it is told to send, and remembers it.
struct FakeTransport final : Transport {
    Result<> send(const Message& message, Timestamp, const std::stop_token&) override {
        tried.push_back(message.to);
        if (!answers.empty()) {
            auto answer = answers.front();
            answers.pop_front();
            if (!answer) return answer;
        }
        messages.push_back(message);
        return {};
    }
    std::deque<Result<>> answers;
    std::vector<Message> messages;
    std::vector<std::string> tried;
};

struct Fixture {
    FakeClock clock;
    std::vector<store::Migration> steps{{1, "mail", first_tables}};
    store::TemporaryStore store{steps};
    crypto::Keystore keys = crypto::Keystore::ephemeral();
    Outbox outbox{store.store(), keys, Delivery::by_mail};
    FakeTransport transport;
    Postman postman{outbox, transport, clock};

    void
    put(const std::string& to, const std::string& link = "https://a.example/verify#flv_secret",
        const std::string& kind = "verify_email") {
        REQUIRE(store->write([&](store::UnitOfWork& unit) {
            Letter letter{kind,
                          to,
                          "Confirm",
                          "Open " + link + "\n",
                          Secret(std::string(link)),
                          clock.now() + 24h};
            return outbox.put(unit, letter, clock.now());
        }));
    }
    std::vector<Waiting> waiting() {
        return store->read([&](store::Connection& db) { return outbox.list(db, "", 100); }).value();
    }
    std::size_t carry() { return postman.carry().value(); }
};

} // namespace

TEST_SUITE("controller/mail/outbox") {

    TEST_CASE_FIXTURE(Fixture, "a letter is sent once, and then forgotten") {
        std::string told;
        outbox.on_put([&](const auto& kind, const auto& to) { told = kind + " to " + to; });
        put("ann@example.org");
        CHECK(told == "verify_email to ann@example.org");
        CHECK(carry() == 1);
        REQUIRE(transport.messages.size() == 1);
        CHECK(transport.messages[0].to == "ann@example.org");
        CHECK(transport.messages[0].text == "Open https://a.example/verify#flv_secret\n");
        CHECK(waiting().empty());
        CHECK(carry() == 0);
    }

    TEST_CASE_FIXTURE(Fixture, "nothing is sent for what was rolled back") {
        bool told = false;
        outbox.on_put([&](auto&, auto&) { told = true; });
        auto undone = store->write([&](store::UnitOfWork& unit) -> Result<> {
            Letter letter{"verify_email", "ann@example.org", "s", "t", Secret(), clock.now() + 1h};
            FAIRLEAD_CHECK(outbox.put(unit, letter, clock.now()));
            return fail(Errc::conflict, "changed my mind");
        });
        CHECK(!undone);
        CHECK(!told);
        CHECK(carry() == 0);
    }

    TEST_CASE_FIXTURE(Fixture, "the store holds neither link nor text in the clear") {
        put("ann@example.org");
        auto stored = store->read([](store::Connection& db) {
            return db.one<std::string>("SELECT hex(sealed) || kind || last_error FROM outgoing_mail"
            );
        });
        CHECK(stored.value()->find("666C765F") == std::string::npos); // flv_ in hex
        auto id = waiting()[0].id;
        auto by_hand = Outbox(store.store(), keys, Delivery::by_hand);
        auto link = store->read([&](store::Connection& db) { return by_hand.link_of(db, id); });
        CHECK(link.value()->reveal() == "https://a.example/verify#flv_secret");
        CHECK_THROWS_AS(
            (void)store->read([&](store::Connection& db) { return outbox.link_of(db, id); }),
            std::logic_error
        );
    }

    TEST_CASE_FIXTURE(Fixture, "where letters go by hand, news without a link are left out") {
        Outbox by_hand(store.store(), keys, Delivery::by_hand);
        for (const char* link : {"", "https://a.example/x"})
            REQUIRE(store->write([&](store::UnitOfWork& unit) {
                Letter letter{*link ? "a" : "b", "ann@example.org", "s", "t",
                              Secret(link),      clock.now() + 1h};
                return by_hand.put(unit, letter, clock.now());
            }));
        REQUIRE(waiting().size() == 1);
        CHECK(waiting()[0].kind == "a");
    }

    TEST_CASE_FIXTURE(
        Fixture, "while the server cannot be reached, attempts come slower and slower"
    ) {
        put("ann@example.org");
        for (auto pause : {30s, 60s, 120s, 300s, 600s, 1800s, 3600s, 3600s}) {
            transport.answers = {fail(Errc::unavailable, "no route")};
            CHECK(carry() == 0);
            REQUIRE(waiting().size() == 1);
            CHECK(waiting()[0].next == clock.now() + pause);
            CHECK(waiting()[0].last_error == "no route");
            clock.advance(pause - 1ms);
            auto tried = transport.tried.size();
            CHECK(carry() == 0);
            CHECK(transport.tried.size() == tried);
            clock.advance(1ms);
        }
        CHECK(carry() == 1);
    }

    TEST_CASE_FIXTURE(
        Fixture, "what the server refuses for good is not tried again, and holds up nobody"
    ) {
        put("ann@example.org");
        clock.advance(1ms);
        put("bob@example.org");
        transport.answers = {fail(Errc::invalid, "550 no such mailbox")};
        CHECK(carry() == 1);
        CHECK(transport.tried == std::vector<std::string>{"ann@example.org", "bob@example.org"});
        REQUIRE(waiting().size() == 1);
        CHECK(!waiting()[0].next);
        CHECK(waiting()[0].last_error == "550 no such mailbox");
        clock.advance(23h);
        CHECK(carry() == 0);
    }

    TEST_CASE_FIXTURE(Fixture, "what was refused for good takes no room after a day") {
        put("ann@example.org");
        REQUIRE(store->write([](store::UnitOfWork& unit) {
            return unit.db().run("UPDATE outgoing_mail SET expires_ms = expires_ms + 86400000");
        }));
        transport.answers = {fail(Errc::invalid, "550 no such mailbox")};
        CHECK(carry() == 0);
        clock.advance(23h);
        CHECK(outbox.tidy(clock.now()));
        CHECK(waiting().size() == 1);
        clock.advance(1h);
        CHECK(outbox.tidy(clock.now()));
        CHECK(waiting().empty());
    }

    TEST_CASE_FIXTURE(Fixture, "a newer letter of the same kind takes the place of the older one") {
        put("ann@example.org", "https://a.example/verify#one");
        put("ann@example.org", "https://a.example/reset#one", "reset_password");
        put("ann@example.org", "https://a.example/verify#two");
        CHECK(waiting().size() == 2);
        CHECK(carry() == 2);
        for (const auto& message : transport.messages)
            CHECK(message.text != "Open https://a.example/verify#one\n");
    }

    TEST_CASE_FIXTURE(Fixture, "a letter whose link has run out is not sent, and goes") {
        put("ann@example.org");
        clock.advance(24h);
        CHECK(carry() == 0);
        CHECK(waiting().size() == 1);
        CHECK(outbox.tidy(clock.now()));
        CHECK(waiting().empty());
    }

    TEST_CASE_FIXTURE(Fixture, "beyond ten thousand letters there is no room, and that is told") {
        REQUIRE(store->write([&](store::UnitOfWork& unit) {
            return unit.db().run(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
                " INSERT INTO outgoing_mail SELECT 'mai_' || i, 'k', 'r' || i, x'00', 0, $1, 0, $1,"
                " '' FROM n",
                clock.now() + 24h
            );
        }));
        auto full = store->write([&](store::UnitOfWork& unit) {
            Letter letter{"k", "ann@example.org", "s", "t", Secret(), clock.now() + 1h};
            return outbox.put(unit, letter, clock.now());
        });
        CHECK(full.error().kind() == Errc::unavailable);
    }

    TEST_CASE_FIXTURE(
        Fixture, "the postman's thread sends when it is woken, and stops when asked"
    ) {
        struct Signal final : Transport {
            Result<> send(const Message&, Timestamp, const std::stop_token& stop) override {
                std::unique_lock held(lock);
                ++sent;
                more.notify_all();
                // As a server that never answers: only the stop ends it.
                if (sent == 2) more.wait(held, stop, [] { return false; });
                return sent == 2 ? fail(Errc::unavailable, "interrupted") : Result<>();
            }
            std::mutex lock;
            std::condition_variable_any more;
            int sent = 0;
        } signal;
        auto wait_for = [&](int count) {
            std::unique_lock held(signal.lock);
            signal.more.wait(held, [&] { return signal.sent >= count; });
        };
        {
            Postman threaded(outbox, signal, clock);
            outbox.on_put([&](auto&, auto&) { threaded.wake(); });
            threaded.start();
            put("ann@example.org");
            wait_for(1);
            put("bob@example.org");
            wait_for(2);
        }
        REQUIRE(waiting().size() == 1);
        CHECK(waiting()[0].recipient == "bob@example.org");
        CHECK(waiting()[0].attempts == 0);
    }
}
