#include "controller/terminal/room.hpp"
#include "stand.hpp"

#include <algorithm>

using namespace fairlead;
using namespace fairlead::terminal;

namespace {

using Entries = std::vector<std::string>;

std::string letters(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += static_cast<char>('a' + i % 26);
    return text;
}

proto::TerminalEnd exit_code(int code) {
    proto::TerminalEnd end;
    end.code = code;
    return end;
}

TerminalOptions hasty() {
    TerminalOptions options;
    options.first_message = 20ms;
    options.patience = 20ms;
    options.hang_up = 20ms;
    options.goodbye = 20ms;
    return options;
}

} // namespace

TEST_SUITE("controller/terminal/terminals") {

    TEST_CASE(
        "a ticket opens a shell; what is typed, shown and resized goes through, and its end is told"
    ) {
        TerminalStand stand;
        auto body = [&]() -> Task<> {
            auto seat = stand.reserve(seat_at(stand.clock.now()));
            auto page = co_await stand.open_page(seat);
            CHECK(stand.journal.entries() == Entries{"open deploy"});
            CHECK(stand.server->text() == "terminal deploy");
            co_await stand.print("$ ");
            co_await page->until([&] { return page->output == "$ "; });
            page->took();
            page->say({{"type", "resize"}, {"columns", 120}, {"rows", 40}});
            page->type("exit 3\r");
            auto typed = co_await stand.typed(7);
            CHECK(typed == "exit 3\r");
            CHECK(stand.size_told == proto::TerminalSize{120, 40});
            co_await page->until([&] { return page->heard("took"); });
            CHECK(page->heard("took")->at("bytes").to_number<int>() == 7);
            co_await stand.exit(exit_code(3));
            co_await page->until([&] { return !page->reason().empty(); });
            CHECK(page->reason() == "exited");
            CHECK(page->heard("ended")->at("code").to_number<int>() == 3);
            page->end(1000);
            co_await page->until([&] { return page->over; });
        };
        stand.run(body);
        CHECK(stand.journal.entries() == Entries{"open deploy", "close exited"});
        CHECK(stand.directory.size() == 0);
    }

    TEST_CASE("a ticket that is another's, was used, ran out or was altered opens nothing") {
        TerminalStand stand;
        auto body = [&]() -> Task<> {
            auto refused = [&](std::shared_ptr<Page> page) -> Task<> {
                co_await page->until([&] { return page->over; });
                CHECK(page->closed_with == 4401);
                CHECK(page->closed_for == "ticket_refused");
                CHECK(page->texts.empty());
            };
            auto seat = stand.reserve(seat_at(stand.clock.now()));
            for (int part = 0; part < 3; ++part) {
                api::SocketOffer offer{seat->id.str(), seat->user, seat->session, seat->address};
                if (part == 0) offer.user = UserId::trusted("usr_B");
                if (part == 1) offer.session = SessionId::trusted("ses_B");
                if (part == 2) offer.address = "192.0.2.8";
                auto page = stand.connect(offer);
                stand.show_ticket(*page, *seat);
                co_await refused(page);
            }
            std::string altered(stand.tickets.sign(*seat).reveal());
            altered[20] = altered[20] == 'A' ? 'B' : 'A';
            auto page = stand.connect(*seat);
            page->say({{"type", "open"}, {"ticket", altered}});
            co_await refused(page);
            CHECK(stand.journal.entries().empty());

            auto opened = co_await stand.open_page(seat);
            page = stand.connect(*seat);
            stand.show_ticket(*page, *seat);
            co_await refused(page);
            CHECK(!opened->over);

            auto late = stand.reserve(seat_at(stand.clock.now()));
            stand.clock.advance(30s);
            page = stand.connect(*late);
            stand.show_ticket(*page, *late);
            co_await refused(page);
            CHECK(stand.journal.entries() == Entries{"open deploy"});
        };
        stand.run(body);
    }

    TEST_CASE("a connection that shows no ticket in time, or anything else first, is closed") {
        TerminalStand stand(hasty());
        auto body = [&]() -> Task<> {
            auto seat = stand.reserve(seat_at(stand.clock.now()));
            auto silent = stand.connect(*seat);
            co_await silent->until([&] { return silent->over; });
            CHECK(silent->closed_with == 4408);
            auto typing = stand.connect(*seat);
            typing->type("ls\r");
            co_await typing->until([&] { return typing->over; });
            CHECK(typing->closed_with == 4400);
            auto early = stand.connect(*seat);
            early->say({{"type", "took"}, {"bytes", 0}});
            co_await early->until([&] { return early->over; });
            CHECK(early->closed_with == 4400);
        };
        stand.run(body);
    }

    TEST_CASE(
        "a browser that takes nothing stops the server's program; what is typed still gets there"
    ) {
        TerminalStand stand;
        auto body = [&]() -> Task<> {
            auto seat = stand.reserve(seat_at(stand.clock.now()));
            auto page = co_await stand.open_page(seat);
            constexpr std::size_t most = 4 * 1024 * 1024;
            std::size_t printed = 0;
            bool all = false;
            auto yes = [&]() -> Task<> {
                while (printed < most) {
                    co_await stand.print(letters(32 * 1024));
                    printed += 32 * 1024;
                }
                all = true;
            };
            TaskGroup program(stand.io.get_executor());
            program.spawn(yes());
            // It comes as far as the window, and the typed byte's way is not the output's.
            co_await page->until([&] { return page->output.size() >= 256 * 1024; });
            page->type("\x03");
            auto typed = co_await stand.typed(1);
            CHECK(typed == "\x03");
            CHECK(!all);
            CHECK(page->output.size() <= 320 * 1024);
            CHECK(printed <= 1024 * 1024);
            // From here on it takes what comes.
            while (page->output.size() < most) {
                auto before = page->output.size();
                page->took();
                co_await page->until([&] { return page->output.size() > before; });
            }
            co_await program.join();
            CHECK(all);
            CHECK(page->output.size() == most);
        };
        stand.run(body);
    }

    TEST_CASE("a server that goes ends the terminal also of a browser that takes nothing") {
        TerminalStand stand;
        auto body = [&]() -> Task<> {
            auto seat = stand.reserve(seat_at(stand.clock.now()));
            auto page = co_await stand.open_page(seat);
            auto yes = [&]() -> Task<> {
                for (int i = 0; i < 64; ++i) co_await stand.print(letters(32 * 1024));
            };
            TaskGroup program(stand.io.get_executor());
            program.spawn(yes());
            co_await page->until([&] { return page->output.size() == Room::output_window; });
            stand.detach();
            stand.ours.give_up("The server was revoked.");
            co_await page->until([&] { return !page->reason().empty(); });
            CHECK(page->reason() == "lost");
            CHECK(page->output.size() == Room::output_window);
            program.cancel();
            co_await program.join();
            page->end(1000);
            co_await page->until([&] { return page->over; });
        };
        stand.run(body);
        CHECK(stand.journal.entries() == Entries{"open deploy", "close lost"});
    }

    TEST_CASE("after a broken connection both directions go on, at each offset, with not a byte "
              "lost or doubled") {
        for (std::uint64_t received : {0, 1, 5, 11, 12}) {
            CAPTURE(received);
            TerminalStand stand;
            auto body = [&]() -> Task<> {
                auto seat = stand.reserve(seat_at(stand.clock.now()));
                auto page = co_await stand.open_page(seat);
                co_await stand.print("hello world\n");
                co_await page->until([&] { return page->output.size() == 12; });
                page->type("abc");
                auto typed = co_await stand.typed(3);
                page->end(1006);
                co_await page->until([&] { return page->over; });
                auto listed =
                    stand.directory.of_server(seat->scope.org(), seat->server, stand.clock.now());
                REQUIRE(listed.size() == 1);
                CHECK(listed[0].state == State::away);
                co_await stand.print("meanwhile\n");

                auto again = stand.resume(*seat, stand.secret_of(*page), received);
                co_await again->until([&] { return again->heard("resumed") || again->over; });
                REQUIRE(again->heard("resumed"));
                CHECK(again->heard("resumed")->at("input").to_number<int>() == 3);
                auto whole = std::string("hello world\nmeanwhile\n").substr(received);
                co_await again->until([&] { return again->output.size() >= whole.size(); });
                CHECK(again->output == whole);
                again->type("def");
                typed = co_await stand.typed(6);
                CHECK(typed == "abcdef");
                co_await stand.exit(exit_code(0));
                co_await again->until([&] { return !again->reason().empty(); });
                again->end(1000);
            };
            stand.run(body);
            CHECK(stand.journal.entries() == Entries{"open deploy", "close exited"});
        }
    }

    TEST_CASE("only its own browser resumes it, with the newest secret or the one before that "
              "nobody has answered") {
        TerminalStand stand;
        auto body = [&]() -> Task<> {
            auto seat = stand.reserve(seat_at(stand.clock.now()));
            auto page = co_await stand.open_page(seat);
            auto secret = stand.secret_of(*page);
            auto refused = [&](std::shared_ptr<Page> who) -> Task<> {
                co_await who->until([&] { return who->over; });
                CHECK(who->closed_with == 4404);
            };
            co_await refused(stand.resume(*seat, "fltr_wrong", 0));
            co_await refused(stand.resume(*seat, "", 0));
            co_await refused(stand.resume(*seat, secret, 1)); // more than was sent
            auto elsewhere = *seat;
            elsewhere.address = "192.0.2.8";
            co_await refused(stand.resume(elsewhere, secret, 0));
            elsewhere = *seat;
            elsewhere.session = SessionId::trusted("ses_B");
            co_await refused(stand.resume(elsewhere, secret, 0));
            CHECK(!page->over);

            // A second connection takes the place of the first, which may be half dead.
            auto second = stand.resume(*seat, secret, 0);
            co_await second->until([&] { return second->heard("resumed"); });
            co_await page->until([&] { return page->over; });
            CHECK(page->closed_with == 4409);
            // Its answer got lost, twice: the secret before still counts.
            second->end(1006);
            co_await second->until([&] { return second->over; });
            second = stand.resume(*seat, secret, 0);
            co_await second->until([&] { return second->heard("resumed") || second->over; });
            REQUIRE(second->heard("resumed"));
            second->end(1006);
            co_await second->until([&] { return second->over; });
            auto third = stand.resume(*seat, secret, 0);
            co_await third->until([&] { return third->heard("resumed") || third->over; });
            REQUIRE(third->heard("resumed"));
            third->say({{"type", "took"}, {"bytes", 0}});
            third->type("x");
            auto typed = co_await stand.typed(1);
            third->end(1006);
            co_await third->until([&] { return third->over; });
            co_await refused(stand.resume(*seat, secret, 0));
            auto fourth = stand.resume(*seat, stand.secret_of(*third, "resumed"), 0);
            co_await fourth->until([&] { return fourth->heard("resumed") || fourth->over; });
            CHECK(fourth->heard("resumed"));
        };
        stand.run(body);
    }

    TEST_CASE("a link that is away for a while changes nothing") {
        TerminalStand stand;
        auto body = [&]() -> Task<> {
            auto seat = stand.reserve(seat_at(stand.clock.now()));
            auto page = co_await stand.open_page(seat);
            co_await stand.print("before ");
            co_await page->until([&] { return page->output.size() == 7; });
            stand.detach();
            page->type("typed meanwhile");
            co_await page->until([&] { return page->heard("took"); });
            co_await stand.print("after");
            stand.attach();
            auto typed = co_await stand.typed(15);
            CHECK(typed == "typed meanwhile");
            co_await page->until([&] { return page->output.size() == 12; });
            CHECK(page->output == "before after");
        };
        stand.run(body);
    }

    TEST_CASE("the server's refusal is told and written down as one") {
        TerminalStand stand;
        stand.take = [](stream::Stream stream) { stream.reset(104, "Not as this user."); };
        auto body = [&]() -> Task<> {
            auto seat = stand.reserve(seat_at(stand.clock.now()));
            auto page = stand.connect(*seat);
            stand.show_ticket(*page, *seat);
            co_await page->until([&] { return !page->reason().empty(); });
            CHECK(page->reason() == "policy_refused");
            page->end(1000);
        };
        stand.run(body);
        CHECK(stand.journal.entries() == Entries{"open deploy", "refuse policy_refused"});
    }

    TEST_CASE("what cannot be opened says why, and what cannot be written down is not opened") {
        TerminalStand away;
        away.failure = "server_offline";
        auto body = [&]() -> Task<> {
            auto seat = away.reserve(seat_at(away.clock.now()));
            auto page = away.connect(*seat);
            away.show_ticket(*page, *seat);
            co_await page->until([&] { return page->over; });
            CHECK(page->reason() == "server_offline");
        };
        away.run(body);
        CHECK(away.journal.entries() == Entries{"open deploy", "close server_offline"});
        CHECK(away.directory.size() == 0);

        TerminalStand mute;
        mute.journal.refuses = true;
        auto unwritten = [&]() -> Task<> {
            auto seat = mute.reserve(seat_at(mute.clock.now()));
            auto page = mute.connect(*seat);
            mute.show_ticket(*page, *seat);
            co_await page->until([&] { return page->over; });
            CHECK(!page->heard("opened"));
            CHECK(!mute.server);
        };
        mute.run(unwritten);
        CHECK(mute.directory.size() == 0);
    }

    TEST_CASE("whoever may not any more loses the terminal at once, open, away or about to open") {
        TerminalStand stand;
        auto body = [&]() -> Task<> {
            auto seat = stand.reserve(seat_at(stand.clock.now()));
            auto page = co_await stand.open_page(seat);
            page->takes = true;
            stand.terminals.end_bond("org_A/usr_B");
            stand.terminals.end_bond("org_A/usr_A");
            co_await page->until([&] { return !page->reason().empty(); });
            CHECK(page->reason() == "access_ended");
            auto* stream = co_await stand.agent();
            auto bytes = co_await stream->read();
            CHECK(!bytes); // reset, not hung up
            page->end(1000);
            co_await page->until([&] { return page->over; });
            auto after = stand.resume(*seat, stand.secret_of(*page), 0);
            co_await after->until([&] { return after->over; });
            CHECK(after->closed_with == 4404);

            stand.server.reset();
            auto second = stand.reserve(seat_at(stand.clock.now()));
            auto away = co_await stand.open_page(second);
            away->end(1006);
            co_await away->until([&] { return away->over; });
            stand.terminals.end_bond("ses_A");
            stream = co_await stand.agent();
            bytes = co_await stream->read();
            CHECK(!bytes);

            // While its opening is written down.
            stand.server.reset();
            stand.journal.before_open = [&] { stand.terminals.end_bond("ses_A"); };
            auto third = stand.reserve(seat_at(stand.clock.now()));
            auto opening = stand.connect(*third);
            stand.show_ticket(*opening, *third);
            co_await opening->until([&] { return opening->over; });
            CHECK(!opening->heard("opened"));
            CHECK(opening->reason() == "access_ended");
            CHECK(!stand.server);
        };
        stand.run(body);
        auto entries = stand.journal.entries();
        CHECK(std::count(entries.begin(), entries.end(), "close access_ended") == 3);
    }

    TEST_CASE("a browser that does not take the news of its end is cut off") {
        TerminalStand stand(hasty());
        auto body = [&]() -> Task<> {
            auto seat = stand.reserve(seat_at(stand.clock.now()));
            auto page = co_await stand.open_page(seat);
            page->takes = false;
            co_await stand.print("x");
            stand.terminals.cut(seat->id, Ending("ended_by_other", "By Bob."));
            co_await page->until([&] { return page->over; });
            CHECK(page->reason().empty());
        };
        stand.run(body);
        CHECK(stand.journal.entries() == Entries{"open deploy", "close ended_by_other"});
    }

    TEST_CASE("a page that is closed hangs up, and so does a browser that does not come back") {
        for (std::uint16_t code : {1001, 1006}) {
            CAPTURE(code);
            auto options = hasty();
            options.hang_up = 5s;
            TerminalStand stand(options);
            auto body = [&]() -> Task<> {
                auto seat = stand.reserve(seat_at(stand.clock.now()));
                auto page = co_await stand.open_page(seat);
                page->end(code);
                auto* stream = co_await stand.agent();
                auto bytes = co_await stream->read();
                REQUIRE(bytes);
                CHECK(bytes->empty()); // hung up
                proto::TerminalEnd killed;
                killed.signal = "HUP";
                co_await stand.exit(killed);
                co_await stream->ended();
            };
            stand.run(body);
            CHECK(stand.journal.entries() == Entries{"open deploy", "close left"});
        }
    }

    TEST_CASE("a server that does not end what was hung up is not waited for") {
        TerminalStand stand(hasty());
        auto body = [&]() -> Task<> {
            auto seat = stand.reserve(seat_at(stand.clock.now()));
            auto page = co_await stand.open_page(seat);
            page->say({{"type", "close"}});
            co_await page->until([&] { return !page->reason().empty(); });
            CHECK(page->reason() == "closed");
            page->end(1000);
        };
        stand.run(body);
        CHECK(stand.journal.entries() == Entries{"open deploy", "close closed"});
    }

    TEST_CASE("an agent that breaks the rules loses the stream") {
        TerminalStand stand;
        auto body = [&]() -> Task<> {
            auto seat = stand.reserve(seat_at(stand.clock.now()));
            auto page = co_await stand.open_page(seat);
            auto* stream = co_await stand.agent();
            auto written = co_await stream->write("?????");
            CHECK(written);
            co_await page->until([&] { return !page->reason().empty(); });
            CHECK(page->reason() == "lost");
            page->end(1000);
        };
        stand.run(body);
    }

    TEST_CASE(
        "a browser that types more than the window, or says nonsense, is closed and may resume"
    ) {
        TerminalStand stand;
        auto body = [&]() -> Task<> {
            auto seat = stand.reserve(seat_at(stand.clock.now()));
            auto page = co_await stand.open_page(seat);
            page->say({{"type", "took"}, {"bytes", 1}});
            co_await page->until([&] { return page->over; });
            CHECK(page->closed_with == 4400);
            auto again = stand.resume(*seat, stand.secret_of(*page), 0);
            co_await again->until([&] { return again->heard("resumed") || again->over; });
            REQUIRE(again->heard("resumed"));
            again->type("still here");
            auto typed = co_await stand.typed(10);
            CHECK(typed == "still here");
        };
        stand.run(body);
    }

    TEST_CASE("when the controller stops, everybody is told and everything is written down") {
        TerminalStand stand;
        std::shared_ptr<Page> page;
        auto body = [&]() -> Task<> {
            auto seat = stand.reserve(seat_at(stand.clock.now()));
            page = co_await stand.open_page(seat);
        };
        stand.run(body); // which cancels the connections and stops, as the application does
        CHECK(page->closed_with == 1001);
        CHECK(stand.journal.entries() == Entries{"open deploy", "close controller_stops"});
        CHECK(stand.directory.size() == 0);
    }
}
