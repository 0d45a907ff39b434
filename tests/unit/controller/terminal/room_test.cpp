#include "controller/terminal/room.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using terminal::Room;

namespace {

std::string letters(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += static_cast<char>('a' + i % 26);
    return text;
}

} // namespace

TEST_SUITE("controller/terminal/room") {

    TEST_CASE("output is given once, in pieces, and kept until it was taken") {
        Room room;
        room.output("hello ");
        room.output("world");
        CHECK(room.next_output(8) == "hello wo");
        CHECK(!room.all_sent());
        CHECK(room.next_output(8) == "rld");
        CHECK(room.next_output(8).empty());
        CHECK(room.all_sent());
        CHECK(room.space() == Room::output_window - 11);
        CHECK(room.took(6));
        CHECK(room.space() == Room::output_window - 5);
        CHECK(room.took(11));
        CHECK(room.space() == Room::output_window);
    }

    TEST_CASE("a browser that takes nothing leaves no space, however it is read meanwhile") {
        Room room;
        room.output(letters(Room::output_window));
        CHECK(room.space() == 0);
        while (!room.next_output(32 * 1024).empty()) {
        }
        CHECK(room.space() == 0);
        CHECK(room.took(1000));
        CHECK(room.space() == 1000);
    }

    TEST_CASE("what was not sent cannot be taken, nor what was taken before") {
        Room room;
        room.output("0123456789");
        room.next_output(5);
        CHECK(!room.took(6));
        CHECK(room.took(5));
        CHECK(room.took(5));
        CHECK(!room.took(4));
    }

    TEST_CASE("another connection gets output from each offset on that is kept, and from no other"
    ) {
        const auto all = letters(100);
        for (std::uint64_t received = 20; received <= 60; ++received) {
            CAPTURE(received);
            Room room;
            room.output(all);
            room.next_output(60);
            REQUIRE(room.took(20));
            REQUIRE(room.resume(received));
            CHECK(room.next_output(1000) == all.substr(received));
        }
        Room room;
        room.output(all);
        room.next_output(60);
        REQUIRE(room.took(20));
        CHECK(!room.resume(19));
        CHECK(!room.resume(61));
    }

    TEST_CASE("input is handed on in order, and counted in both steps") {
        Room room;
        CHECK(!room.has_input());
        REQUIRE(room.typed("ls "));
        REQUIRE(room.typed(""));
        REQUIRE(room.typed("-l\r"));
        CHECK(room.input_received() == 6);
        CHECK(room.next_input(4) == "ls -");
        CHECK(room.input_passed() == 0);
        room.passed(4);
        CHECK(room.input_passed() == 4);
        CHECK(room.next_input(100) == "l\r");
        CHECK(!room.has_input());
    }

    TEST_CASE("more typed than the window is refused until the server has taken some") {
        Room room;
        REQUIRE(room.typed(std::string(Room::input_window, 'x')));
        CHECK(!room.typed("y"));
        room.next_input(1000);
        CHECK(!room.typed("y"));
        room.passed(1000);
        CHECK(room.typed(std::string(1000, 'y')));
        CHECK(!room.typed("z"));
    }

    TEST_CASE("output that nobody will read makes way") {
        Room room;
        room.output(letters(Room::output_window));
        room.next_output(10);
        room.drop_output();
        CHECK(room.space() > 0);
        CHECK(room.all_sent());
        room.output("more");
        CHECK(room.all_sent());
        CHECK(room.next_output(10).empty());
    }
}
