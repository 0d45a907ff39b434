// What the arguments of captured mail may look like.
#include "agent/policy/shape.hpp"
#include "agent/policy/text.hpp"
#include "proto/mail.hpp"

namespace fairlead::policy {

Result<> check(const proto::MailRetention& r) {
    if (r.days < 1 || r.days > proto::most_mail_days || r.messages < 1 ||
        r.messages > proto::most_mail_messages || r.bytes < proto::least_mail_box ||
        r.bytes > proto::most_mail_box)
        return fail(
            Errc::invalid,
            fmt::format(
                "Captured mail stays for 1 to {} days, as 1 to {} messages, in {} to {} bytes.",
                proto::most_mail_days, proto::most_mail_messages, proto::least_mail_box,
                proto::most_mail_box
            )
        );
    return {};
}

Result<> check(const proto::MailConfigureArgs& args) {
    FAIRLEAD_CHECK(check_id(args.environment_id, "env_"));
    FAIRLEAD_CHECK(check_slug(args.slug));
    return check(args.retention);
}

Result<> check(const proto::MailDeleteArgs& args) {
    FAIRLEAD_CHECK(check_id(args.environment_id, "env_"));
    FAIRLEAD_CHECK(check_slug(args.slug));
    if (args.all != args.messages.empty() || args.messages.size() > proto::most_mail_deletions)
        return fail(
            Errc::invalid, fmt::format(
                               "Either all messages are deleted, or 1 to {} by their names.",
                               proto::most_mail_deletions
                           )
        );
    for (const auto& id : args.messages)
        if (!proto::is_mail_id(id))
            return wrong("name of a message", id, "a time and 12 digits are");
    return {};
}

} // namespace fairlead::policy
