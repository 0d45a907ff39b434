#include "agent/deploy/preflight.hpp"

#include "agent/deploy/venv.hpp"
#include "agent/host/files.hpp"
#include "agent/host/network.hpp"
#include "agent/host/packages.hpp"
#include "agent/host/postgresql.hpp"
#include "agent/host/systemd.hpp"
#include "agent/host/users.hpp"
#include "common/crypto/hash.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace fairlead::deploy {
namespace {

using namespace std::chrono_literals;
using proto::Check;
using proto::CheckResult;
namespace fs = std::filesystem;

constexpr std::uint64_t mib = 1ULL << 20;
constexpr std::uint64_t reserve = 256 * mib;        // stays free whatever happens
constexpr std::uint64_t first_database = 150 * mib; // of Odoo with few modules
constexpr std::uint64_t venv_alone = 700 * mib, venv_beside = 100 * mib;

std::uint64_t meminfo(std::string_view key) {
    auto text = read_file("/proc/meminfo", 65536);
    if (!text) return 0;
    auto at = text->find(std::string(key) + ":");
    if (at == std::string::npos) return 0;
    at = text->find_first_of("0123456789", at);
    std::uint64_t kib = 0;
    std::from_chars(text->data() + at, text->data() + text->size(), kib);
    return kib * 1024;
}

class Preflight {
public:
    Preflight(Site& site, const proto::EnvironmentSpec& environment, journal::Work& work)
        : site_(site), e_(environment), work_(work), place_(site.layout(), environment.slug) {}

    Result<proto::PreflightReport> run() {
        FAIRLEAD_TRY(record, load_environment(place_));
        record_ = record;
        struct Item {
            void (Preflight::*check)();
            const char* title;
        };
        const Item items[] = {
            {&Preflight::link, "Link and privileges"},
            {&Preflight::memory, "Memory"},
            {&Preflight::ports, "Ports"},
            {&Preflight::firewall, "Firewall"},
            {&Preflight::postgresql, "PostgreSQL"},
            {&Preflight::dns, "Domains"},
            {&Preflight::repositories, "Repositories"},
            {&Preflight::disk, "Disk space"},
            {&Preflight::python, "Python packages"},
            {&Preflight::integrity, "Previous release"}};
        std::uint32_t done = 0;
        for (const auto& item : items) {
            if (work_.stopping())
                return fail(
                    Error(Errc::conflict, "The operation was cancelled.").with_code("cancelled")
                );
            work_.progress(done++ * 100 / static_cast<std::uint32_t>(std::size(items)), item.title);
            (this->*item.check)();
        }
        return report_;
    }

private:
    void
    add(std::string id, std::string title, CheckResult result, std::string value,
        std::string need = {}, std::string remedy = {}) {
        auto word = result == CheckResult::passed    ? "passed"
                    : result == CheckResult::warning ? "warning"
                                                     : "failed";
        auto text =
            fmt::format("{}: {} – {}{}", title, word, value, remedy.empty() ? "" : ". " + remedy);
        work_.log(
            result == CheckResult::passed    ? proto::LogLevel::info
            : result == CheckResult::warning ? proto::LogLevel::warning
                                             : proto::LogLevel::error,
            text
        );
        report_.checks.push_back(
            {std::move(id), std::move(title), result, work_.redact(value), std::move(need),
             work_.redact(remedy)}
        );
    }

    void link() {
        std::vector<std::string> lacking;
        if (::geteuid() != 0) lacking.push_back("the executor does not run as root");
        for (const auto& folder : {site_.layout().base, site_.layout().units})
            if (::access(folder.c_str(), W_OK) != 0)
                lacking.push_back(folder.string() + " cannot be written");
        if (!host::has_program("systemctl") || !host::has_program("systemd-run"))
            lacking.push_back("systemd is not there");
        if (!host::has_program("useradd") || !host::has_program("userdel"))
            lacking.push_back("useradd is not there");
        if (lacking.empty()) {
            // Asking for something that only root gets shows what no file mode shows.
            if (auto state = host::Systemd().state("init.scope"); !state)
                lacking.push_back("systemd does not answer: " + state.error().message());
        }
        if (lacking.empty())
            return add(
                "link", "Link and privileges", CheckResult::passed,
                "the agent is linked and its executor is root"
            );
        add("link", "Link and privileges", CheckResult::failed,
            fmt::format("{}", fmt::join(lacking, "; ")), "root, systemd and useradd",
            "Run the agent's installer again on the server; it repairs units and rights.");
    }

    void memory() {
        auto total = meminfo("MemTotal"), available = meminfo("MemAvailable") + meminfo("SwapFree");
        std::uint64_t need = (e_.resources.workers + 1) * 200 * mib;
        auto value = fmt::format("{} of {} available", human(available), human(total));
        if (e_.resources.memory_max_bytes > total)
            return add(
                "memory", "Memory", CheckResult::failed, value,
                fmt::format("a limit of {}", human(e_.resources.memory_max_bytes)),
                fmt::format(
                    "Lower the environment's memory limit to less than {}, or give the server more "
                    "memory.",
                    human(total)
                )
            );
        // What runs now ends before the new release starts, so its memory counts as free.
        if (record_) return add("memory", "Memory", CheckResult::passed, value, human(need));
        if (available < need / 2)
            return add(
                "memory", "Memory", CheckResult::failed, value, human(need),
                "Stop other environments, use fewer workers, or give the server more memory."
            );
        if (available < need)
            return add(
                "memory", "Memory", CheckResult::warning, value, human(need),
                "Odoo may be slow or be ended by the kernel; use fewer workers or add memory."
            );
        add("memory", "Memory", CheckResult::passed, value, human(need));
    }

    void ports() {
        std::vector<std::uint16_t> wanted{e_.port};
        if (e_.gevent_port != 0 && e_.resources.workers > 0) wanted.push_back(e_.gevent_port);
        std::vector<std::string> taken;
        for (auto port : wanted) {
            auto found = host::listeners(port);
            if (!found) continue;
            for (const auto& listener : *found) {
                // systemd or Odoo of this very environment.
                if (record_ && (listener.unit == place_.service() ||
                                (listener.pid == 1 && record_->port == port)))
                    continue;
                auto who = listener.program.empty()
                               ? std::string("another program")
                               : fmt::format(
                                     "{} (process {}{})", listener.program, listener.pid,
                                     listener.unit.empty() ? "" : ", " + listener.unit
                                 );
                taken.push_back(fmt::format("port {} is used by {}", port, who));
                break;
            }
            for (const auto& other : all_places(site_.layout())) {
                if (other.slug == place_.slug) continue;
                auto record = load_environment(other);
                if (record && *record && (*record)->port == port)
                    taken.push_back(
                        fmt::format("port {} belongs to the environment {}", port, other.slug)
                    );
            }
        }
        auto need = fmt::format("{}", fmt::join(wanted, " and "));
        if (taken.empty()) return add("ports", "Ports", CheckResult::passed, need + " free", need);
        add("ports", "Ports", CheckResult::failed, fmt::format("{}", fmt::join(taken, "; ")), need,
            "Stop that program, or choose another port for the environment.");
    }

    void firewall() {
        auto trouble = host::loopback_trouble(e_.port);
        auto found = host::firewalls(e_.port);
        std::vector<std::string> names, blocks;
        for (const auto& one : found) {
            names.push_back(one.name);
            blocks.insert(blocks.end(), one.blocks.begin(), one.blocks.end());
        }
        auto which = names.empty() ? std::string("no firewall found")
                                   : fmt::format("{} active", fmt::join(names, ", "));
        // A rule that rejects answers as an empty port does; it shows only by being there.
        bool rejects = std::ranges::any_of(blocks, [](const auto& rule) {
            return rule.find("iif") == std::string::npos;
        });
        if (trouble.empty() && rejects) trouble = "a rule refuses it";
        if (!trouble.empty())
            return add(
                "firewall", "Firewall", CheckResult::failed,
                fmt::format(
                    "port {} on 127.0.0.1: {}{}", e_.port, trouble,
                    blocks.empty() ? "" : fmt::format("; {}", fmt::join(blocks, "; "))
                ),
                fmt::format("port {} reachable on the server itself", e_.port),
                blocks.empty()
                    ? fmt::format(
                          "Let the firewall ({}) accept connections on the loopback interface.",
                          which
                      )
                    : "Remove that rule, or let the loopback interface through before it."
            );
        add("firewall", "Firewall", CheckResult::passed,
            fmt::format("{}; port {} is reachable on the server itself", which, e_.port));
    }

    void postgresql() {
        if (!host::Postgresql::installed()) {
            if (host::has_program("apt-get"))
                return add(
                    "postgresql", "PostgreSQL", CheckResult::passed,
                    "not installed; the deployment installs the distribution's"
                );
            return add(
                "postgresql", "PostgreSQL", CheckResult::failed, "not installed",
                "version 12 or newer", "Install PostgreSQL with the system's own tool."
            );
        }
        host::Postgresql server;
        auto version = server.version();
        if (!version)
            return add(
                "postgresql", "PostgreSQL", CheckResult::failed,
                "does not answer: " + version.error().message().substr(0, 300),
                "running, version 12 or newer",
                "Start it: systemctl start postgresql; its log says why it stopped."
            );
        if (server.version_number() < 120000)
            return add(
                "postgresql", "PostgreSQL", CheckResult::failed, *version, "version 12 or newer",
                "Upgrade PostgreSQL; Odoo needs a newer one."
            );
        auto exists = server.database_exists(place_.database());
        if (exists && *exists && !record_)
            return add(
                "postgresql", "PostgreSQL", CheckResult::failed,
                fmt::format(
                    "{}; a database named {} is there and is no environment of ours", *version,
                    place_.database()
                ),
                "no such database",
                fmt::format(
                    "Rename or drop the database {}, or choose another name for the environment.",
                    place_.database()
                )
            );
        if (exists && !*exists && record_)
            return add(
                "postgresql", "PostgreSQL", CheckResult::failed,
                fmt::format(
                    "{}; the environment's database {} is gone", *version, place_.database()
                ),
                place_.database(), "Restore it, or delete the environment and deploy it anew."
            );
        if (record_)
            if (auto bytes = server.database_bytes(place_.database())) database_bytes_ = *bytes;
        add("postgresql", "PostgreSQL", CheckResult::passed, *version, "version 12 or newer");
    }

    void dns() {
        if (e_.domains.empty())
            return add("dns", "Domains", CheckResult::passed, "none to look up");
        std::vector<std::string> missing;
        for (const auto& domain : e_.domains)
            if (!host::resolve(domain)) missing.push_back(domain);
        if (missing.empty())
            return add(
                "dns", "Domains", CheckResult::passed,
                fmt::format("{} have an address", fmt::join(e_.domains, ", "))
            );
        add("dns", "Domains", CheckResult::warning,
            fmt::format("no address for {}", fmt::join(missing, ", ")), "an address record",
            "Make the record at the domain's name server; until then nobody reaches Odoo by that "
            "name.");
    }

    void repositories() {
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
            space && space->free_bytes < reserve)
            return add(
                "git", "Repositories", CheckResult::failed, "not fetched: the disk is full",
                human(reserve), "Free some disk space first."
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
                bool branch = commit.error().code() == "branch_missing";
                add("git", title, CheckResult::failed, commit.error().message(),
                    branch ? "branch " + source->branch : "reachable",
                    branch ? "Push the branch, or name another one in the environment."
                           : "Check the address, the credential, and that this server reaches it.");
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

    void disk() {
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
        auto need = tree_bytes_ + venv + database + filestore + reserve;
        auto parts = fmt::format(
            "{}: {} code, {} Python packages, {} database, {} reserve", human(need),
            human(tree_bytes_), human(venv), human(database), human(reserve)
        );
        auto have =
            fmt::format("{} free of {}", human(space->free_bytes), human(space->total_bytes));
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
            other->free_bytes < database + reserve)
            return add(
                "disk", "Disk space", CheckResult::failed,
                fmt::format("{} free for PostgreSQL", human(other->free_bytes)),
                human(database + reserve), "Free some space on the disk of /var/lib/postgresql."
            );
        add("disk", "Disk space", CheckResult::passed, have, parts);
    }

    void python() {
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

    void integrity() {
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
                "integrity", "Previous release", CheckResult::passed,
                name + " is as it was deployed"
            );
        add("integrity", "Previous release", CheckResult::failed,
            fmt::format("{} was altered: {}", name, *found), "unchanged files",
            "Find out who changed it. Put the file back as it was, or remove the damaged tree and "
            "roll back to another release.");
    }

    Site& site_;
    const proto::EnvironmentSpec& e_;
    journal::Work& work_;
    Place place_;
    std::optional<EnvironmentRecord> record_;
    std::uint64_t tree_bytes_ = 0, database_bytes_ = 0;
    std::vector<proto::Commit> commits_;
    std::vector<std::pair<std::string, std::string>> requirement_files_;
    std::optional<Requirements> requirements_;
    proto::PreflightReport report_;
};

} // namespace

std::string human(std::uint64_t bytes) {
    if (bytes < 10 * mib) return fmt::format("{} KiB", bytes / 1024);
    if (bytes < 10'240 * mib) return fmt::format("{} MiB", bytes / mib);
    return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / static_cast<double>(1024 * mib));
}

Result<std::optional<host::GitCredential>>
credential_of(const proto::Source& source, const journal::Work& work) {
    if (source.credential.empty()) return std::optional<host::GitCredential>();
    auto name = source.credential.starts_with("credential:") ? source.credential
                                                             : "credential:" + source.credential;
    auto secret = work.secret(name);
    if (!secret)
        return fail(
            Errc::invalid,
            fmt::format(
                "The credential of the repository {} did not come with the operation.", source.name
            )
        );
    host::GitCredential credential;
    credential.kind = source.credential_kind == "ssh_key" ? host::GitCredential::Kind::ssh_key
                                                          : host::GitCredential::Kind::token;
    credential.username = source.username;
    credential.secret = *secret;
    return std::optional(std::move(credential));
}

Result<proto::PreflightReport>
run_preflight(Site& site, const proto::EnvironmentSpec& environment, journal::Work& work) {
    return Preflight(site, environment, work).run();
}

Result<> verdict(const proto::PreflightReport& report) {
    std::string text;
    for (const auto& check : report.checks)
        if (check.result == CheckResult::failed)
            text += fmt::format(
                "{}{}: {}.{}", text.empty() ? "" : " ", check.title, check.value,
                check.remedy.empty() ? "" : " " + check.remedy
            );
    if (text.empty()) return {};
    return fail(Error(Errc::conflict, text.substr(0, 2000)).with_code("preflight_failed"));
}

Result<std::string>
altered(const Layout& layout, const Place& place, const ReleaseRecord& release) {
    auto compare = [](const fs::path& folder, const fs::path& file,
                      const std::string& sha256) -> Result<std::string> {
        auto manifest = read_file(file, 256 << 20);
        if (!manifest) return fmt::format("{} is missing", file.string());
        if (crypto::sha256(*manifest).hex() != sha256)
            return fmt::format("{} is not the one that was deployed", file.string());
        std::error_code ignored;
        if (!fs::exists(folder, ignored)) return fmt::format("{} is missing", folder.string());
        FAIRLEAD_TRY(now, host::manifest_of(folder));
        auto difference = host::first_difference(*manifest, now);
        return difference.empty() ? std::string() : (folder / difference).string();
    };
    for (const auto& tree : release.trees) {
        FAIRLEAD_TRY(
            difference, compare(
                            layout.tree(tree.key, tree.commit),
                            layout.tree_manifest(tree.key, tree.commit), tree.manifest_sha256
                        )
        );
        if (!difference.empty()) return difference;
    }
    FAIRLEAD_TRY(
        difference, compare(
                        layout.venv(release.venv), layout.venv_manifest(release.venv),
                        release.venv_manifest_sha256
                    )
    );
    if (!difference.empty()) return difference;
    for (const auto& [name, sha256] : release.files) {
        auto file = place.release(release.info.number) / name;
        auto digest = crypto::sha256_file(file);
        if (!digest) return file.string() + " (missing)";
        if (digest->hex() != sha256) return file.string() + " (changed)";
    }
    return std::string();
}

} // namespace fairlead::deploy
