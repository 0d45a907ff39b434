#include "agent/backup/replacing.hpp"

#include "agent/deploy/preflight.hpp"
#include "agent/host/files.hpp"
#include "agent/host/users.hpp"
#include "agent/odoo/masking.hpp"
#include "common/json/json.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <iterator>
#include <set>

namespace fairlead::backup {
namespace {

using journal::Work;
namespace fs = std::filesystem;

/// The names of what this operation remembers in the journal.
namespace fact {
constexpr const char* modules = "replace.modules"; ///< to be updated, as JSON
constexpr const char* neutralised = "replace.neutralised";
} // namespace fact

constexpr std::size_t most_named = 2000;

} // namespace

Result<> Replacing::look(Work& work) {
    FAIRLEAD_TRY(record, deploy::find_environment(hands_.place(), environment_id_));
    if (record.live == 0)
        return fail(Error(
                        Errc::conflict, fmt::format(
                                            "{} was not deployed yet: deploy it, and then put the "
                                            "data in.",
                                            record.slug
                                        )
        )
                        .with_code("not_deployed"));
    FAIRLEAD_CHECK(hands_.postgresql().version());
    return hands_.note_before(work, environment_id_);
}

Result<> Replacing::fits(const std::string& odoo_version) {
    FAIRLEAD_TRY(record, deploy::find_environment(hands_.place(), environment_id_));
    FAIRLEAD_TRY(release, deploy::load_release(hands_.place(), record.live));
    if (release.environment.odoo_version == odoo_version) return {};
    return fail(Error(
                    Errc::conflict,
                    fmt::format(
                        "The data are of Odoo {} and {} runs Odoo {}: deploy that version there "
                        "first.",
                        odoo_version, record.slug, release.environment.odoo_version
                    )
    )
                    .with_code("version_differs"));
}

Result<> Replacing::room_for(const Room& room) {
    FAIRLEAD_TRY(disks, disks_of(hands_));
    return need_room(disks, room, "beside the present data there must be");
}

Result<>
Replacing::remember_modules(Work& work, const std::map<std::string, std::string>& modules) {
    FAIRLEAD_TRY(record, deploy::find_environment(hands_.place(), environment_id_));
    FAIRLEAD_TRY(release, deploy::load_release(hands_.place(), record.live));
    auto changed = odoo::changed(modules, release.modules);
    std::vector<std::string> gone;
    for (const auto& [name, hash] : modules)
        if (!release.modules.contains(name)) gone.push_back(name);
    if (!gone.empty())
        return fail(Error(
                        Errc::conflict, fmt::format(
                                            "The data need modules that {} does not have: {}. Add "
                                            "their repository to it and deploy first.",
                                            record.slug, fmt::join(gone, ", ")
                                        )
        )
                        .with_code("module_missing"));
    if (changed.size() > most_named) changed = {"all"};
    if (!changed.empty())
        work.info(fmt::format(
            "These modules are of another state here, and will be updated: {}.",
            fmt::join(changed, ", ")
        ));
    work.remember(fact::modules, json::encode(changed));
    return {};
}

Result<> Replacing::make_room(Work& work, Database database) {
    FAIRLEAD_CHECK(undo_room(work));
    if (database == Database::none) return {};
    return hands_.postgresql().create_bare_database(incoming_.database, hands_.place().account);
}

Result<> Replacing::undo_room(Work&) {
    FAIRLEAD_CHECK(hands_.postgresql().end_strays());
    FAIRLEAD_CHECK(hands_.postgresql().drop_database(incoming_.database));
    return host::remove_tree(incoming_.filestore);
}

Result<std::string> Replacing::files_folder() {
    auto user = host::find_user(hands_.place().account);
    if (!user)
        return fail(
            Errc::internal, fmt::format("The Unix user {} is gone.", hands_.place().account)
        );
    FAIRLEAD_CHECK(host::make_folder(incoming_.filestore, 0700, user->uid, user->gid));
    auto folder = incoming_.filestore / hands_.place().database();
    FAIRLEAD_CHECK(host::make_folder(folder, 0750, user->uid, user->gid));
    return folder.string();
}

Result<deploy::OdooRun> Replacing::odoo_run() {
    FAIRLEAD_TRY(record, deploy::find_environment(hands_.place(), environment_id_));
    FAIRLEAD_TRY(release, deploy::load_release(hands_.place(), record.live));
    return deploy::odoo_run_of(hands_, release);
}

Result<> Replacing::neutralise(Work& work) {
    work.remember(fact::neutralised, true);
    return make_harmless(work, incoming_.database);
}

Result<> Replacing::make_harmless(Work& work, const std::string& database) {
    FAIRLEAD_TRY(run, odoo_run());
    run.installation.database = database;
    run.argv = odoo::neutralise_command(run.installation, run.environment.odoo_version);
    run.what = "neutralise the copy";
    run.code = "neutralise_failed";
    run.limit = std::chrono::hours(1);
    if (!run.argv.empty()) FAIRLEAD_CHECK(deploy::run_odoo(hands_, work, run));
    FAIRLEAD_CHECK(
        hands_.postgresql().rows(database, hands_.place().account, odoo::neutralise_query())
    );
    work.info("Mail, scheduled actions, payment and outgoing webhooks are off in the copy.");
    return {};
}

Result<> Replacing::mask(Work& work, const std::vector<proto::PersonalData>& wanted) {
    auto ask = [&](const std::string& query) {
        return hands_.postgresql().rows(
            incoming_.database, hands_.place().account, query, std::chrono::hours(2)
        );
    };
    if (auto masked = ask(odoo::mask_query(wanted)); !masked)
        return fail(Error(masked.error().kind(), masked.error().message()).with_code("mask_failed")
        );
    std::uint64_t gone = 0;
    std::error_code ignored;
    auto files = incoming_.filestore / hands_.place().database();
    if (fs::exists(files, ignored))
        for (char digit : std::string_view("0123456789abcdef")) {
            FAIRLEAD_TRY(named, ask(odoo::attachments_query(digit)));
            std::set<std::string, std::less<>> keep(
                std::make_move_iterator(named.begin()), std::make_move_iterator(named.end())
            );
            FAIRLEAD_TRY(removed, host::remove_files_but(files, digit, keep));
            gone += removed;
        }
    std::vector<std::string_view> names;
    for (auto one : wanted) names.push_back(json::enum_name(one));
    work.info(fmt::format(
        "Masked in the copy: {}. {} files went that nothing names any more.",
        fmt::join(names, ", "), gone
    ));
    return {};
}

Result<> Replacing::replace(Work& work) {
    FAIRLEAD_TRY(database, hands_.postgresql().database_exists(incoming_.database));
    std::error_code ignored;
    bool files = fs::exists(incoming_.filestore, ignored);
    // What came in is onto the disk before anything else may go.
    if (files) FAIRLEAD_CHECK(host::sync_tree(incoming_.filestore));
    FAIRLEAD_CHECK(hands_.postgresql().checkpoint());
    FAIRLEAD_CHECK(hands_.replace_data(
        work, database ? incoming_.database : std::string(),
        files ? incoming_.filestore : fs::path()
    ));
    work.info("The data are in place.");
    return {};
}

Result<> Replacing::undo_replace(Work& work) {
    FAIRLEAD_CHECK(
        hands_.systemd().stop({hands_.place().task() + ".service"}, std::chrono::seconds(30))
    );
    return hands_.undo_snapshot(work);
}

bool Replacing::needs_update(const Work& work) const {
    return work.recall(fact::modules).value_or("[]") != "[]" &&
           work.recall(deploy::fact::replaced_database).value_or("no") == "yes";
}

Result<> Replacing::update(Work& work) {
    auto names = json::decode<std::vector<std::string>>(
        work.recall(fact::modules).value_or("[]"), json::Strictness::exact
    );
    FAIRLEAD_CHECK(names);
    FAIRLEAD_TRY(run, odoo_run());
    run.argv = odoo::migrate_command(run.installation, odoo::Migration::update, *names);
    run.what = fmt::format("update {}", fmt::join(*names, ", "));
    run.code = "migration_failed";
    FAIRLEAD_CHECK(deploy::run_odoo(hands_, work, run));
    FAIRLEAD_CHECK(deploy::modules_settled(hands_, hands_.place().database()));
    // An update brings scheduled actions and settings of its own.
    if (!work.recall_yes(fact::neutralised)) return {};
    return make_harmless(work, hands_.place().database());
}

Result<> Replacing::start(Work& work) {
    FAIRLEAD_CHECK(hands_.release_hold());
    if (!work.recall_yes(deploy::fact::was_enabled)) {
        work.info("It was stopped before, and stays so.");
        return {};
    }
    FAIRLEAD_CHECK(hands_.enable_all());
    FAIRLEAD_CHECK(hands_.start_all());
    return hands_.wait_until_healthy(work);
}

Result<> Replacing::keep(Work& work) {
    FAIRLEAD_CHECK(hands_.drop_replaced());
    return undo_room(work);
}

} // namespace fairlead::backup
