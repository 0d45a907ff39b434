#include "agent/backup/identity.hpp"

#include "agent/deploy/records.hpp"
#include "agent/host/files.hpp"
#include "agent/host/users.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <sys/stat.h>

namespace fairlead::backup {
namespace {

constexpr std::size_t largest_file = 4096;

constexpr std::string_view explanation =
    "# Opens every backup of this environment: age --decrypt --identity THIS_FILE ...\n"
    "# Made on this server, and nowhere else: without it, and without a recovery key of the\n"
    "# organization, backups cannot be read.\n";

} // namespace

namespace {

constexpr std::string_view name_mark = "# environment: ";
std::string kept_name(const std::string& slug) {
    return std::string(name_mark) + slug + "\n";
}

std::filesystem::path kept_at(const deploy::Layout& layout, const std::string& environment_id) {
    return layout.base / "identities" / environment_id;
}

Result<std::optional<crypto::Identity>> load_file(const std::filesystem::path& file) {
    struct stat info {};
    if (::lstat(file.c_str(), &info) != 0) return std::optional<crypto::Identity>();
    if (!S_ISREG(info.st_mode) || info.st_uid != ::geteuid() || (info.st_mode & 077) != 0)
        return fail(Error(
                        Errc::forbidden,
                        fmt::format(
                            "{} must be root's alone. Cure: chown root:root {}; chmod 600 {}",
                            file.string(), file.string(), file.string()
                        )
        )
                        .with_code("identity_exposed"));
    FAIRLEAD_TRY(text, read_file(file, largest_file));
    auto identities = crypto::Identity::parse_file(text);
    wipe(text);
    if (!identities || identities->size() != 1)
        return fail(Error(
                        Errc::invalid,
                        fmt::format(
                            "{} does not hold one age identity: put back the file that was there.",
                            file.string()
                        )
        )
                        .with_code("identity_damaged"));
    return std::optional(std::move(identities->front()));
}

} // namespace

Result<std::optional<crypto::Identity>> load_identity(const BackupPlace& place) {
    return load_file(place.identity());
}

Result<std::optional<crypto::Identity>> identity_of(
    const deploy::Layout& layout, const deploy::Place& place, const std::string& environment_id
) {
    FAIRLEAD_TRY(record, deploy::load_environment(place));
    if (record && record->id == environment_id) return load_identity(BackupPlace(place));
    auto kept = kept_at(layout, environment_id);
    FAIRLEAD_TRY(identity, load_file(kept));
    if (!identity) return std::optional<crypto::Identity>();
    // A policy speaks of names: what a deleted environment was called counts for its key too.
    FAIRLEAD_TRY(text, read_file(kept, largest_file));
    bool named = text.find(name_mark) != std::string::npos;
    bool same = text.find(kept_name(place.slug)) != std::string::npos;
    wipe(text);
    if (named && !same)
        return fail(Error(
                        Errc::forbidden,
                        fmt::format("{} is not the key of {}.", kept.string(), place.slug)
        )
                        .with_code("policy_refused"));
    return std::move(identity);
}

Result<std::optional<std::filesystem::path>> keep_identity(
    const deploy::Layout& layout, const deploy::Place& place, const std::string& environment_id
) {
    using Kept = std::optional<std::filesystem::path>;
    auto to = kept_at(layout, environment_id);
    auto text = read_file(BackupPlace(place).identity(), largest_file);
    if (!text && text.error().kind() == Errc::not_found) return Kept();
    FAIRLEAD_CHECK(text);
    FAIRLEAD_CHECK(host::make_folder(to.parent_path(), 0700, 0, 0));
    auto named = kept_name(place.slug);
    if (text->find(named) == std::string::npos) text->insert(0, named);
    auto written = write_file(to, *text, 0600);
    wipe(*text);
    FAIRLEAD_CHECK(std::move(written));
    return Kept(to);
}

Result<crypto::Identity> ensure_identity(const BackupPlace& place, const std::string& account) {
    auto user = host::find_user(account);
    if (!user) return fail(Errc::internal, fmt::format("The Unix user {} is gone.", account));
    FAIRLEAD_CHECK(host::make_folder(place.root, 0710, 0, user->gid));
    FAIRLEAD_CHECK(host::make_folder(place.state(), 0700, user->uid, user->gid));
    FAIRLEAD_TRY(there, load_identity(place));
    if (there) return std::move(*there);
    auto made = crypto::Identity::generate();
    auto secret = made.print();
    std::string text(explanation);
    text += fmt::format("# public key: {}\n{}\n", made.recipient().str(), secret.reveal());
    auto written = write_file(place.identity(), text, 0600);
    wipe(text);
    FAIRLEAD_CHECK(std::move(written));
    return made;
}

} // namespace fairlead::backup
