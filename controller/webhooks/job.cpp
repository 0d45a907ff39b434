#include "controller/webhooks/job.hpp"

#include "common/runtime/utf8.hpp"
#include "controller/webhooks/schedule.hpp"
#include "controller/webhooks/signature.hpp"

#include <fmt/core.h>

namespace fairlead::webhooks {
namespace {

/// The beginning of what a stranger answered, fit for a text column and a page.
std::string shown(std::string text) {
    text.resize(utf8::cut(text, max_response).size());
    bool readable = utf8::valid(text);
    for (char& c : text) {
        auto byte = static_cast<unsigned char>(c);
        if ((byte >= 0x80 && !readable) || (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f)
            c = '?';
    }
    return text;
}

Outcome refused(Outcome outcome, Verdict verdict, std::string code, std::string message) {
    outcome.verdict = verdict;
    outcome.code = std::move(code);
    outcome.message = std::move(message);
    return outcome;
}

} // namespace

Result<outbound::Request> make_request(
    const Webhook& webhook, const DeliveryId& id, std::string payload,
    std::span<const Secret> secrets, Timestamp at
) {
    FAIRLEAD_TRY(signature, sign(secrets, id.str(), at, payload));
    outbound::Request request;
    request.method = "POST";
    request.url = webhook.url;
    request.headers.add("content-type", "application/json");
    request.headers.add("user-agent", "Fairlead-Webhooks/1");
    request.headers.add("webhook-id", id.str());
    request.headers.add("webhook-timestamp", timestamp_of(at));
    request.headers.add("webhook-signature", signature);
    request.body = std::move(payload);
    request.redirects = 0;
    request.limit = attempt_limit;
    return request;
}

Outcome judge(const Result<outbound::Answer>& answer, Timestamp now) {
    Outcome outcome;
    if (!answer) {
        const auto& error = answer.error();
        auto code = error.code().empty() ? std::string("outbound_failed") : error.code();
        bool ours = code == "egress_missing" || code == "outbound_busy";
        auto verdict = ours                         ? Verdict::ours
                       : code == "outbound_stopped" ? Verdict::cut
                                                    : Verdict::again;
        return refused(std::move(outcome), verdict, std::move(code), error.message());
    }
    outcome.status = answer->status;
    outcome.response = shown(answer->body);
    if (answer->status >= 200 && answer->status < 300) return outcome;
    if (auto asked = answer->headers.get("retry-after"))
        outcome.not_before = retry_after(*asked, now);
    if (answer->status == 410)
        return refused(
            std::move(outcome), Verdict::gone, "gone",
            "The receiver answered 410: it wants nothing from this webhook any more."
        );
    if (answer->status >= 300 && answer->status < 400)
        return refused(
            std::move(outcome), Verdict::again, "redirect_refused",
            fmt::format(
                "The receiver answered {} and points elsewhere. Redirects are not followed: store "
                "the address that it points to, if you trust it.",
                answer->status
            )
        );
    return refused(
        std::move(outcome), Verdict::again, "answered_badly",
        fmt::format(
            "The receiver answered {}{}{}. Only 200 to 299 says that it has taken a delivery.",
            answer->status, net::reason_phrase(answer->status).empty() ? "" : " ",
            net::reason_phrase(answer->status)
        )
    );
}

} // namespace fairlead::webhooks
