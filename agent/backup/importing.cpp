#include "agent/backup/importing.hpp"

#include "agent/backup/import_checks.hpp"
#include "agent/backup/replacing_steps.hpp"
#include "agent/backup/transfer.hpp"
#include "agent/deploy/preflight.hpp"
#include "agent/host/files.hpp"
#include "agent/host/users.hpp"
#include "common/json/json.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/secret.hpp"

#include <fmt/core.h>

#include <sys/stat.h>

namespace fairlead::backup {
namespace {

using journal::Work;
namespace fs = std::filesystem;

constexpr std::size_t largest_note = 8 << 20, largest_policy = 256 << 10;
constexpr std::uint64_t spare = 512ULL << 20;
constexpr std::size_t most_told_modules = 3000;

/// What a server keeps of an import between analysis and run; root's alone.
struct Note {
    std::string environment_id;
    proto::ImportSource source;
    std::string fingerprint;
    proto::ImportAnalysis analysis;
};
BOOST_DESCRIBE_STRUCT(Note, (), (environment_id, source, fingerprint, analysis))

/// Apart from the environment's own folder, which the user that reads imports cannot enter.
struct ImportPlace {
    ImportPlace(const deploy::Layout& layout, const std::string& slug)
        : root(layout.base / "imports" / slug) {}

    fs::path root;
    fs::path folder(const std::string& id) const { return root / id; }
    fs::path archive(const std::string& id) const { return folder(id) / "archive"; }
    fs::path files(const std::string& id) const { return folder(id) / "files"; }
    fs::path note(const std::string& id) const { return root / (id + ".json"); }

    Result<> forget(const std::string& id) const {
        FAIRLEAD_CHECK(host::remove_tree(folder(id)));
        return host::remove_tree(note(id));
    }
};

/// Makes the folder of one import, and clears away what nobody came back for.
Result<> make_place(
    const deploy::Layout& layout, const ImportPlace& place, const std::string& id, Timestamp now
) {
    FAIRLEAD_TRY(user, host::ensure_user(import_user, "/nonexistent"));
    FAIRLEAD_CHECK(host::make_folder(layout.base / "imports", 0711, 0, 0));
    FAIRLEAD_CHECK(host::make_folder(place.root, 0711, 0, 0));
    FAIRLEAD_CHECK(place.forget(id));
    std::vector<std::string> old;
    std::size_t others = 0;
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(place.root, failed)) {
        struct stat info {};
        auto other = entry.path().filename().string();
        if (::lstat(entry.path().c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) continue;
        if (from_ms(info.st_mtim.tv_sec * 1000) + import_kept < now)
            old.push_back(other);
        else
            ++others;
    }
    for (const auto& other : old) FAIRLEAD_CHECK(place.forget(other));
    if (others >= most_imports)
        return fail(
            Error(
                Errc::conflict,
                fmt::format(
                    "This server holds {} imports of the environment already: run or remove "
                    "one of them first.",
                    others
                )
            )
                .with_code("import_too_many")
        );
    return host::make_folder(place.folder(id), 0700, user.uid, user.gid);
}

Job import_job(Task task, const ImportPlace& place, const std::string& id, const Note& note) {
    Job job;
    job.task = task;
    job.user = import_user;
    job.folder = place.folder(id).string();
    ImportJob source;
    source.path = note.source.path.empty() ? place.archive(id).string() : note.source.path;
    source.filestore = note.source.filestore;
    source.sha256 = note.source.sha256;
    source.fingerprint = note.fingerprint;
    job.import = std::move(source);
    return job;
}

class Analysis {
public:
    Analysis(deploy::Site& site, proto::ImportAnalyseArgs args)
        : args_(std::move(args)), site_(site), hands_(site, args_.slug),
          place_(site.layout(), args_.slug) {
        note_.environment_id = args_.environment_id;
        note_.source = args_.source;
    }

    Result<> fetch(Work& work) {
        FAIRLEAD_TRY(record, deploy::find_environment(hands_.place(), args_.environment_id));
        if (record.live == 0) return not_deployed(record.slug);
        FAIRLEAD_CHECK(make_place(site_.layout(), place_, args_.import_id, site_.now()));
        if (args_.source.url.empty()) return {};
        FAIRLEAD_TRY(space, host::disk_space(site_.layout().base));
        auto job = import_job(Task::import_fetch, place_, args_.import_id, note_);
        auto& wanted = *job.import;
        auto query = work.secret("import:" + args_.import_id).value_or("");
        wanted.url = args_.source.url + (query.empty() ? "" : "?" + query);
        wanted.domains = args_.domains;
        wanted.policy_name = site_.layout().policy.string();
        FAIRLEAD_TRY(text, read_file(site_.layout().policy, largest_policy));
        wanted.policy = std::move(text);
        wanted.max_bytes = space.free_bytes > spare ? space.free_bytes - spare : 0;
        wipe(query);
        FAIRLEAD_TRY(answer, run_job(std::move(job), work));
        note_.analysis.sha256 = answer.sha256;
        work.info(fmt::format(
            "{} came from {}; their SHA-256 is {}.", deploy::human(answer.bytes), args_.source.url,
            answer.sha256
        ));
        return {};
    }

    Result<> look(Work& work) {
        auto job = import_job(Task::import_look, place_, args_.import_id, note_);
        FAIRLEAD_TRY(answer, run_job(std::move(job), work, {0, 95}));
        if (!answer.analysis) return fail(Errc::internal, "The worker found nothing out.");
        auto sha256 = std::move(note_.analysis.sha256);
        note_.analysis = std::move(*answer.analysis);
        note_.analysis.sha256 = std::move(sha256);
        note_.fingerprint = std::move(answer.fingerprint);
        FAIRLEAD_CHECK(compare(note_.analysis, hands_, args_.environment_id));
        FAIRLEAD_CHECK(write_file(place_.note(args_.import_id), json::encode(note_), 0600));
        auto& found = note_.analysis;
        work.info(fmt::format(
            "Odoo {} with {} modules, a database of {} as text, {} files of {}.",
            found.odoo_version, found.modules.size(), deploy::human(found.database_bytes),
            found.files, deploy::human(found.file_bytes)
        ));
        for (const auto& check : found.checks)
            if (check.result != proto::CheckResult::passed)
                work.log(
                    proto::LogLevel::warning,
                    fmt::format("{}: {} {}", check.title, check.value, check.remedy)
                );
        auto told = found;
        if (told.modules.size() > most_told_modules) told.modules.resize(most_told_modules);
        work.result.analysis = std::move(told);
        return {};
    }

    Result<> undo() { return place_.forget(args_.import_id); }

private:
    static Result<> not_deployed(const std::string& slug) {
        return fail(
            Error(
                Errc::conflict,
                fmt::format("{} was not deployed yet: deploy it, and then import into it.", slug)
            )
                .with_code("not_deployed")
        );
    }

    proto::ImportAnalyseArgs args_;
    deploy::Site& site_;
    deploy::Hands hands_;
    ImportPlace place_;
    Note note_;
};

/// What was analysed, on its way into an environment.
class Import {
public:
    Import(deploy::Site& site, proto::ImportRunArgs args)
        : args_(std::move(args)), replacing_(site, args_.environment_id, args_.slug),
          place_(site.layout(), args_.slug) {}

    Replacing& replacing() { return replacing_; }
    bool neutralises() const { return args_.neutralise; }
    const std::vector<proto::PersonalData>& masks() const { return args_.mask; }
    Result<> done() { return place_.forget(args_.import_id); }

    Result<> check(Work& work) {
        FAIRLEAD_CHECK(read_note());
        FAIRLEAD_CHECK(replacing_.look(work));
        const auto& found = note_.analysis;
        FAIRLEAD_CHECK(replacing_.fits(found.odoo_version));
        FAIRLEAD_CHECK(replacing_.room_for(room_of(found)));
        auto& hands = replacing_.hands();
        FAIRLEAD_TRY(record, deploy::find_environment(hands.place(), args_.environment_id));
        FAIRLEAD_TRY(release, deploy::load_release(hands.place(), record.live));
        // Nobody knows of what state of the code a foreign database is: each module counts as
        // another one, unless no update is wanted.
        std::map<std::string, std::string> modules;
        for (const auto& module : found.modules) {
            auto ours = release.modules.find(module.name);
            modules[module.name] =
                ours == release.modules.end() || args_.update ? "" : ours->second;
        }
        return replacing_.remember_modules(work, modules);
    }

    Result<> load(Work& work) {
        FAIRLEAD_CHECK(read_note());
        auto& hands = replacing_.hands();
        auto& postgresql = hands.postgresql();
        const auto& database = replacing_.incoming().database;
        FAIRLEAD_CHECK(replacing_.make_room(work, Replacing::Database::none));
        FAIRLEAD_CHECK(host::remove_tree(place_.files(args_.import_id)));
        FAIRLEAD_CHECK(host::ensure_user(import_user, "/nonexistent"));
        FAIRLEAD_CHECK(postgresql.create_role(import_user));
        FAIRLEAD_CHECK(postgresql.create_bare_database(database, import_user));
        bool files = note_.analysis.files > 0;
        auto loading = job(Task::import_load);
        loading.database = database;
        FAIRLEAD_CHECK(run_job(std::move(loading), work, {0, files ? 70u : 100u}));
        FAIRLEAD_CHECK(postgresql.hand_over(database, import_user, hands.place().account));
        FAIRLEAD_TRY(folder, replacing_.files_folder());
        if (!files) return {};
        FAIRLEAD_CHECK(run_job(job(Task::import_files), work, {70, 100}));
        auto user = host::find_user(hands.place().account);
        if (!user) return fail(Errc::internal, "The environment's Unix user is gone.");
        auto came = place_.files(args_.import_id);
        FAIRLEAD_CHECK(host::give_to(came, user->uid, user->gid));
        std::error_code failed;
        fs::rename(came, folder, failed);
        if (failed)
            return fail(
                Errc::internal,
                fmt::format("Cannot move {} to {}: {}.", came.string(), folder, failed.message())
            );
        FAIRLEAD_CHECK(replacing_.files_folder()); // with the mode that it had
        work.info("Database and files are here.");
        return {};
    }

    Result<> undo_load(Work& work) {
        FAIRLEAD_CHECK(replacing_.undo_room(work));
        return host::remove_tree(place_.files(args_.import_id));
    }

private:
    Job job(Task task) { return import_job(task, place_, args_.import_id, note_); }

    Result<> read_note() {
        auto text = read_file(place_.note(args_.import_id), largest_note);
        if (!text)
            return fail(Error(
                            Errc::not_found,
                            "This server has nothing of that import any more: analyse it anew."
            )
                            .with_code("import_gone"));
        auto note = json::decode<Note>(*text, json::Strictness::lenient, largest_note);
        FAIRLEAD_CHECK(note);
        if (note->environment_id != args_.environment_id)
            return fail(Error(Errc::conflict, "That import was analysed for another environment.")
                            .with_code("import_gone"));
        note_ = std::move(*note);
        return {};
    }

    proto::ImportRunArgs args_;
    Replacing replacing_;
    ImportPlace place_;
    Note note_;
};

} // namespace

journal::Plan import_analyse_plan(deploy::Site& site, proto::ImportAnalyseArgs args) {
    bool fetches = !args.source.url.empty();
    auto a = std::make_shared<Analysis>(site, std::move(args));
    journal::Plan plan;
    plan.steps.push_back(
        {"fetch", fetches ? "Fetch the file" : "Make room for it",
         [a](Work& w) { return a->fetch(w); }, [a](Work&) { return a->undo(); }}
    );
    plan.steps.push_back({"look", "Look at database and files", [a](Work& w) { return a->look(w); }}
    );
    return plan;
}

journal::Plan import_run_plan(deploy::Site& site, proto::ImportRunArgs args) {
    auto safety = args.safety;
    auto i = std::make_shared<Import>(site, std::move(args));
    journal::Plan plan;
    plan.steps.push_back({"check", "Look at the import and the server", [i](Work& w) {
                              return i->check(w);
                          }});
    plan.steps.push_back(
        {"load", "Load the data beside the live ones", [i](Work& w) { return i->load(w); },
         [i](Work& w) { return i->undo_load(w); }}
    );
    add_safety(plan, site, safety);
    add_replacing(plan, i);
    return plan;
}

journal::Plan import_discard_plan(deploy::Site& site, proto::ImportDiscardArgs args) {
    journal::Plan plan;
    plan.recovery = journal::Recovery::finish;
    auto act = [&site, args = std::move(args)](Work& work) -> Result<> {
        FAIRLEAD_CHECK(ImportPlace(site.layout(), args.slug).forget(args.import_id));
        work.info("What this server had of the import is gone.");
        return {};
    };
    plan.steps.push_back({"remove", "Remove what was fetched", act, {}, {}, true});
    return plan;
}

Result<> forget_imports(const deploy::Layout& layout, const std::string& slug) {
    return host::remove_tree(ImportPlace(layout, slug).root);
}

} // namespace fairlead::backup
