#include "controller/cloudflare/judgement.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace fairlead;
using namespace fairlead::cloudflare;
using namespace std::chrono_literals;

namespace {

Remote remote(std::string status, std::string ssl, std::string complaint = {}) {
    Remote one;
    one.id = "a1";
    one.name = "shop.example.org";
    one.status = std::move(status);
    one.ssl_status = std::move(ssl);
    one.complaint = std::move(complaint);
    return one;
}

} // namespace

TEST_SUITE("controller/cloudflare/judgement") {

    TEST_CASE("a name is served once both its host name and its certificate are active") {
        struct Row {
            const char *status, *ssl, *complaint;
            State state;
            const char* code;
            bool stuck;
        };
        for (const auto& row : {
                 Row{"active", "active", "", State::issued, "", false},
                 Row{"active_redeploying", "active", "", State::issued, "", false},
                 Row{"active", "pending_deployment", "", State::waiting, "", false},
                 Row{"pending", "active", "", State::waiting, "", false},
                 Row{"pending", "initializing", "", State::waiting, "", false},
                 Row{"pending", "pending_validation", "does not CNAME to this zone.",
                     State::waiting, "cloudflare_pending", false},
                 Row{"pending", "validation_timed_out", "", State::failed, "cloudflare_validation",
                     true},
                 Row{"active", "issuance_timed_out", "", State::failed, "cloudflare_validation",
                     true},
                 Row{"active", "expired", "", State::failed, "cloudflare_validation", true},
                 Row{"blocked", "active", "", State::failed, "cloudflare_blocked", false},
                 Row{"moved", "active", "", State::failed, "cloudflare_moved", true},
                 Row{"a word of tomorrow", "another", "", State::waiting, "", false},
             }) {
            CAPTURE(row.status);
            CAPTURE(row.ssl);
            auto verdict = judge(remote(row.status, row.ssl, row.complaint), "edge.example.net");
            CHECK(verdict.state == row.state);
            CHECK(verdict.code == row.code);
            CHECK(verdict.stuck == row.stuck);
            CHECK(verdict.message.empty() == verdict.code.empty());
            CHECK(verdict.message.find(row.complaint) != std::string::npos);
        }
        auto pending = judge(remote("pending", "x", "no CNAME."), "edge.example.net");
        CHECK(pending.message.find("CNAME record of this name to edge.example.net") == 6);
    }

    TEST_CASE("looks grow apart, to an hour while it waits and to six where it failed") {
        CHECK(next_look(State::waiting, 1, 0.5) == 15s);
        CHECK(next_look(State::waiting, 1, 0) == 12s);
        CHECK(next_look(State::waiting, 1, 1) == 18s);
        CHECK(next_look(State::waiting, 3, 0.5) == 1min);
        CHECK(next_look(State::waiting, 9, 0.5) == 1h);
        CHECK(next_look(State::waiting, 1'000'000'000'000, 0.5) == 1h);
        CHECK(next_look(State::failed, 1, 0.5) == 5min);
        CHECK(next_look(State::failed, 5, 0.5) == 6h);
        CHECK(next_look(State::failed, 50, 0.5) == 6h);
        CHECK(next_look(State::issued, 1, 0.5) == 12h);
        CHECK(next_look(State::issued, 0, 0.5) == 12h);
    }

    TEST_CASE("nobody asks for as long as Cloudflare says, within an hour") {
        auto limited = [](std::string seconds) {
            return Error(Errc::rate_limited, "later")
                .with_code("cloudflare_rate_limited")
                .with_fact("retry_after_s", std::move(seconds));
        };
        CHECK(pause_after(limited("17"), 1, 0.5) == 17s);
        CHECK(pause_after(limited("0"), 1, 0.5) == 1s);
        CHECK(pause_after(limited("86400"), 1, 0.5) == 1h);
        CHECK(pause_after(limited("9223372036854775807"), 1, 0.5) == 1h);
        auto of = [](std::string code) {
            return Error(Errc::unavailable, "no").with_code(std::move(code));
        };
        CHECK(pause_after(of("cloudflare_rate_limited"), 1, 0.5) == 5min);
        CHECK(pause_after(of("cloudflare_unreachable"), 1, 0.5) == 30s);
        CHECK(pause_after(of("cloudflare_unreachable"), 99, 0.5) == 1h);
        CHECK(pause_after(of("egress_missing"), 99, 0.5) == 30s);
    }

    TEST_CASE("what the zone has is ours only where it was made with a request of ours") {
        auto asked = from_ms(1'800'000'000'000);
        auto made = [&](std::chrono::milliseconds after) {
            auto one = remote("pending", "x");
            one.created = asked + after;
            return made_by(asked, one);
        };
        CHECK(made(0s));
        CHECK(made(-2min));
        CHECK(!made(-2min - 1s));
        CHECK(made(3min));
        CHECK(!made(3min + 1s));
        CHECK(!made_by(asked, remote("pending", "x")));
        CHECK(may_come(asked, asked + 3min));
        CHECK(!may_come(asked, asked + 3min + 1s));
    }
}
