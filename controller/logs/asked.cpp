#include "controller/logs/asked.hpp"

#include "controller/api/checks.hpp"
#include "controller/api/query.hpp"

#include <boost/json/object.hpp>

namespace fairlead::logs {
namespace {

constexpr std::uint64_t page = 200;

/// The journal's priorities from the most urgent to this one.
std::uint32_t level_of(std::string_view name) {
    return name == "error" ? 3 : name == "warning" ? 4 : name == "info" ? 6 : 7;
}

std::int64_t us_of(const std::optional<Timestamp>& at) {
    return at ? to_ms(*at) * 1000 : 0;
}

Result<> take_cursor(const api::Call& call, std::string_view name, std::string& into) {
    auto text = call.query(name);
    if (!text) return {};
    if (text->empty() || !proto::is_log_cursor(*text))
        return api::bad_query(name, *text, "must be the cursor of an entry");
    into = *text;
    return {};
}

Result<> take_search(const api::Call& call, proto::LogPurpose& what) {
    FAIRLEAD_TRY(match, api::query_word(call, "match", {"text", "pattern"}));
    auto text = call.query("search");
    if (!text || text->empty()) return {};
    what.search = *text;
    what.pattern = match == "pattern" ? 1 : 0;
    auto expression = api::utf8_length(*text) == std::string::npos
                          ? Result<std::string>(fail(Errc::invalid, "It is no UTF-8."))
                          : proto::search_expression(*text, match == "pattern");
    if (expression) return {};
    // What was searched for is not repeated: others than whoever asked may see the answer.
    auto why = expression.error().message();
    return fail(Error(Errc::invalid, "search: " + why).with_fields({{"search", why}}));
}

} // namespace

Result<proto::LogPurpose> purpose_of(const api::Call& call) {
    proto::LogPurpose what;
    what.kind = proto::LogPurpose::log_kind;
    FAIRLEAD_TRY(format, api::query_word(call, "format", {"json", "text"}));
    FAIRLEAD_TRY(follow, api::query_word(call, "follow", {"false", "true"}));
    FAIRLEAD_TRY(level, api::query_word(call, "level", {"debug", "info", "warning", "error"}));
    FAIRLEAD_TRY(since, api::query_time(call, "since"));
    FAIRLEAD_TRY(until, api::query_time(call, "until"));
    bool file = format == "text", follows = follow == "true";
    std::uint64_t most = file ? proto::most_log_file_lines : proto::most_log_lines;
    FAIRLEAD_TRY(lines, api::query_number(call, "lines", 1, most));
    std::string after, before;
    FAIRLEAD_CHECK(take_cursor(call, "after", after));
    FAIRLEAD_CHECK(take_cursor(call, "before", before));
    what.text = file ? 1 : 0;
    what.level = level_of(level);
    what.since_us = us_of(since);
    what.until_us = us_of(until);
    FAIRLEAD_CHECK(take_search(call, what));
    api::Checks checks;
    checks.that(after.empty() || before.empty(), "before", "goes without after");
    checks.that(!file || !follows, "follow", "is not for files");
    checks.that(!file || (after.empty() && before.empty()), "format", "text goes without cursors");
    checks.that(!follows || before.empty(), "before", "goes without follow");
    checks.that(!follows || !until, "until", "goes without follow");
    checks.that(!follows || !lines, "lines", "goes without follow");
    checks.that(!since || !until || *since <= *until, "until", "must not be before since");
    FAIRLEAD_CHECK(checks.result());
    what.cursor = after.empty() ? before : after;
    what.order = follows ? "follow" : file || !after.empty() ? "on" : "back";
    if (!follows) what.lines = static_cast<std::uint32_t>(lines.value_or(file ? most : page));
    return what;
}

api::Act act_on(const Asked& asked, std::string action) {
    api::Act act;
    act.action = std::move(action);
    act.target_type = asked.environment ? "environment" : "server";
    act.target_id = asked.environment ? asked.environment->str() : asked.server.str();
    act.target_name = asked.environment ? asked.environment_name : asked.server_name;
    if (asked.mail) {
        act.after = boost::json::object{{"server_id", asked.server.str()}};
        if (!asked.mail->message.empty()) (*act.after)["message"] = asked.mail->message;
        if (!asked.mail->search.empty()) (*act.after)["searched"] = true;
        return act;
    }
    if (asked.recording) {
        if (asked.is_replay())
            act.after = boost::json::object{{"terminal", asked.recording->recording}};
        return act;
    }
    boost::json::object after{{"source", asked.what.source}, {"server_id", asked.server.str()}};
    auto time = [&](const char* name, std::int64_t us) {
        if (us > 0) after[name] = to_rfc3339(from_ms(us / 1000));
    };
    time("since", asked.what.since_us);
    time("until", asked.what.until_us);
    if (asked.what.order == "follow") after["follow"] = true;
    if (!asked.what.search.empty()) after["searched"] = true;
    act.after = std::move(after);
    return act;
}

std::string look_of(const Asked& asked) {
    auto target = asked.environment ? asked.environment->str() : asked.server.str();
    return asked.reader + " " + asked.actor.connect_session + " " + asked.actor.address + " " +
           (asked.recording ? "recordings"
            : asked.mail    ? "mail " + asked.mail->message
                            : asked.what.source) +
           " " + target;
}

} // namespace fairlead::logs
