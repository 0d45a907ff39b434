#include "controller/terminal/messages.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include <initializer_list>

using namespace fairlead;
using namespace fairlead::terminal;

TEST_SUITE("controller/terminal/messages") {

    TEST_CASE("what browsers say is read, and what they must not say is refused") {
        auto open = read_said(R"({"type":"open","ticket":"fltk_x","more":1})");
        REQUIRE(open);
        CHECK(open->what == Said::What::open);
        CHECK(open->proof.reveal() == "fltk_x");
        auto resume = read_said(R"({"type":"resume","secret":"s","received":42})");
        REQUIRE(resume);
        CHECK(resume->bytes == 42);
        auto resize = read_said(R"({"type":"resize","columns":120,"rows":40})");
        REQUIRE(resize);
        CHECK(resize->size.columns == 120);
        CHECK(resize->size.rows == 40);
        CHECK(read_said(R"({"type":"took","bytes":7})")->bytes == 7);
        CHECK(read_said(R"({"type":"close"})")->what == Said::What::close);
        for (const char* wrong :
             {"", "{", "[]", R"({"type":"shell"})", R"({"type":"resize","columns":0,"rows":24})",
              R"({"type":"resize","columns":80,"rows":1001})", R"({"type":"took","bytes":-1})"}) {
            CAPTURE(wrong);
            CHECK(!read_said(wrong));
        }
        auto long_one = R"({"type":"open","ticket":")" + std::string(longest_text, 'x') + "\"}";
        CHECK(!read_said(long_one));
    }

    TEST_CASE("ends are told with a stable word") {
        struct Row {
            std::uint32_t code;
            bool opened;
            const char* reason;
            bool refused;
        };
        const Error failure(Errc::unavailable, "It was reset.");
        for (const auto& row : std::initializer_list<Row>{
                 {100, false, "not_offered", true},
                 {103, false, "denied", true},
                 {103, true, "denied", false},
                 {104, false, "policy_refused", true},
                 {105, false, "too_many_on_server", true},
                 {106, false, "no_such_user", true},
                 {107, false, "failed", true},
                 {107, true, "lost", false},
                 {1, true, "lost", false},
                 {0, true, "lost", false}}) {
            CAPTURE(row.code);
            auto ending = ending_of_reset(row.code, failure, row.opened);
            CHECK(ending.reason == row.reason);
            CHECK(ending.refused == row.refused);
            CHECK(!ending.message.empty());
        }
        proto::TerminalEnd exit;
        exit.code = 3;
        auto said = boost::json::parse(say_ended(ending_of(exit)));
        CHECK(said.at("reason").as_string() == "exited");
        CHECK(said.at("code").as_int64() == 3);
        proto::TerminalEnd killed;
        killed.signal = "KILL";
        said = boost::json::parse(say_ended(ending_of(killed)));
        CHECK(said.at("signal").as_string() == "KILL");
        proto::TerminalEnd idle;
        idle.reason = "idle";
        CHECK(ending_of(idle).reason == "idle");
    }
}
