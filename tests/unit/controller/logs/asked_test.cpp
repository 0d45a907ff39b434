#include "asked_by.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include <map>

using namespace fairlead;
using namespace fairlead::logs;

namespace {

using Query = std::map<std::string, std::string, std::less<>>;

Result<proto::LogPurpose> ask(Query query) {
    api::Request request;
    return purpose_of(api::Call(request, {}, std::move(query), {}));
}

std::string blamed(Query query) {
    auto asked = ask(std::move(query));
    REQUIRE_FALSE(asked);
    CHECK(asked.error().kind() == Errc::invalid);
    REQUIRE_FALSE(asked.error().fields().empty());
    return asked.error().fields().front().field;
}

} // namespace

TEST_SUITE("controller/logs/asked") {

    TEST_CASE("without a word it is the newest page") {
        auto what = ask({});
        REQUIRE(what);
        CHECK(what->order == "back");
        CHECK(what->lines == 200);
        CHECK(what->level == 7);
        CHECK(what->text == 0);
    }

    TEST_CASE("cursors, times, levels and searches are passed on") {
        auto back = ask({{"before", "s=1;i=2"}, {"lines", "50"}, {"level", "warning"}}).value();
        CHECK(back.order == "back");
        CHECK(back.cursor == "s=1;i=2");
        CHECK(back.lines == 50);
        CHECK(back.level == 4);
        auto on = ask({{"after", "s=1"}, {"since", "2026-01-31T12:00:00Z"}}).value();
        CHECK(on.order == "on");
        CHECK(on.since_us == 1'769'860'800'000'000);
        auto follow = ask({{"follow", "true"}, {"after", "s=1"}, {"search", "50%"}}).value();
        CHECK(follow.order == "follow");
        CHECK(follow.lines == 0);
        CHECK(follow.search == "50%");
        CHECK(follow.pattern == 0);
        auto file = ask({{"format", "text"}, {"match", "pattern"}, {"search", "a|b"}}).value();
        CHECK(file.order == "on");
        CHECK(file.lines == proto::most_log_file_lines);
        CHECK(file.pattern == 1);
        for (const auto& what : {back, on, follow, file}) {
            auto whole = what;
            whole.source = "odoo";
            CHECK(proto::check(whole));
        }
    }

    TEST_CASE("what goes not together, and what nobody may ask for, is named") {
        CHECK(blamed({{"lines", "1001"}}) == "lines");
        CHECK(blamed({{"lines", "0"}}) == "lines");
        CHECK(blamed({{"before", "../x"}}) == "before");
        CHECK(blamed({{"before", "a"}, {"after", "b"}}) == "before");
        CHECK(blamed({{"follow", "true"}, {"until", "2026-01-31T12:00:00Z"}}) == "until");
        CHECK(blamed({{"follow", "true"}, {"lines", "5"}}) == "lines");
        CHECK(blamed({{"follow", "true"}, {"format", "text"}}) == "follow");
        CHECK(blamed({{"match", "pattern"}, {"search", "(a+)+"}}) == "search");
        CHECK(blamed({{"search", "\xC3"}}) == "search");
        CHECK(blamed({{"search", std::string(201, 'x')}}) == "search");
        CHECK(
            blamed({{"since", "2026-02-01T00:00:00Z"}, {"until", "2026-01-01T00:00:00Z"}}) ==
            "until"
        );
    }

    TEST_CASE("what was searched for is in no refusal and in no entry of the audit log") {
        auto refused = ask({{"match", "pattern"}, {"search", "secret("}});
        REQUIRE_FALSE(refused);
        CHECK(refused.error().message().find("secret") == std::string::npos);
        FakeClock clock;
        auto asked = asked_at(clock.now());
        asked.what.search = "secret";
        auto act = act_on(asked, "logs.view");
        auto text = boost::json::serialize(*act.after);
        CHECK(text.find("secret") == std::string::npos);
        CHECK(text.find("\"searched\":true") != std::string::npos);
        CHECK(act.target_type == "environment");
        CHECK(act.target_name == "shop");
    }
}
