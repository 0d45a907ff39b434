#include "controller/logs/last_words.hpp"

#include "common/json/json.hpp"
#include "proto/messages.hpp"

#include <fmt/core.h>

namespace fairlead::logs {
namespace {

bool is(std::uint32_t code, proto::StreamEnd end) {
    return code == static_cast<std::uint32_t>(end);
}

} // namespace

Error refusal_of(std::uint32_t code, const Error& failure, const Thing& thing) {
    auto conflict = [](std::string word, std::string sentence) {
        return Error(Errc::conflict, std::move(sentence)).with_code(std::move(word));
    };
    using proto::StreamEnd;
    if (is(code, StreamEnd::forbidden))
        return conflict(
            "policy_refused", fmt::format(
                                  "The server's own policy does not let this {} be read. Its root "
                                  "decides that, under "
                                  "{}: in /etc/fairlead/policy.yaml. {}",
                                  thing.noun, thing.section, failure.message()
                              )
        );
    if (is(code, StreamEnd::not_offered))
        return conflict(
            fmt::format("{}_not_offered", thing.code),
            "The server does not show this. " + failure.message()
        );
    if (is(code, StreamEnd::no_message))
        return Error(
            Errc::not_found, "There is no such message on the server, or it is deleted already."
        );
    if (is(code, StreamEnd::denied))
        return conflict(
            "denied", "The server's agent did not take the organization's key. " + failure.message()
        );
    if (is(code, StreamEnd::too_many))
        return Error(
                   Errc::rate_limited,
                   fmt::format(
                       "As many readings of the server's {} are open as it shows at once.",
                       thing.noun
                   )
        )
            .with_code("too_many_readings")
            .with_fact("retry_after_s", "5");
    auto failed = fmt::format("{}_failed", thing.code);
    if (is(code, StreamEnd::failed))
        return Error(
                   Errc::unavailable,
                   fmt::format(
                       "The server could not read its {}. There, journalctl -u '{}@*' says why.",
                       thing.noun, thing.unit
                   )
        )
            .with_code(failed);
    return Error(Errc::unavailable, "The server did not answer: " + failure.message())
        .with_code(failure.code().empty() ? failed : failure.code());
}

LastWords lost(std::uint32_t code, const Error& failure, const Thing& thing) {
    if (is(code, proto::StreamEnd::not_offered))
        return {"gone", "The server does not have it any more. " + failure.message()};
    if (is(code, proto::StreamEnd::denied))
        return {"denied", "The organization's key does not count on the server any more."};
    return {"lost", fmt::format("The {} was lost on its way: {}", thing.noun, failure.message())};
}

std::string end_line(const LastWords& words) {
    return json::serialize(boost::json::object{{"end", words.word}, {"message", words.message}}) +
           "\n";
}

} // namespace fairlead::logs
