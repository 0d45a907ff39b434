#include "agent/mail/reading.hpp"

#include "agent/policy/shape.hpp"
#include "common/json/json.hpp"
#include "common/runtime/clock.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::mail {
namespace {

using Steady = std::chrono::steady_clock;

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool has(std::string_view text, std::string_view wanted) {
    return !std::ranges::search(text, wanted, {}, lower, lower).empty();
}

bool fits(const proto::MailSummary& mail, std::string_view wanted) {
    return wanted.empty() || has(mail.subject, wanted) || has(mail.from, wanted) ||
           has(mail.to, wanted) || has(mail.sender, wanted) ||
           std::ranges::any_of(mail.recipients, [&](const auto& one) { return has(one, wanted); });
}

std::string line_of(const proto::MailSummary& mail) {
    auto line = proto::write(mail);
    auto& members = line.as_object();
    members.erase("at_ms");
    members["at"] = to_rfc3339(from_ms(mail.at_ms));
    return json::serialize(line);
}

} // namespace

Result<proto::MailOpening> read_opening(std::string_view body) {
    FAIRLEAD_TRY(wanted, proto::read_text<proto::MailOpening>(body));
    FAIRLEAD_CHECK(proto::check(wanted.what));
    FAIRLEAD_CHECK(policy::check_slug(wanted.slug)); // it becomes a path
    return wanted;
}

Result<>
judge(const proto::MailOpening& wanted, const policy::Policy& policy, const Places& places) {
    FAIRLEAD_CHECK(policy.permit_mail(wanted.slug));
    FAIRLEAD_TRY(account, load_account(places, wanted.slug));
    if (account.environment == wanted.what.environment) return {};
    // Of an environment that had this name before.
    return fail(Error(
                    Errc::not_found,
                    fmt::format(
                        "The mail of {} is not captured yet: it is from the next deployment on.",
                        wanted.slug
                    )
    )
                    .with_code("mail_not_captured"));
}

std::string
list_of(const Box& box, const proto::MailPurpose& what, std::chrono::milliseconds longest) {
    auto until = Steady::now() + longest;
    std::string text, word = "done", next;
    auto all = box.list();
    std::uint64_t bytes = 0;
    if (all) {
        for (const auto& one : *all) bytes += one.bytes + head_bytes;
        std::uint32_t told = 0;
        for (auto at = all->rbegin(); at != all->rend(); ++at) {
            if (!what.before.empty() && at->id >= what.before) continue;
            if (told >= what.lines || Steady::now() >= until) {
                word = told >= what.lines ? "lines" : "time";
                break;
            }
            next = at->id;
            auto summary = box.summary(at->id);
            if (!summary || !fits(*summary, what.search)) continue;
            summary->bytes = at->bytes;
            text += line_of(*summary) + "\n";
            ++told;
        }
    }
    boost::json::object end{
        {"end", all ? word : "failed"},
        {"messages", all ? all->size() : 0},
        {"bytes", bytes},
        {"next", word == "done" ? std::string() : next}};
    if (!all) end["message"] = all.error().message();
    return text + json::serialize(end) + "\n";
}

} // namespace fairlead::mail
