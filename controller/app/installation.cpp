#include "controller/app/installation.hpp"

#include "common/crypto/random.hpp"
#include "common/crypto/x509.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/log.hpp"
#include "controller/access/users.hpp"
#include "controller/app/acme.hpp"
#include "controller/app/cloudflare.hpp"
#include "controller/app/outside.hpp"
#include "controller/app/schema.hpp"
#include "controller/audit/log.hpp"
#include "controller/authority/authority.hpp"
#include "controller/install/packages.hpp"
#include "controller/orgs/orgs.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace fairlead::app {
namespace {

namespace fs = std::filesystem;

Result<> make_private_folder(const fs::path& folder) {
    std::error_code failed;
    fs::create_directories(folder.parent_path(), failed);
    if (::mkdir(folder.c_str(), 0700) == 0) return {};
    if (errno != EEXIST)
        return fail(
            Errc::internal, "Cannot make " + folder.string() + ": " + std::strerror(errno) + "."
        );
    if (::chmod(folder.c_str(), 0700) != 0)
        return fail(
            Errc::forbidden, folder.string() + " is there, but belongs to somebody else: " +
                                 std::strerror(errno) + "."
        );
    return {};
}

/// Root makes things for the user that the controller will run as: the owner of the data folder.
Result<> give_to_owner(const fs::path& folder) {
    struct stat owner {};
    if (::stat(folder.c_str(), &owner) != 0 || ::geteuid() != 0 || owner.st_uid == 0) return {};
    for (const auto& entry : fs::directory_iterator(folder))
        if (::lchown(entry.path().c_str(), owner.st_uid, owner.st_gid) != 0)
            return fail(
                Errc::internal, "Cannot give " + entry.path().string() +
                                    " to the folder's owner: " + std::strerror(errno) + "."
            );
    return {};
}

std::string setup_url(const Settings& settings, const Secret& token) {
    auto port = Endpoint::parse(settings.listen).value().port;
    return public_url(settings, port) + "/setup#" + std::string(token.reveal());
}

Result<Secret> fill(
    store::UnitOfWork& unit, const InitRequest& request, std::string_view email,
    const crypto::Keystore& keys, const Clock& clock
) {
    auto now = clock.now();
    store::Blob tickets{keys.seal(crypto::random_secret(32), tickets_place)};
    FAIRLEAD_CHECK(unit.db().run(
        "INSERT INTO installation (id, epoch, created_ms, sealed_tickets) VALUES (1, 1, $1, $2)",
        now, tickets
    ));
    FAIRLEAD_CHECK(authority::Authority(keys, clock, {}).create_first(unit));
    access::UserRepo users(unit.db());
    orgs::Memberships memberships(unit.db());
    FAIRLEAD_TRY(user, users.create(email, std::string(email.substr(0, email.find('@'))), now));
    FAIRLEAD_CHECK(unit.db().run(
        "UPDATE app_user SET verified_ms = $2, operator = 1 WHERE id = $1", user.id, now
    ));
    FAIRLEAD_TRY(org, memberships.create(request.org_name, orgs::Plan::agency, now));
    FAIRLEAD_CHECK(memberships.add(org.id, user.id, "admin", true, now));
    audit::Log(clock).record(
        unit, api::ScopeIssuer::scope(org.id), {},
        {.action = "org.create",
         .target_type = "org",
         .target_id = org.id.str(),
         .target_name = org.name}
    );
    return users.make_link(user.id, now + link_lifetime);
}

/// Everything in the -wal file goes into the database, and the -wal file goes.
Result<> settle(const fs::path& database) {
    { store::Connection(database).script("PRAGMA wal_checkpoint(TRUNCATE)"); }
    if (fs::exists(database.string() + "-wal"))
        return fail(Errc::conflict, database.string() + " is in use by another program.");
    return {};
}

Result<> check_copy(const fs::path& file) {
    store::Connection copy(file, {.access = store::Access::read_only});
    if (auto wrong = copy.integrity_errors(); !wrong.empty())
        return fail(Errc::invalid, file.string() + " is damaged: " + wrong.front());
    int version = store::schema_version(copy);
    auto known = schema();
    if (version == 0)
        return fail(Errc::invalid, file.string() + " is no database of a Fairlead controller.");
    if (version > static_cast<int>(known.size()))
        return fail(
            Errc::invalid,
            fmt::format(
                "{} was made by a newer controller: its schema is {}, this program knows {}.",
                file.string(), version, known.size()
            )
        );
    return {};
}

/// A copy is of use only with the master key that sealed what is in it.
Result<> check_keys(store::Connection& db, const crypto::Keystore& keys) {
    FAIRLEAD_TRY(
        sealed, db.one<store::Blob>("SELECT sealed_tickets FROM installation WHERE id = 1")
    );
    if (!sealed) return fail(Errc::invalid, "The copy is of a controller that was never set up.");
    if (!keys.open(sealed->bytes, tickets_place))
        return fail(
            Errc::invalid,
            "The copy was made with another master key. Put that key into the data folder first."
        );
    return {};
}

} // namespace

Result<> expect_database(const Layout& layout) {
    if (fs::exists(layout.database())) return {};
    return fail(
        Errc::not_found,
        "There is no database at " + layout.database().string() + ". Run: fairlead-controller init"
    );
}

Result<AsOwner> AsOwner::of(const fs::path& folder) {
    struct stat owner {};
    if (::geteuid() != 0 || ::stat(folder.c_str(), &owner) != 0 || owner.st_uid == 0)
        return AsOwner(false);
    if (::setgroups(0, nullptr) != 0 || ::setegid(owner.st_gid) != 0 ||
        ::seteuid(owner.st_uid) != 0) {
        auto why = std::string(std::strerror(errno));
        if (::setegid(0) != 0) std::abort();
        return fail(
            Errc::internal, "Cannot become the owner of " + folder.string() + ": " + why + "."
        );
    }
    return AsOwner(true);
}

AsOwner::~AsOwner() {
    if (away_ && (::seteuid(0) != 0 || ::setegid(0) != 0)) std::abort();
}

Result<FolderLock> FolderLock::take(const Layout& layout) {
    Descriptor file(::open(layout.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file)
        return fail(
            Errc::internal,
            "Cannot open " + layout.lock().string() + ": " + std::strerror(errno) + "."
        );
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0)
        return fail(
            Errc::conflict, "Another controller works with " + layout.data.string() +
                                " at this moment. Stop it first."
        );
    return FolderLock(std::move(file));
}

Result<std::string> initialize(const InitRequest& request, const Clock& clock) {
    const auto& settings = request.settings;
    FAIRLEAD_TRY(email, access::normal_email(request.admin_email));
    FAIRLEAD_CHECK(check_name(settings.name));
    FAIRLEAD_CHECK(Endpoint::parse(settings.listen));
    Layout layout(settings);
    for (const auto& there : {layout.database(), request.config})
        if (fs::exists(there))
            return fail(
                Errc::conflict,
                there.string() +
                    " is there: this controller is set up already, and nothing was changed. For a "
                    "new one-time link run: fairlead-controller init --relink --config " +
                    request.config.string()
            );
    if (fs::exists(layout.master_key()))
        return fail(
            Errc::conflict,
            layout.data.string() +
                " holds a master key but no database: an earlier init was interrupted, or the "
                "database was moved away. If nothing of it is to be kept, remove the folder."
        );
    FAIRLEAD_CHECK(make_private_folder(layout.data));
    FAIRLEAD_TRY(lock, FolderLock::take(layout));

    // The database gets its name when it is complete, so that an interrupted init is seen as one.
    auto unfinished = layout.database();
    unfinished += ".init";
    for (const char* ending : {"", "-wal", "-shm"}) fs::remove(unfinished.string() + ending);
    FAIRLEAD_TRY(keys, crypto::Keystore::create(layout.master_key()));
    Secret token;
    {
        store::Store store({.file = unfinished, .readers = 1}, schema());
        FAIRLEAD_TRY(made, store.write([&](store::UnitOfWork& unit) {
            return fill(unit, request, email, keys, clock);
        }));
        token = std::move(made);
    }
    FAIRLEAD_CHECK(settle(unfinished));
    fs::rename(unfinished, layout.database());
    FAIRLEAD_CHECK(sync_folder(layout.data));
    std::error_code failed;
    fs::create_directories(request.config.parent_path(), failed);
    FAIRLEAD_CHECK(write_file(request.config, settings_template(settings), 0644));
    FAIRLEAD_CHECK(give_to_owner(layout.data));
    return setup_url(settings, token);
}

Result<std::string> relink(const Settings& settings, std::string_view email, const Clock& clock) {
    store::Connection db(Layout(settings).database());
    FAIRLEAD_TRY(token, db.transaction([&]() -> Result<Secret> {
        access::UserRepo users(db);
        if (email.empty()) {
            FAIRLEAD_TRY(all, db.all<UserId>("SELECT id FROM app_user LIMIT 2"));
            if (all.size() != 1)
                return fail(Errc::invalid, "There is more than one person: name one with --admin.");
            return users.make_link(all[0], clock.now() + link_lifetime);
        }
        FAIRLEAD_TRY(normal, access::normal_email(email));
        FAIRLEAD_TRY(
            user,
            store::present(users.by_email(normal), "Nobody has the e-mail address " + normal + ".")
        );
        return users.make_link(user.id, clock.now() + link_lifetime);
    }));
    return setup_url(settings, token);
}

Result<std::string> back_up(const Settings& settings, const fs::path& file) {
    Layout layout(settings);
    FAIRLEAD_CHECK(expect_database(layout));
    store::Connection(layout.database(), {.access = store::Access::read_only}).backup_to(file);
    FAIRLEAD_CHECK(check_copy(file));
    return fmt::format(
        "{} holds the database, checked, {} KiB. The master key {} is not in it: keep a copy of "
        "that elsewhere.",
        file.string(), fs::file_size(file) / 1024, layout.master_key().string()
    );
}

Result<std::string> restore(const Settings& settings, const fs::path& file, const Clock& clock) {
    Layout layout(settings);
    if (!fs::exists(file)) return fail(Errc::not_found, "There is no file " + file.string() + ".");
    FAIRLEAD_TRY(lock, FolderLock::take(layout));
    FAIRLEAD_TRY(keys, crypto::Keystore::load(layout.master_key()));
    FAIRLEAD_CHECK(check_copy(file));

    auto fresh = layout.database();
    fresh += ".restoring";
    for (const char* ending : {"", "-wal", "-shm"}) fs::remove(fresh.string() + ending);
    store::Connection(file, {.access = store::Access::read_only}).backup_to(fresh);
    {
        store::Connection db(fresh);
        store::migrate(db, schema(), clock.now());
        FAIRLEAD_CHECK(check_keys(db, keys));
        auto begin_anew = [&]() -> Result<> {
            FAIRLEAD_CHECK(
                db.run("UPDATE installation SET epoch = epoch + 1, restored_ms = $1", clock.now())
            );
            // Sessions that were ended since the copy was made, and links that were used, must not
            // come back.
            FAIRLEAD_CHECK(db.run("DELETE FROM session"));
            FAIRLEAD_CHECK(db.run("DELETE FROM setup_link"));
            FAIRLEAD_CHECK(db.run("DELETE FROM challenge"));
            FAIRLEAD_CHECK(db.run("DELETE FROM outgoing_mail"));
            return {};
        };
        FAIRLEAD_CHECK(db.transaction(begin_anew));
    }
    FAIRLEAD_CHECK(settle(fresh));
    auto kept = layout.database();
    kept += ".before-restore-" + std::to_string(to_ms(clock.now()));
    if (fs::exists(layout.database())) {
        FAIRLEAD_CHECK(settle(layout.database()));
        fs::create_hard_link(layout.database(), kept);
    }
    // From here on it is the old database or the new one, never none.
    fs::rename(fresh, layout.database());
    FAIRLEAD_CHECK(sync_folder(layout.data));
    FAIRLEAD_CHECK(give_to_owner(layout.data));
    return fmt::format(
        "{} is restored from {}. What was there before is {}. Everybody has to sign in again. "
        "Servers, tokens and people "
        "that were revoked after the copy was made are not revoked in it: look them through.",
        layout.database().string(), file.string(), kept.string()
    );
}

std::vector<std::string> check_surroundings(const Settings& settings, const Clock& clock) {
    std::vector<std::string> findings;
    auto note = [&](const auto& result) {
        if (!result) findings.push_back(result.error().message());
    };
    Layout layout(settings);
    struct stat folder {};
    if (::stat(layout.data.c_str(), &folder) != 0)
        findings.push_back(
            "There is no folder " + layout.data.string() + ". Run: fairlead-controller init"
        );
    else if (folder.st_mode & 077)
        findings.push_back(
            layout.data.string() + " can be entered by others. Run: chmod 0700 " +
            layout.data.string()
        );
    note(crypto::Keystore::load(layout.master_key()));
    if (!fs::exists(layout.database()))
        findings.push_back("There is no database at " + layout.database().string() + ".");
    if (settings.certificate) {
        auto key = crypto::P256Key::load(settings.certificate->key);
        auto chain = read_file(settings.certificate->chain, 64 * 1024);
        note(chain);
        if (auto facts = chain ? crypto::parse_certificate(*chain) : fail(Errc::invalid, "")) {
            if (facts->not_after < clock.now())
                findings.push_back(
                    settings.certificate->chain + " expired on " + to_rfc3339(facts->not_after) +
                    "."
                );
            if (key && key->spki_sha256() != facts->spki_sha256)
                findings.push_back(
                    settings.certificate->key + " is not the key of " +
                    settings.certificate->chain + "."
                );
        } else if (chain) {
            findings.push_back(settings.certificate->chain + " holds no certificate in PEM.");
        }
        if (!read_file(settings.certificate->key, 64 * 1024))
            findings.push_back(settings.certificate->key + " cannot be read.");
    }
    note(load_exceptions(settings));
    for (auto& finding : acme_surroundings(settings)) findings.push_back(std::move(finding));
    for (auto& finding : cloudflare_surroundings(settings)) findings.push_back(std::move(finding));
    if (settings.egress && settings.egress->ca) note(read_file(*settings.egress->ca, 1024 * 1024));
    note(sso::make_providers(settings.sign_in_with));
    note(install::Packages(settings.packages)
             .script({public_url(settings, Endpoint::parse(settings.listen).value().port), "", ""})
    );
    return findings;
}

} // namespace fairlead::app
