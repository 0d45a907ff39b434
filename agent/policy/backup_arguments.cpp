// What the arguments of backups, restores, drills and clones may look like.
#include "agent/policy/shape.hpp"
#include "agent/policy/text.hpp"

namespace fairlead::policy {
namespace {

constexpr std::size_t most_recipients = 10, longest_ca = 64 << 10;
constexpr std::uint32_t most_kept = 10'000, most_lock_days = 36'500;

Result<> check_bucket(std::string_view name) {
    if (name.size() < 3 || name.size() > 63 || !alnum(name.front()) || !alnum(name.back()) ||
        !all(name, [](char c) { return alnum(c) || one_of(c, ".-_"); }) ||
        name.find("..") != std::string_view::npos)
        return wrong("bucket", name, "3 to 63 letters, digits and . - _ are");
    return {};
}

/// Part of every object's key: nothing that a server or a proxy might read as another path.
Result<> check_prefix(std::string_view prefix) {
    if (prefix.empty()) return {};
    auto rest = prefix;
    bool fine = prefix.size() <= 200;
    while (fine) {
        auto part = rest.substr(0, rest.find('/'));
        fine = !part.empty() && part != "." && part != ".." &&
               all(part, [](char c) { return alnum(c) || one_of(c, "._-"); });
        if (part.size() == rest.size()) break;
        rest.remove_prefix(part.size() + 1);
    }
    if (!fine)
        return wrong(
            "prefix", prefix, "folders of letters, digits and . _ - without a slash at the ends are"
        );
    return {};
}

/// A field of cron is read by the program that keeps the calendar; here only what no shell, unit
/// file or path could be hurt by.
Result<> check_schedule(std::string_view text) {
    if (text.size() > 200 || !all(text, [](char c) { return alnum(c) || one_of(c, " *,-/@"); }))
        return wrong("schedule", text, "five fields of cron are");
    return {};
}

Result<> check_zone(std::string_view zone) {
    if (zone.empty() || zone.size() > 64 || !upper(zone.front()) ||
        !all(zone, [](char c) { return alnum(c) || one_of(c, "/_+-"); }))
        return wrong("time zone", zone, "names such as Europe/Berlin are");
    return {};
}

Result<> check_recipient(std::string_view recipient) {
    if (recipient.size() != 62 || !recipient.starts_with("age1") ||
        !all(recipient, [](char c) { return lower(c) || digit(c); }))
        return wrong("recipient", recipient, "public keys of age (age1…) are");
    return {};
}

Result<> check_recipients(const std::vector<std::string>& recipients) {
    if (recipients.size() > most_recipients)
        return fail(
            Errc::invalid,
            fmt::format("There are {} recipients; at most 10 are allowed.", recipients.size())
        );
    for (const auto& recipient : recipients) FAIRLEAD_CHECK(check_recipient(recipient));
    return {};
}

template <class Args>
Result<> check_target(const Args& args) {
    FAIRLEAD_CHECK(check_id(args.environment_id, "env_"));
    return check_slug(args.slug);
}

Result<> check_ref(const proto::BackupRef& backup, bool newest) {
    if (!newest || !backup.id.empty()) FAIRLEAD_CHECK(check_id(backup.id, "bak_"));
    FAIRLEAD_CHECK(check_target(backup));
    return check(backup.storage);
}

} // namespace

Result<> check(const proto::Storage& storage) {
    FAIRLEAD_CHECK(check_id(storage.id, "sto_"));
    FAIRLEAD_TRY(endpoint, parse_repository(storage.endpoint + "/" + storage.bucket));
    if (endpoint.scheme != "https")
        return wrong("endpoint", storage.endpoint, "https://host[:port] is");
    if (endpoint.path != "/" + storage.bucket)
        return wrong("endpoint", storage.endpoint, "it must end with the host or the port");
    FAIRLEAD_CHECK(check_bucket(storage.bucket));
    FAIRLEAD_CHECK(check_prefix(storage.prefix));
    if (storage.region.empty() || storage.region.size() > 64 ||
        !all(storage.region, [](char c) { return alnum(c) || one_of(c, "-_"); }))
        return wrong("region", storage.region, "letters, digits, - and _ are");
    if (storage.access_key.empty() || storage.access_key.size() > 256 ||
        !all(storage.access_key, [](char c) { return c > ' ' && c < 127; }))
        return wrong("access key", storage.access_key, "visible characters, at most 256, are");
    if (storage.ca.size() > longest_ca)
        return fail(Errc::invalid, "The certificate authority is larger than 64 KiB.");
    if (storage.name.size() > 200) return wrong("name", storage.name, "at most 200 characters are");
    bool locks = storage.object_lock != proto::ObjectLock::none;
    if (locks ? storage.object_lock_days < 1 || storage.object_lock_days > most_lock_days
              : storage.object_lock_days != 0)
        return fail(
            Errc::invalid,
            fmt::format(
                "{} days of object lock: 1 to 36500 with a mode, and 0 without one, are allowed.",
                storage.object_lock_days
            )
        );
    return {};
}

Result<> check(const proto::BackupSettings& settings) {
    FAIRLEAD_CHECK(check(settings.storage));
    FAIRLEAD_CHECK(check_schedule(settings.schedule));
    FAIRLEAD_CHECK(check_schedule(settings.drill_schedule));
    FAIRLEAD_CHECK(check_zone(settings.time_zone));
    const auto& keep = settings.retention;
    for (auto count : {keep.last, keep.hourly, keep.daily, keep.weekly, keep.monthly, keep.yearly})
        if (count > most_kept)
            return fail(
                Errc::invalid,
                fmt::format("{} backups of one kind cannot be kept: at most 10000 can.", count)
            );
    return check_recipients(settings.recipients);
}

Result<> check(const proto::StorageTestArgs& args) {
    return check(args.storage);
}

Result<> check(const proto::BackupConfigureArgs& args) {
    FAIRLEAD_CHECK(check_target(args));
    return args.settings ? check(*args.settings) : Result<>();
}

Result<> check(const proto::BackupArgs& args) {
    FAIRLEAD_CHECK(check_target(args));
    FAIRLEAD_CHECK(check_id(args.backup_id, "bak_"));
    return check(args.settings);
}

Result<> check_first(const std::optional<proto::BackupArgs>& backup, std::string_view environment) {
    if (!backup) return {};
    FAIRLEAD_CHECK(check(*backup));
    if (backup->slug != environment)
        return wrong("backup's environment", backup->slug, "only the operation's own is");
    return {};
}

Result<> check(const proto::BackupDeleteArgs& args) {
    FAIRLEAD_CHECK(check_target(args));
    return check_ref(args.backup, false);
}

Result<> check(const proto::BackupRecipientArgs& args) {
    return check_target(args);
}

Result<> check(const proto::BackupGrantArgs& args) {
    FAIRLEAD_CHECK(check_target(args));
    FAIRLEAD_CHECK(check_ref(args.backup, false));
    // The policy decides by this name, so it has to be whose backup it is.
    if (args.backup.environment_id != args.environment_id || args.backup.slug != args.slug)
        return wrong("backup's environment", args.backup.slug, "only the operation's own is");
    return check_recipient(args.recipient);
}

Result<> check(const proto::RestoreArgs& args) {
    FAIRLEAD_CHECK(check_target(args));
    FAIRLEAD_CHECK(check_ref(args.backup, false));
    return check_first(args.safety, args.slug);
}

Result<> check(const proto::DrillArgs& args) {
    FAIRLEAD_CHECK(check_target(args));
    return check_ref(args.backup, true);
}

Result<> check(const proto::CloneArgs& args) {
    FAIRLEAD_CHECK(check_target(args));
    FAIRLEAD_CHECK(check_id(args.source_environment_id, "env_"));
    FAIRLEAD_CHECK(check_slug(args.source_slug));
    if (args.source_slug == args.slug)
        return wrong("source", args.source_slug, "another environment is");
    return check_first(args.safety, args.slug);
}

} // namespace fairlead::policy
