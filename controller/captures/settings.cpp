#include "controller/captures/settings.hpp"

#include "controller/api/change.hpp"
#include "controller/api/checks.hpp"
#include "controller/environments/release_repo.hpp"
#include "proto/codec.hpp"
#include "proto/operations.hpp"

#include <fmt/core.h>

namespace fairlead::captures {

using environments::Environment;

Result<> check_stage(const Environment& environment) {
    if (environment.type != proto::EnvironmentType::production) return {};
    return api::conflict(
        "mail_on_production",
        fmt::format(
            "{} is production: its mail is sent, and never captured. Captures are for development "
            "and staging.",
            environment.name
        )
    );
}

Result<> check(const SettingsBody& body, const Environment& environment) {
    api::Checks checks;
    auto range = [&](const char* field, std::int64_t value, std::int64_t least, std::int64_t most) {
        checks.that(
            value >= least && value <= most, field,
            fmt::format("must be from {} to {}", least, most)
        );
    };
    range("keep_days", body.keep_days, 1, proto::most_mail_days);
    range("keep_messages", body.keep_messages, 1, proto::most_mail_messages);
    range(
        "keep_bytes", body.keep_bytes, static_cast<std::int64_t>(proto::least_mail_box),
        static_cast<std::int64_t>(proto::most_mail_box)
    );
    FAIRLEAD_CHECK(checks.result());
    return body.capture ? check_stage(environment) : Result<>();
}

void take(const SettingsBody& body, Environment& into) {
    into.mail_capture = body.capture;
    into.mail_days = body.keep_days;
    into.mail_messages = body.keep_messages;
    into.mail_bytes = body.keep_bytes;
}

Result<boost::json::object>
to_json(store::Connection& db, const api::OrgScope& scope, const Environment& e) {
    bool captured = false;
    if (e.current_release) {
        FAIRLEAD_TRY(live, environments::ReleaseRepo(db, scope).find(e.id, *e.current_release));
        auto spec = live && !live->spec.empty()
                        ? proto::read_text<proto::EnvironmentSpec>(live->spec)
                        : Result<proto::EnvironmentSpec>(proto::EnvironmentSpec());
        captured = spec && spec->mail.has_value();
    }
    return boost::json::object{
        {"available", e.type != proto::EnvironmentType::production},
        {"capture", e.captures_mail()},
        {"captured", captured},
        {"keep_days", e.mail_days},
        {"keep_messages", e.mail_messages},
        {"keep_bytes", e.mail_bytes}};
}

} // namespace fairlead::captures
