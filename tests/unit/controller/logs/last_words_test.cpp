#include "controller/logs/last_words.hpp"
#include "proto/messages.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::logs;

namespace {

Error refusal(proto::StreamEnd end, const Thing& thing) {
    return refusal_of(
        static_cast<std::uint32_t>(end), Error(Errc::unavailable, "So says the agent."), thing
    );
}

} // namespace

TEST_SUITE("controller/logs/last_words") {

    TEST_CASE("what a server refuses is told by what it was, with its cure") {
        using proto::StreamEnd;
        CHECK(refusal(StreamEnd::failed, a_log).code() == "log_failed");
        CHECK(
            refusal(StreamEnd::failed, a_log).message().find("fairlead-logs@") != std::string::npos
        );
        CHECK(refusal(StreamEnd::failed, some_mail).code() == "mail_failed");
        CHECK(
            refusal(StreamEnd::failed, some_mail).message().find("fairlead-mailbox@") !=
            std::string::npos
        );
        CHECK(refusal(StreamEnd::not_offered, a_log).code() == "log_not_offered");
        auto none = refusal(StreamEnd::not_offered, some_mail);
        CHECK(none.code() == "mail_not_offered");
        CHECK(none.message().find("So says the agent.") != std::string::npos);
        auto forbidden = refusal(StreamEnd::forbidden, some_mail);
        CHECK(forbidden.code() == "policy_refused");
        CHECK(forbidden.message().find("mail: in /etc/fairlead/policy.yaml") != std::string::npos);
        CHECK(refusal(StreamEnd::not_offered, a_recording).code() == "recording_not_offered");
        auto replay = refusal(StreamEnd::forbidden, a_recording);
        CHECK(
            replay.message().find("recordings: in /etc/fairlead/policy.yaml") != std::string::npos
        );
        CHECK(refusal(StreamEnd::no_message, some_mail).kind() == Errc::not_found);
        CHECK(refusal(StreamEnd::too_many, some_mail).kind() == Errc::rate_limited);
    }
}
