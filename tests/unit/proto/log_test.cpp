#include "proto/log.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace fairlead;
using namespace fairlead::proto;

namespace {

LogPurpose page() {
    LogPurpose purpose;
    purpose.kind = "log";
    purpose.log = "log_1";
    purpose.source = "odoo";
    purpose.environment = "env_1";
    purpose.order = "back";
    purpose.lines = 200;
    return purpose;
}

} // namespace

TEST_SUITE("proto/log") {

    TEST_CASE("what is asked for stays within its limits") {
        CHECK(check(page()));
        auto follow = page();
        follow.order = "follow";
        CHECK_FALSE(check(follow));
        follow.lines = 0;
        CHECK(check(follow));
        follow.until_us = 1;
        CHECK_FALSE(check(follow));
        auto wrong = [](auto change) {
            auto purpose = page();
            change(purpose);
            CHECK_FALSE(check(purpose));
        };
        wrong([](auto& p) { p.source = "kernel"; });
        wrong([](auto& p) { p.order = "sideways"; });
        wrong([](auto& p) { p.lines = 0; });
        wrong([](auto& p) { p.lines = most_log_lines + 1; });
        wrong([](auto& p) { p.since_us = -1; });
        wrong([](auto& p) { p.until_us = 9'000'000'000'000'000'000; });
        wrong([](auto& p) { p.level = 8; });
        wrong([](auto& p) { p.cursor = "s=1;--file=/etc/shadow"; });
        wrong([](auto& p) { p.search = std::string(201, 'a'); });
        wrong([](auto& p) { p.search = "a\nb"; });
        auto file = page();
        file.text = 1;
        file.lines = most_log_file_lines;
        CHECK(check(file));
    }

    TEST_CASE("a text is searched as it is") {
        CHECK(search_expression("50% (a+b)*", false).value() == "50\\% \\(a\\+b\\)\\*");
        CHECK(search_expression("grün_1", false).value() == "grün_1");
        CHECK(search_expression("(?R)\\Q", false).value() == "\\(\\?R\\)\\\\Q");
        CHECK_FALSE(search_expression("", false));
    }

    TEST_CASE("a pattern has what ends in time, and nothing else") {
        for (const auto* fine :
             {"abc", "a.c", "^ERROR .*timeout$", "(foo|bar)", "(?:foo|bar)?", "[^a-z\\]]+",
              "\\d{1,3}", "\\(x\\)", "(abc){2,5}", "a*b+c*", "((((a))))", "a{3}", "x+?", "grün",
              "\\bword\\b"}) {
            CAPTURE(fine);
            auto expression = search_expression(fine, true);
            REQUIRE(expression);
            CHECK(*expression == fine);
        }
        for (const auto* bad : {"(a+)+",    "(a|a)*",
                                "((a+))*",  "(a*)*",
                                "(a|b){2}", "(a?){50}",
                                "(a?a?)+",  "((a)?b)*",
                                "(a)\\1",   "\\g1",
                                "\\k<n>",   "(?=a)",
                                "(?<!a)",   "(?R)",
                                "(?P<n>a)", "(*LIMIT_MATCH=1)",
                                "a**",      "*a",
                                "(",        ")",
                                "[a",       "a{101}",
                                "a{5,1}",   "a{",
                                "{",        "a*b*c*d*",
                                "\\",       "[[:alpha:]]",
                                "\\x41",    "((((((a))))))",
                                "|*"}) {
            CAPTURE(bad);
            auto expression = search_expression(bad, true);
            REQUIRE_FALSE(expression);
            CHECK(expression.error().kind() == Errc::invalid);
        }
    }
}
