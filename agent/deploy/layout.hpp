/// Where everything of an environment is on a server, and what it is called.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace fairlead::deploy {

/// Roots; only tests move them.
struct Layout {
    std::filesystem::path base = "/var/lib/fairlead";
    std::filesystem::path runtime = "/run/fairlead";
    std::filesystem::path units = "/etc/systemd/system";
    std::filesystem::path policy = "/etc/fairlead/policy.yaml";

    std::filesystem::path environments() const { return base / "environments"; }
    std::filesystem::path mirrors() const { return base / "git"; }
    std::filesystem::path trees() const { return base / "trees"; }
    std::filesystem::path venvs() const { return base / "venvs"; }
    std::filesystem::path mail() const { return base / "mail"; }

    /// Exported by commit; whole when its manifest is there.
    std::filesystem::path tree(const std::string& key, const std::string& commit) const {
        return trees() / key / commit;
    }
    std::filesystem::path tree_manifest(const std::string& key, const std::string& commit) const {
        return trees() / key / (commit + ".manifest");
    }
    std::filesystem::path venv(const std::string& hash) const { return venvs() / hash; }
    std::filesystem::path venv_manifest(const std::string& hash) const {
        return venvs() / (hash + ".manifest");
    }
    std::filesystem::path venv_packages(const std::string& hash) const {
        return venvs() / (hash + ".packages");
    }
};

/// The Unix user, PostgreSQL role and database of an environment: "fl-<slug>", shortened with a
/// hash where Linux allows no more than 31 characters.
std::string account_of(const std::string& slug);

/// One environment's places and names.
struct Place {
    Place(const Layout& layout, std::string name);

    std::string slug;
    std::string account;
    std::filesystem::path root;

    std::filesystem::path record() const { return root / "environment.json"; }
    std::filesystem::path releases() const { return root / "releases"; }
    std::filesystem::path release(std::uint32_t number) const {
        return releases() / std::to_string(number);
    }
    std::filesystem::path current() const { return root / "current"; }
    std::filesystem::path filestore() const { return root / "filestore"; }
    std::filesystem::path data() const { return root / "data"; }
    std::filesystem::path snapshots() const { return root / "snapshots"; }
    std::filesystem::path snapshot(std::uint32_t number) const {
        return snapshots() / std::to_string(number);
    }
    std::filesystem::path scratch_snapshot() const { return snapshots() / "scratch"; }
    /// Of the user that a new database has; root's alone.
    std::filesystem::path first_password() const { return root / "first-password"; }
    /// While it is there, systemd does not start the environment, also after a power cut.
    std::filesystem::path held() const { return root / "held"; }

    const std::string& database() const { return account; }
    /// The database as it was when a release was replaced.
    std::string snapshot_database(std::uint32_t number) const {
        return account + ".r" + std::to_string(number);
    }
    /// The snapshot of an operation that is not over.
    std::string scratch_database() const { return account + ".scratch"; }

    std::string service() const { return "fairlead-odoo@" + slug + ".service"; }
    std::string socket() const { return "fairlead-odoo@" + slug + ".socket"; }
    /// A second process of it, while its release changes.
    std::string beside() const { return "fairlead-odoo-beside@" + slug + ".service"; }
    /// Cloudflare's connector, and a second one while it tries another token; each reads its token
    /// by a link to that of a release.
    std::string connector() const { return "fairlead-cloudflared@" + slug + ".service"; }
    std::string trial() const { return "fairlead-cloudflared-trial@" + slug + ".service"; }
    std::filesystem::path connector_token() const { return root / "connector-token"; }
    std::filesystem::path trial_token() const { return root / "connector-trial"; }
    std::string task() const { return "fairlead-task-" + slug; }
    std::filesystem::path drop_in(const Layout& layout, const std::string& unit) const {
        return layout.units / (unit + ".d");
    }
};

} // namespace fairlead::deploy
