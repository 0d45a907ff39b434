#include "agent/deploy/deployment.hpp"

#include "agent/deploy/preflight.hpp"
#include "agent/deploy/units.hpp"
#include "agent/deploy/venv.hpp"
#include "agent/host/files.hpp"
#include "agent/host/packages.hpp"
#include "agent/host/users.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "common/crypto/random.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <thread>

namespace fairlead::deploy {
namespace {

using namespace std::chrono_literals;
using journal::Work;
namespace fs = std::filesystem;

constexpr auto migration_limit = std::chrono::hours(6);

/// The steps of one deployment. What a step leaves for later ones is in members; what an undo needs
/// is in facts.
class Deployment {
public:
    Deployment(Site& site, proto::DeployArgs args)
        : args_(std::move(args)), e_(args_.environment), hands_(site, e_.slug),
          place_(hands_.place()) {}

    Result<> check(Work& work);
    Result<> prepare(Work& work);
    Result<> undo_prepare(Work& work);
    Result<> fetch(Work& work);
    Result<> build(Work& work);
    Result<> configure(Work& work);
    Result<> undo_configure(Work& work);
    Result<> migrate(Work& work);
    Result<> undo_migrate(Work& work);
    Result<> keep(Work& work);
    Hands& hands() { return hands_; }
    std::uint32_t number() const { return args_.release.number; }

private:
    Result<> install_what_is_missing(Work& work);
    Result<> start_postgresql(Work& work);
    Result<> make_account(Work& work);
    Result<> fetch_one(const proto::Source& source, Work& work);
    Result<> decide_migration(Work& work, const ReleaseRecord& release);
    Result<>
    run_migration(Work& work, odoo::Migration migration, const std::vector<std::string>& modules);
    Result<> check_modules(const std::vector<std::string>& named);
    Result<std::vector<std::string>> installed();
    Result<std::vector<std::pair<std::string, std::string>>> variables(const Work& work) const;
    odoo::Installation installation() const;
    Result<> prune(Work& work, const EnvironmentRecord& record);

    proto::DeployArgs args_;
    const proto::EnvironmentSpec& e_;
    Hands hands_;
    const Place& place_;

    std::vector<proto::Commit> commits_; ///< Odoo's first, then the addons' in their order
    std::string venv_;
    std::vector<std::string> modules_; ///< to install or update
};

Result<> Deployment::check(Work& work) {
    FAIRLEAD_TRY(report, run_preflight(hands_.site(), e_, work));
    work.result.preflight = report;
    FAIRLEAD_CHECK(verdict(report));
    FAIRLEAD_TRY(record, load_environment(place_));
    std::error_code ignored;
    if (record && fs::exists(place_.release(number()), ignored))
        return fail(
            Error(
                Errc::conflict,
                fmt::format(
                    "The server has a release {} of {} already; a new one needs a higher number.",
                    number(), e_.slug
                )
            )
                .with_code("release_exists")
        );
    return {};
}

Result<> Deployment::install_what_is_missing(Work& work) {
    std::vector<std::string> missing;
    if (!host::has_program("git")) missing.push_back("git");
    if (!host::has_program("ssh") && std::ranges::any_of(e_.addons, [](const auto& s) {
            return s.url.find("ssh://") != std::string::npos;
        }))
        missing.push_back("openssh-client");
    Command look;
    look.argv = {"python3", "-c", "import ensurepip, venv"};
    if (!host::has_program("python3") || !run_ok(look)) missing.push_back("python3-venv");
    if (!host::Postgresql::installed()) missing.push_back("postgresql");
    if (missing.empty()) return {};
    std::uint32_t lines = 0;
    return host::install_packages(
        missing,
        [&](std::string_view line) {
            work.info(line);
            work.progress(std::min(70U, ++lines), line);
        },
        work.stop()
    );
}

Result<> Deployment::start_postgresql(Work& work) {
    if (hands_.postgresql().version()) return {};
    work.info("Starting PostgreSQL.");
    FAIRLEAD_CHECK(hands_.systemd().start({"postgresql.service"}));
    for (int i = 0; i < 120; ++i) {
        if (hands_.postgresql().version()) return {};
        if (work.stopping()) break;
        std::this_thread::sleep_for(500ms);
    }
    FAIRLEAD_CHECK(hands_.postgresql().version());
    return {};
}

Result<> Deployment::make_account(Work& work) {
    FAIRLEAD_TRY(user, host::ensure_user(place_.account, place_.data().string()));
    FAIRLEAD_CHECK(hands_.postgresql().create_role(place_.account));
    const auto& layout = hands_.layout();
    FAIRLEAD_CHECK(host::make_folder(layout.environments(), 0755, 0, 0));
    FAIRLEAD_CHECK(host::make_folder(place_.root, 0750, 0, user.gid));
    FAIRLEAD_CHECK(host::make_folder(place_.releases(), 0750, 0, user.gid));
    FAIRLEAD_CHECK(host::make_folder(place_.filestore(), 0700, user.uid, user.gid));
    FAIRLEAD_CHECK(host::make_folder(place_.data(), 0700, user.uid, user.gid));
    std::error_code ignored;
    if (!fs::is_symlink(place_.data() / "filestore", ignored))
        FAIRLEAD_CHECK(host::replace_link(place_.data() / "filestore", "../filestore"));
    work.info(
        fmt::format("The environment runs as the Unix user and PostgreSQL role {}.", place_.account)
    );
    return {};
}

Result<> Deployment::prepare(Work& work) {
    FAIRLEAD_CHECK(hands_.note_before(work, e_.id));
    FAIRLEAD_CHECK(install_what_is_missing(work));
    work.progress(75, "PostgreSQL");
    FAIRLEAD_CHECK(start_postgresql(work));
    FAIRLEAD_TRY(database, hands_.postgresql().database_exists(place_.database()));
    if (database && work.recall_yes(fact::first))
        return fail(Error(
                        Errc::conflict, fmt::format(
                                            "A database named {} is there and belongs to no "
                                            "environment: rename or drop it.",
                                            place_.database()
                                        )
        )
                        .with_code("database_exists"));
    return make_account(work);
}

Result<> Deployment::undo_prepare(Work& work) {
    // Facts are written before anything is made: without the fact nothing was.
    if (!work.recall_yes(fact::first)) return {};
    if (host::Postgresql::installed()) {
        FAIRLEAD_TRY(database, hands_.postgresql().database_exists(place_.database()));
        if (!database) FAIRLEAD_CHECK(hands_.postgresql().drop_role(place_.account));
    }
    FAIRLEAD_CHECK(host::remove_user(place_.account));
    return host::remove_tree(place_.root);
}

Result<> Deployment::fetch_one(const proto::Source& source, Work& work) {
    auto& site = hands_.site();
    auto key = host::Git::key(source.url);
    auto lock = site.lock("git " + key);
    auto git = site.git();
    FAIRLEAD_TRY(credential, credential_of(source, work));
    work.info(fmt::format("Fetching {} from {}.", source.branch, source.url));
    FAIRLEAD_TRY(
        commit,
        git.fetch(
            source, credential,
            [&](std::string_view line) {
                // "Receiving objects:  45% (123/456), 1.20 MiB | 2.00 MiB/s"
                auto percent = line.find('%');
                if (!line.starts_with("Receiving objects") || percent == std::string_view::npos ||
                    percent < 3)
                    return;
                std::uint32_t done = 0;
                auto digits = line.substr(percent - 3, 3);
                digits.remove_prefix(std::min(digits.find_first_not_of(' '), digits.size()));
                std::from_chars(digits.data(), digits.data() + digits.size(), done);
                work.progress(
                    (static_cast<std::uint32_t>(commits_.size()) * 100 + done) /
                        static_cast<std::uint32_t>(e_.addons.size() + 1),
                    fmt::format("{}: {}", source.name, line)
                );
            },
            work.stop()
        )
    );
    auto tree = hands_.layout().tree(key, commit.commit);
    auto manifest_file = hands_.layout().tree_manifest(key, commit.commit);
    hands_.pins().add(tree);
    std::error_code ignored;
    if (!fs::exists(manifest_file, ignored)) {
        work.info(
            fmt::format("Writing the files of {} at {}.", source.name, commit.commit.substr(0, 10))
        );
        FAIRLEAD_CHECK(host::remove_tree(tree));
        FAIRLEAD_CHECK(git.export_tree(commit, tree, work.stop()));
        FAIRLEAD_TRY(manifest, host::manifest_of(tree));
        FAIRLEAD_CHECK(write_file(manifest_file, manifest, 0644));
    }
    work.info(
        fmt::format("{} is at {} \"{}\".", source.name, commit.commit.substr(0, 10), commit.subject)
    );
    commits_.push_back(std::move(commit));
    return {};
}

Result<> Deployment::fetch(Work& work) {
    std::vector<const proto::Source*> sources{&e_.odoo};
    for (const auto& source : e_.addons) sources.push_back(&source);
    std::uint32_t done = 0;
    for (const auto* source : sources) {
        FAIRLEAD_CHECK(fetch_one(*source, work));
        work.progress(++done * 100 / static_cast<std::uint32_t>(sources.size()));
        if (work.stopping())
            return fail(Error(Errc::conflict, "The operation was cancelled.").with_code("cancelled")
            );
    }
    auto binary =
        hands_.layout().tree(host::Git::key(e_.odoo.url), commits_.front().commit) / "odoo-bin";
    std::error_code ignored;
    if (!fs::exists(binary, ignored))
        return fail(Error(
                        Errc::invalid, fmt::format(
                                           "The branch {} of {} is no Odoo: it has no odoo-bin.",
                                           e_.odoo.branch, e_.odoo.url
                                       )
        )
                        .with_code("not_odoo"));
    return {};
}

Result<> Deployment::build(Work& work) {
    std::vector<std::pair<std::string, std::string>> files;
    auto git = hands_.site().git();
    for (const auto& commit : commits_) {
        FAIRLEAD_TRY(text, git.file(commit, "requirements.txt"));
        if (text) files.emplace_back(commit.repository, *text);
    }
    FAIRLEAD_TRY(python, python_version());
    auto requirements = gather(files, e_, python);
    venv_ = requirements.hash();
    hands_.pins().add(hands_.layout().venv(venv_));
    return ensure_venv(hands_.site(), requirements, work);
}

odoo::Installation Deployment::installation() const {
    const auto& layout = hands_.layout();
    odoo::Installation result;
    for (const auto& commit : commits_) {
        auto tree = layout.tree(host::Git::key(commit.url), commit.commit);
        if (result.source.empty())
            result.source = tree;
        else
            result.addons.push_back(tree);
    }
    result.python = layout.venv(venv_) / "bin/python";
    result.config = place_.release(number()) / "odoo.conf";
    result.data = place_.data();
    result.database = place_.database();
    return result;
}

Result<std::vector<std::pair<std::string, std::string>>> Deployment::variables(const Work& work
) const {
    std::vector<std::pair<std::string, std::string>> list;
    for (const auto& variable : e_.variables) {
        auto value = variable.secret ? work.secret("variable:" + variable.name)
                                     : std::optional(variable.value);
        if (!value)
            return fail(
                Errc::invalid,
                fmt::format(
                    "The value of the secret variable {} did not come with the operation.",
                    variable.name
                )
            );
        if (std::ranges::any_of(*value, [](char c) {
                return static_cast<unsigned char>(c) < ' ' || c == 127;
            }))
            return fail(
                Errc::invalid,
                fmt::format(
                    "The value of the secret variable {} has control characters or line feeds.",
                    variable.name
                )
            );
        list.emplace_back(variable.name, *value);
    }
    return list;
}

Result<> Deployment::configure(Work& work) {
    const auto& layout = hands_.layout();
    auto folder = place_.release(number());
    FAIRLEAD_TRY(environment, variables(work));
    auto user = host::find_user(place_.account);
    if (!user)
        return fail(Errc::internal, fmt::format("The Unix user {} is gone.", place_.account));
    work.remember(fact::made_release, true);
    FAIRLEAD_CHECK(host::remove_tree(folder));
    FAIRLEAD_CHECK(host::make_folder(folder, 0750, 0, user->gid));

    ReleaseRecord release;
    release.info.id = args_.release.id;
    release.info.number = number();
    release.info.operation = work.id();
    release.info.created_at_ms = to_ms(hands_.site().now());
    release.info.commits = commits_;
    release.environment = e_;
    for (auto& variable : release.environment.variables)
        if (variable.secret) variable.value.clear();
    for (const auto& commit : commits_) {
        auto key = host::Git::key(commit.url);
        FAIRLEAD_TRY(manifest, read_file(layout.tree_manifest(key, commit.commit), 256 << 20));
        release.trees.push_back(
            {commit.repository, key, commit.commit, crypto::sha256(manifest).hex()}
        );
        FAIRLEAD_TRY(
            hashes, odoo::module_hashes(
                        layout.tree(key, commit.commit), manifest, &commit == &commits_.front()
                    )
        );
        // Later repositories win, as in addons_path.
        for (auto& [module, hash] : hashes)
            release.modules.insert_or_assign(module, std::move(hash));
    }
    release.venv = venv_;
    FAIRLEAD_TRY(venv_manifest, read_file(layout.venv_manifest(venv_), 256 << 20));
    release.venv_manifest_sha256 = crypto::sha256(venv_manifest).hex();
    FAIRLEAD_TRY(packages, read_file(layout.venv_packages(venv_), 1 << 20));
    for (std::size_t start = 0; start < packages.size();) {
        auto end = std::min(packages.find('\n', start), packages.size());
        release.info.python_packages.push_back(packages.substr(start, end - start));
        start = end + 1;
    }

    auto place_of_code = installation();
    auto confined = sandbox(layout, place_, e_, place_of_code, layout.venv(venv_));
    const std::pair<const char*, std::string> files[] = {
        {"odoo.conf",
         odoo::configuration(e_, place_of_code, crypto::hex_encode(crypto::random_bytes(24)))},
        {"service.conf", service_conf(place_, e_, place_of_code, confined, number())},
        {"socket.conf", socket_conf(e_)},
    };
    for (const auto& [name, text] : files) {
        auto file = folder / name;
        bool secret = std::string_view(name) == "odoo.conf";
        FAIRLEAD_CHECK(write_file(file, text, secret ? 0640 : 0644));
        if (secret && ::chown(file.c_str(), 0, user->gid) != 0)
            return fail(
                Errc::internal,
                fmt::format("Cannot give {} to the environment's group.", file.string())
            );
        release.files[name] = crypto::sha256(text).hex();
    }
    FAIRLEAD_CHECK(write_file(folder / "variables.env", variables_file(environment), 0600));
    FAIRLEAD_CHECK(host::replace_link(folder / "odoo", place_of_code.source));
    FAIRLEAD_CHECK(host::replace_link(folder / "venv", layout.venv(venv_)));
    FAIRLEAD_CHECK(host::make_folder(folder / "addons", 0755, 0, 0));
    for (std::size_t i = 0; i < place_of_code.addons.size(); ++i)
        FAIRLEAD_CHECK(
            host::replace_link(folder / "addons" / e_.addons[i].name, place_of_code.addons[i])
        );

    auto proof = fmt::format("{}\n{}\n", release.venv, release.venv_manifest_sha256);
    for (const auto& tree : release.trees)
        proof += fmt::format("{} {} {}\n", tree.name, tree.commit, tree.manifest_sha256);
    for (const auto& [name, hash] : release.files) proof += fmt::format("{} {}\n", name, hash);
    release.info.manifest_sha256 = crypto::sha256(proof).hex();
    FAIRLEAD_CHECK(save_release(place_, release));
    return decide_migration(work, release);
}

Result<> Deployment::undo_configure(Work& work) {
    if (!work.recall_yes(fact::made_release)) return {};
    return host::remove_tree(place_.release(number()));
}

Result<std::vector<std::string>> Deployment::installed() {
    return hands_.postgresql().rows(place_.database(), odoo::installed_query());
}

Result<> Deployment::decide_migration(Work& work, const ReleaseRecord& release) {
    auto decide = [&](std::string_view what, std::string_view why) {
        work.info(why);
        work.remember(fact::migration, what);
    };
    if (work.recall_yes(fact::first)) {
        modules_ = e_.modules.empty() ? std::vector<std::string>{"base", "web"} : e_.modules;
        std::vector<std::string> unknown;
        for (const auto& module : modules_)
            if (!release.modules.contains(module)) unknown.push_back(module);
        // Odoo only warns about these and goes on without them.
        if (!unknown.empty())
            return fail(
                Error(
                    Errc::invalid,
                    fmt::format("No repository has these modules: {}.", fmt::join(unknown, ", "))
                )
                    .with_code("module_missing")
            );
        decide("install", fmt::format("A new database with {}.", fmt::join(modules_, ", ")));
        return {};
    }
    FAIRLEAD_TRY(present, installed());
    std::set<std::string> have(present.begin(), present.end());
    std::vector<std::string> gone;
    for (const auto& module : present)
        if (!release.modules.contains(module)) gone.push_back(module);
    if (!gone.empty())
        work.warn(
            fmt::format("Installed, but in no repository any more: {}.", fmt::join(gone, ", "))
        );
    switch (args_.update) {
    case proto::UpdateMode::none:
        modules_.clear();
        break;
    case proto::UpdateMode::all:
        modules_ = {"all"};
        break;
    case proto::UpdateMode::modules: {
        for (const auto& module : args_.modules)
            if (!have.contains(module))
                return fail(Error(
                                Errc::invalid,
                                fmt::format(
                                    "The module {} is not installed, so it cannot be updated.",
                                    module
                                )
                )
                                .with_code("module_missing"));
        modules_ = args_.modules;
        break;
    }
    case proto::UpdateMode::automatic: {
        FAIRLEAD_TRY(before, load_release(place_, hands_.previous(work)));
        for (auto& module : odoo::changed(before.modules, release.modules))
            if (have.contains(module)) modules_.push_back(std::move(module));
        break;
    }
    }
    if (modules_.empty())
        decide("none", "No installed module needs a migration; the database stays as it is.");
    else
        decide("update", fmt::format("To be updated: {}.", fmt::join(modules_, ", ")));
    return {};
}

Result<> Deployment::run_migration(
    Work& work, odoo::Migration migration, const std::vector<std::string>& modules
) {
    auto place_of_code = installation();
    host::Task task;
    task.unit = place_.task();
    task.properties =
        sandbox(hands_.layout(), place_, e_, place_of_code, hands_.layout().venv(venv_));
    task.properties.push_back(
        "EnvironmentFile=" + (place_.release(number()) / "variables.env").string()
    );
    task.argv = odoo::migrate_command(place_of_code, migration, modules);
    task.deadline = migration_limit;
    task.stop = work.stop();
    std::vector<std::string> tail;
    task.on_line = [&](std::string_view line) {
        work.log(odoo::level_of(line), line);
        if (auto percent = odoo::percent_of(line))
            work.progress(10 + *percent * 8 / 10, line.substr(line.rfind("oading") - 1));
        tail.emplace_back(line.substr(0, 1000));
        if (tail.size() > 200) tail.erase(tail.begin());
    };
    FAIRLEAD_TRY(ended, host::run_task(task));
    if (ended.stopped)
        return fail(Error(Errc::conflict, "The operation was cancelled.").with_code("cancelled"));
    if (ended.timed_out)
        return fail(
            Error(
                Errc::timeout,
                fmt::format("The migration did not end within {} hours.", migration_limit.count())
            )
                .with_code("migration_failed")
        );
    if (!ended.ok())
        return fail(Error(
                        Errc::conflict,
                        fmt::format(
                            "Odoo could not {} {}: {}",
                            migration == odoo::Migration::install ? "install" : "update",
                            fmt::join(modules, ", "), odoo::explain(tail)
                        )
        )
                        .with_code("migration_failed"));
    return {};
}

Result<> Deployment::check_modules(const std::vector<std::string>& named) {
    // Odoo's exit status is 0 also where it only logged that a module was not loaded.
    FAIRLEAD_TRY(unsettled, hands_.postgresql().rows(place_.database(), odoo::unsettled_query()));
    if (!unsettled.empty())
        return fail(Error(
                        Errc::conflict, fmt::format(
                                            "Odoo ended without finishing these modules: {}.",
                                            fmt::join(unsettled, ", ")
                                        )
        )
                        .with_code("migration_failed"));
    FAIRLEAD_TRY(present, installed());
    std::vector<std::string> missing;
    for (const auto& module : named)
        if (module != "all" && std::ranges::find(present, module) == present.end())
            missing.push_back(module);
    if (!missing.empty())
        return fail(Error(
                        Errc::conflict,
                        fmt::format("Odoo ended without installing: {}.", fmt::join(missing, ", "))
        )
                        .with_code("migration_failed"));
    return {};
}

Result<> Deployment::migrate(Work& work) {
    bool first = work.recall_yes(fact::first);
    if (first) {
        work.remember(fact::made_database, true);
        FAIRLEAD_CHECK(hands_.postgresql().create_database(place_.database(), place_.account));
    } else {
        work.remember(fact::replacing, true);
    }
    work.progress(5, "starting Odoo");
    FAIRLEAD_CHECK(
        run_migration(work, first ? odoo::Migration::install : odoo::Migration::update, modules_)
    );
    return check_modules(modules_);
}

Result<> Deployment::undo_migrate(Work& work) {
    // After a crash it may still be at it.
    FAIRLEAD_CHECK(hands_.systemd().stop({place_.task() + ".service"}, 30s));
    if (!work.recall_yes(fact::made_database)) return {};
    FAIRLEAD_CHECK(hands_.postgresql().end_strays());
    return hands_.postgresql().drop_database(place_.database());
}

Result<> Deployment::prune(Work& work, const EnvironmentRecord& record) {
    auto numbers = release_numbers(place_);
    auto surplus = numbers.size() > e_.keep_releases ? numbers.size() - e_.keep_releases : 0;
    for (auto number : numbers) {
        if (surplus == 0) break;
        // The one that was live until now is what a rollback most likely wants.
        if (number == record.live || number == hands_.previous(work)) continue;
        FAIRLEAD_CHECK(hands_.drop_snapshot(number));
        FAIRLEAD_CHECK(host::remove_tree(place_.release(number)));
        work.result.removed_releases.push_back(number);
        work.info(fmt::format("Release {} is not kept any longer.", number));
        --surplus;
    }
    return {};
}

Result<> Deployment::keep(Work& work) {
    EnvironmentRecord record{e_.id, e_.slug, e_.name, number(), e_.port};
    if (work.recall_yes(fact::snapshot))
        FAIRLEAD_CHECK(hands_.keep_snapshot(hands_.previous(work)));
    FAIRLEAD_CHECK(save_environment(place_, record));
    FAIRLEAD_CHECK(prune(work, record));
    hands_.pins().release();
    FAIRLEAD_CHECK(hands_.site().collect_garbage());
    FAIRLEAD_TRY(release, load_release(place_, number()));
    release.info.live = true;
    work.result.release = release.info;
    work.info(fmt::format("Release {} is live.", number()));
    return {};
}

} // namespace

journal::Plan deploy_plan(Site& site, proto::DeployArgs args) {
    auto d = std::make_shared<Deployment>(site, std::move(args));
    auto migrates = [](Work& work) {
        return work.recall(fact::migration).value_or("none") != "none";
    };
    journal::Plan plan;
    auto add = [&](std::string name, std::string title, std::function<Result<>(Work&)> act,
                   std::function<Result<>(Work&)> undo = {}) -> journal::Step& {
        journal::Step step;
        step.name = std::move(name);
        step.title = std::move(title);
        step.act = std::move(act);
        step.undo = std::move(undo);
        return plan.steps.emplace_back(std::move(step));
    };
    add("preflight", "Check the server", [d](Work& w) { return d->check(w); });
    add(
        "prepare", "Prepare the server", [d](Work& w) { return d->prepare(w); },
        [d](Work& w) { return d->undo_prepare(w); }
    );
    add("fetch", "Fetch the repositories", [d](Work& w) { return d->fetch(w); });
    add("build", "Install the Python packages", [d](Work& w) { return d->build(w); });
    add(
        "configure", "Write the configuration", [d](Work& w) { return d->configure(w); },
        [d](Work& w) { return d->undo_configure(w); }
    );
    add(
        "snapshot", "Stop Odoo and copy its data",
        [d](Work& w) { return d->hands().take_snapshot(w); },
        [d](Work& w) { return d->hands().undo_snapshot(w); }
    ).needed = [migrates](Work& w) { return migrates(w) && !w.recall_yes(fact::first); };
    add(
        "migrate", "Migrate the database", [d](Work& w) { return d->migrate(w); },
        [d](Work& w) { return d->undo_migrate(w); }
    ).needed = migrates;
    add(
        "switch", "Switch to the new release",
        [d](Work& w) { return d->hands().switch_to(w, d->number()); },
        [d](Work& w) { return d->hands().undo_switch(w); }
    );
    add("health", "Wait until Odoo is healthy",
        [d](Work& w) { return d->hands().wait_until_healthy(w); });
    add("keep", "Keep the new release", [d](Work& w) { return d->keep(w); }).last_call = true;
    plan.settle = [d](Work& w) { return d->hands().settle(w); };
    return plan;
}

} // namespace fairlead::deploy
