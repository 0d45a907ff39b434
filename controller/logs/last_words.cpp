#include "controller/logs/last_words.hpp"

#include "common/json/json.hpp"
#include "proto/messages.hpp"

namespace fairlead::logs {
namespace {

bool is(std::uint32_t code, proto::StreamEnd end) {
    return code == static_cast<std::uint32_t>(end);
}

} // namespace

Error refusal_of(std::uint32_t code, const Error& failure) {
    auto conflict = [](std::string word, std::string sentence) {
        return Error(Errc::conflict, std::move(sentence)).with_code(std::move(word));
    };
    using proto::StreamEnd;
    if (is(code, StreamEnd::forbidden))
        return conflict(
            "policy_refused",
            "The server's own policy does not let this log be read. Its root decides "
            "that, under logs: in /etc/fairlead/policy.yaml. " +
                failure.message()
        );
    if (is(code, StreamEnd::not_offered))
        return conflict("log_not_offered", "The server does not show this. " + failure.message());
    if (is(code, StreamEnd::denied))
        return conflict(
            "denied", "The server's agent did not take the organization's key. " + failure.message()
        );
    if (is(code, StreamEnd::too_many))
        return Error(
                   Errc::rate_limited,
                   "As many logs of the server are being read as it shows at once."
        )
            .with_code("too_many_readings")
            .with_fact("retry_after_s", "5");
    if (is(code, StreamEnd::failed))
        return Error(
                   Errc::unavailable, "The server could not read its log. There, journalctl -u "
                                      "'fairlead-logs@*' says why."
        )
            .with_code("log_failed");
    return Error(Errc::unavailable, "The server did not answer: " + failure.message())
        .with_code(failure.code().empty() ? "log_failed" : failure.code());
}

LastWords lost(std::uint32_t code, const Error& failure) {
    if (is(code, proto::StreamEnd::not_offered))
        return {"gone", "The server does not have it any more. " + failure.message()};
    if (is(code, proto::StreamEnd::denied))
        return {"denied", "The organization's key does not count on the server any more."};
    return {"lost", "The log was lost on its way: " + failure.message()};
}

std::string end_line(const LastWords& words) {
    return json::serialize(boost::json::object{{"end", words.word}, {"message", words.message}}) +
           "\n";
}

} // namespace fairlead::logs
