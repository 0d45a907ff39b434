#include "proto/mail.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace fairlead;
using namespace fairlead::proto;

namespace {

MailPurpose list() {
    MailPurpose purpose;
    purpose.kind = "mail";
    purpose.reading = "log_1";
    purpose.environment = "env_1";
    purpose.lines = 50;
    return purpose;
}

constexpr const char* name = "1767225600000-0123456789ab";

} // namespace

TEST_SUITE("proto/mail") {

    TEST_CASE("a message's name is its time and twelve letters, and no path") {
        CHECK(is_mail_id(name));
        for (const char* wrong :
             {"", "1767225600000", "1767225600000-0123456789aB", "1767225600000-0123456789a/",
              "../25600000000-0123456789ab", "1767225600000_0123456789ab",
              "1767225600000-0123456789abc"})
            CHECK_MESSAGE(!is_mail_id(wrong), wrong);
    }

    TEST_CASE("a list stays within its limits") {
        CHECK(check(list()));
        auto purpose = list();
        purpose.lines = 0;
        CHECK(!check(purpose));
        purpose.lines = most_mail_lines + 1;
        CHECK(!check(purpose));
        purpose = list();
        purpose.before = name;
        purpose.search = "caf\xc3\xa9";
        CHECK(check(purpose));
        purpose.search = "\xc3";
        CHECK(!check(purpose));
        purpose.search = "a\nb";
        CHECK(!check(purpose));
        purpose.search = std::string(longest_mail_search + 1, 'a');
        CHECK(!check(purpose));
        purpose = list();
        purpose.before = "../x";
        CHECK(!check(purpose));
        purpose = list();
        purpose.environment.clear();
        CHECK(!check(purpose));
    }

    TEST_CASE("a message is asked for by its name alone") {
        auto purpose = list();
        purpose.message = name;
        CHECK(!check(purpose));
        purpose.lines = 0;
        CHECK(check(purpose));
        purpose.search = "x";
        CHECK(!check(purpose));
        purpose.search.clear();
        purpose.message = "../../etc/shadow";
        CHECK(!check(purpose));
    }
}
