#include "common/crypto/random.hpp"
#include "controller/terminal/directory.hpp"
#include "seats.hpp"

#include <doctest/doctest.h>

#include <initializer_list>

using namespace fairlead;
using namespace fairlead::terminal;
using namespace std::chrono_literals;

namespace {

const Timestamp start = FakeClock().now();

Bearer bearer_of(const Seat& seat) {
    return {seat.id, seat.user, seat.session, seat.address};
}

std::string code_of(const Result<>& result) {
    return result ? "" : result.error().code();
}

DirectoryLimits limits(std::size_t user, std::size_t server, std::size_t org, std::size_t all) {
    DirectoryLimits made;
    made.of_user = user;
    made.of_server = server;
    made.of_org = org;
    made.of_all = all;
    return made;
}

} // namespace

TEST_SUITE("controller/terminal/ticket") {

    TEST_CASE("counts for whom and what it was signed for, and for nobody else") {
        crypto::start();
        Tickets tickets;
        auto seat = seat_at(start);
        auto ticket = tickets.sign(seat);
        auto refused = [&](const Bearer& bearer) {
            return code_of(tickets.check(ticket.reveal(), bearer, start)) == "ticket_refused";
        };
        CHECK(tickets.check(ticket.reveal(), bearer_of(seat), start));
        auto other = bearer_of(seat);
        other.terminal = TerminalId::make(start);
        CHECK(refused(other));
        other = bearer_of(seat);
        other.user = UserId::trusted("usr_B");
        CHECK(refused(other));
        other = bearer_of(seat);
        other.session = SessionId::trusted("ses_B");
        CHECK(refused(other));
        other = bearer_of(seat);
        other.address = "192.0.2.8";
        CHECK(refused(other));
        // Another controller, or this one after a restart.
        auto elsewhere = Tickets().check(ticket.reveal(), bearer_of(seat), start);
        CHECK(code_of(elsewhere) == "ticket_refused");
    }

    TEST_CASE("with any byte altered is refused") {
        crypto::start();
        Tickets tickets;
        auto seat = seat_at(start);
        const std::string whole(tickets.sign(seat).reveal());
        for (std::size_t at = 0; at < whole.size(); ++at) {
            auto altered = whole;
            altered[at] = altered[at] == 'A' ? 'B' : 'A';
            CAPTURE(at);
            CHECK(code_of(tickets.check(altered, bearer_of(seat), start)) == "ticket_refused");
        }
        for (const auto& broken :
             {std::string(), std::string("fltk_"), whole.substr(1), whole + "A", whole + whole,
              std::string(5000, 'A')})
            CHECK(code_of(tickets.check(broken, bearer_of(seat), start)) == "ticket_refused");
    }

    TEST_CASE("runs out after 30 s") {
        crypto::start();
        Tickets tickets;
        auto seat = seat_at(start);
        auto ticket = tickets.sign(seat);
        CHECK(tickets.check(ticket.reveal(), bearer_of(seat), start + 29'999ms));
        auto late = tickets.check(ticket.reveal(), bearer_of(seat), start + 30s);
        CHECK(code_of(late) == "ticket_refused");
    }
}

TEST_SUITE("controller/terminal/directory") {

    TEST_CASE("gives each place once, and none that has run out") {
        Directory directory;
        auto seat = directory.reserve(seat_at(start)).value();
        CHECK(directory.take(seat->id, start));
        CHECK(!directory.take(seat->id, start));
        auto late = directory.reserve(seat_at(start)).value();
        CHECK(!directory.take(late->id, start + ticket_lasts));
        CHECK(!directory.take(TerminalId::make(start), start));
        CHECK(directory.size() == 1);
    }

    TEST_CASE("holds to its limits, of which tickets that ran out take nothing") {
        struct Row {
            const char* name;
            DirectoryLimits most;
            void (*change)(Seat&);
        };
        for (const auto& row : std::initializer_list<Row>{
                 {"user", limits(2, 9, 9, 9),
                  [](Seat& seat) { seat.user = UserId::trusted("usr_B"); }},
                 {"server", limits(9, 2, 9, 9),
                  [](Seat& seat) { seat.server = ServerId::trusted("srv_B"); }},
                 {"organization", limits(9, 9, 2, 9),
                  [](Seat& seat) {
                      seat.scope = api::ScopeIssuer::scope(OrgId::trusted("org_B"));
                  }},
                 {"all", limits(9, 9, 9, 2), nullptr}}) {
            CAPTURE(row.name);
            Directory directory(row.most);
            CHECK(directory.reserve(seat_at(start)));
            CHECK(directory.reserve(seat_at(start)));
            auto third = directory.reserve(seat_at(start));
            REQUIRE(!third);
            CHECK(third.error().code() == "too_many_terminals");
            auto other = seat_at(start);
            if (row.change) {
                row.change(other);
                CHECK(directory.reserve(other));
            }
            CHECK(directory.reserve(seat_at(start + ticket_lasts)));
        }
    }

    TEST_CASE("knows whose each is, and forgets those whose bond ends") {
        Directory directory;
        auto waiting = directory.reserve(seat_at(start)).value();
        auto open = directory.reserve(seat_at(start)).value();
        REQUIRE(directory.take(open->id, start));
        auto others = seat_at(start);
        others.user = UserId::trusted("usr_B");
        others.bonds = {"ses_B"};
        auto other = directory.reserve(others).value();

        CHECK(directory.is_of(open->id, open->user, open->session));
        CHECK(!directory.is_of(open->id, other->user, open->session));
        CHECK(!directory.is_of(open->id, open->user, SessionId::trusted("ses_B")));
        CHECK(directory.find(open->scope.org(), open->id) == open);
        CHECK(directory.find(OrgId::trusted("org_B"), open->id) == nullptr);
        CHECK(directory.of_server(open->scope.org(), open->server, start).size() == 3);
        CHECK(directory.of_server(open->scope.org(), open->server, start + 1h).size() == 1);
        CHECK(directory.of_server(OrgId::trusted("org_B"), open->server, start).empty());

        CHECK(directory.drop_bond("org_A/usr_B").empty());
        CHECK(directory.drop_bond("org_A/usr_A") == std::vector{open->id});
        CHECK(!directory.take(waiting->id, start));
        CHECK(directory.take(other->id, start));
        directory.mark(open->id, State::ended);
        CHECK(directory.find(open->scope.org(), open->id) == nullptr);
        directory.remove(open->id);
        CHECK(directory.size() == 1);
    }
}
