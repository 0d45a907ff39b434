#include "agent/deploy/credential.hpp"
#include "agent/deploy/integrity.hpp"
#include "agent/deploy/preflight_checks.hpp"
#include "agent/deploy/requirement_lines.hpp"
#include "agent/host/files.hpp"
#include "agent/host/git_failure.hpp"
#include "agent/host/packages.hpp"

#include <fmt/core.h>

namespace fairlead::deploy {

using proto::CheckResult;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t first_database = 150 * mib; // of Odoo with few modules
constexpr std::uint64_t venv_alone = 700 * mib, venv_beside = 100 * mib;

} // namespace

void Preflight::repositories() {
    if (!host::has_program("git")) {
        if (host::has_program("apt-get"))
            return add(
                "git", "Repositories", CheckResult::warning,
                "git is not installed; the deployment installs it, and only then sees the "
                "repositories"
            );
        return add(
            "git", "Repositories", CheckResult::failed, "git is not installed", "git",
            "Install git with the system's own tool."
        );
    }
    if (auto space = host::disk_space(site_.layout().base);
        space && space->free_bytes < disk_reserve)
        return add(
            "git", "Repositories", CheckResult::failed, "not fetched: the disk is full",
            human(disk_reserve), "Free some disk space first."
        );
    std::vector<const proto::Source*> sources{&e_.odoo};
    for (const auto& source : e_.addons) sources.push_back(&source);
    auto git = site_.git();
    for (const auto* source : sources) {
        auto title = "Repository " + source->name;
        auto credential = credential_of(*source, work_);
        if (!credential) {
            add("git", title, CheckResult::failed, credential.error().message(), {},
                "Give the environment's credential again.");
            continue;
        }
        auto lock = site_.lock("git " + host::Git::key(source->url));
        auto commit = git.fetch(
            *source, *credential, [](auto) {}, work_.stop()
        );
        if (!commit) {
            const auto& code = commit.error().code();
            if (code == "ssh_missing" && host::has_program("apt-get"))
                add("git", title, CheckResult::warning,
                    "openssh-client is not installed; the deployment installs it, and only then "
                    "sees this repository");
            else
                add("git", title, CheckResult::failed, commit.error().message(),
                    code == "branch_missing" ? "branch " + source->branch : "reachable",
                    host::cure_of(code, source->url, source->branch));
            continue;
        }
        add("git", title, CheckResult::passed,
            fmt::format("{} at {}", source->branch, commit->commit.substr(0, 10)));
        std::error_code ignored;
        auto key = host::Git::key(source->url);
        if (!fs::exists(site_.layout().tree_manifest(key, commit->commit), ignored))
            if (auto bytes = git.tree_bytes(*commit)) tree_bytes_ += *bytes;
        if (auto text = git.file(*commit, "requirements.txt"); text && *text)
            requirement_files_.emplace_back(source->name, **text);
        commits_.push_back(std::move(*commit));
    }
}

void Preflight::disk() {
    auto space = host::disk_space(site_.layout().base);
    if (!space) return add("disk", "Disk space", CheckResult::failed, space.error().message());
    std::uint64_t venv = 0;
    if (auto python = python_version()) {
        requirements_ = gather(requirement_files_, e_, *python);
        if (!venv_is_whole(site_.layout(), requirements_->hash()))
            venv = e_.system_site_packages ? venv_beside : venv_alone;
    }
    auto database = record_ ? database_bytes_ : first_database;
    std::uint64_t filestore = 0; // the snapshot's copy is made of hard links
    auto need = tree_bytes_ + venv + database + filestore + disk_reserve;
    auto parts = fmt::format(
        "{}: {} code, {} Python packages, {} database, {} reserve", human(need), human(tree_bytes_),
        human(venv), human(database), human(disk_reserve)
    );
    auto have = fmt::format("{} free of {}", human(space->free_bytes), human(space->total_bytes));
    if (space->free_bytes < need)
        return add(
            "disk", "Disk space", CheckResult::failed, have, parts,
            fmt::format(
                "Free at least {} on the disk of {}, or keep fewer releases.",
                human(need - space->free_bytes), site_.layout().base.string()
            )
        );
    // PostgreSQL may live on another disk.
    if (auto other = host::disk_space("/var/lib/postgresql");
        other && other->total_bytes != space->total_bytes &&
        other->free_bytes < database + disk_reserve)
        return add(
            "disk", "Disk space", CheckResult::failed,
            fmt::format("{} free for PostgreSQL", human(other->free_bytes)),
            human(database + disk_reserve), "Free some space on the disk of /var/lib/postgresql."
        );
    add("disk", "Disk space", CheckResult::passed, have, parts);
}

void Preflight::python() {
    if (!host::has_program("python3")) {
        if (host::has_program("apt-get"))
            return add(
                "python", "Python packages", CheckResult::warning,
                "Python is not installed; the deployment installs it"
            );
        return add(
            "python", "Python packages", CheckResult::failed, "Python is not installed",
            "python3 with venv", "Install python3 and its venv module."
        );
    }
    if (commits_.size() != e_.addons.size() + 1)
        return add(
            "python", "Python packages", CheckResult::warning,
            "not checked, because not every repository was fetched"
        );
    if (!requirements_)
        return add(
            "python", "Python packages", CheckResult::failed, "python3 does not run", "python3",
            "Repair the server's Python."
        );
    if (e_.listed_sources)
        if (auto named = check_named_packages(requirements_->text); !named)
            return add(
                "python", "Python packages", CheckResult::failed, named.error().message(),
                "packages by name", "Change the requirements of the repository, or the list."
            );
    if (venv_is_whole(site_.layout(), requirements_->hash()))
        return add(
            "python", "Python packages", CheckResult::passed,
            "installed already, from a release with the same requirements"
        );
    Command look;
    look.argv = {"python3", "-c", "import ensurepip, venv"};
    if (!run_ok(look)) {
        if (host::has_program("apt-get"))
            return add(
                "python", "Python packages", CheckResult::warning,
                "not checked: python3-venv is missing; the deployment installs it"
            );
        return add(
            "python", "Python packages", CheckResult::failed, "the venv module is missing",
            "python3-venv", "Install Python's venv module."
        );
    }
    auto tried = try_requirements(site_, *requirements_, work_);
    if (tried)
        return add(
            "python", "Python packages", CheckResult::passed,
            fmt::format("pip finds them all, for {}", requirements_->python)
        );
    if (tried.error().kind() == Errc::unavailable)
        return add("python", "Python packages", CheckResult::warning, tried.error().message());
    add("python", "Python packages", CheckResult::failed, tried.error().message(),
        "packages that fit together",
        "Change the requirements of the repository or of the environment; see pip's message.");
}

void Preflight::integrity() {
    if (!record_)
        return add("integrity", "Previous release", CheckResult::passed, "there is none yet");
    auto release = load_release(place_, record_->live);
    if (!release)
        return add(
            "integrity", "Previous release", CheckResult::failed, release.error().message(), {},
            "Roll back to another kept release, or delete the environment and deploy it anew."
        );
    auto found = altered(site_.layout(), place_, *release);
    if (!found)
        return add(
            "integrity", "Previous release", CheckResult::failed, found.error().message(), {},
            "Look at the server's disk."
        );
    auto name = fmt::format("release {}", record_->live);
    if (found->empty())
        return add(
            "integrity", "Previous release", CheckResult::passed, name + " is as it was deployed"
        );
    add("integrity", "Previous release", CheckResult::failed,
        fmt::format("{} was altered: {}", name, *found), "unchanged files",
        "Find out who changed it. Put the file back as it was, or remove the damaged tree and "
        "roll back to another release.");
}

} // namespace fairlead::deploy
