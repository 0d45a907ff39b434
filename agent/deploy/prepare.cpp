#include "agent/deploy/deployment_steps.hpp"
#include "agent/host/files.hpp"
#include "agent/host/packages.hpp"
#include "agent/host/users.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <thread>

namespace fairlead::deploy {

using namespace std::chrono_literals;
using journal::Work;
namespace fs = std::filesystem;

namespace {

/// The server that Debian's package brings beside the program, and the fact that it is held.
constexpr const char* packaged_caddy = "caddy.service";
constexpr const char* holds_packaged_caddy = "holds_packaged_caddy";

Result<> let_go_of_packaged_caddy(host::Systemd& systemd) {
    FAIRLEAD_CHECK(systemd.unmask(packaged_caddy));
    return systemd.disable({packaged_caddy});
}

} // namespace

Result<> Deployment::install_what_is_missing(Work& work) {
    std::vector<std::string> missing;
    if (!host::has_program("git")) missing.push_back("git");
    auto over_ssh = [](const auto& source) { return host::Git::over_ssh(source.url); };
    if (!host::has_program("ssh") &&
        (over_ssh(e_.odoo) || std::ranges::any_of(e_.addons, over_ssh)))
        missing.push_back("openssh-client");
    Command look;
    look.argv = {"python3", "-c", "import ensurepip, venv"};
    if (!host::has_program("python3") || !run_ok(look)) missing.push_back("python3-venv");
    if (!host::Postgresql::installed()) missing.push_back("postgresql");
    bool caddy = e_.exposure == proto::Exposure::direct && !host::has_program("caddy");
    if (caddy) missing.push_back("caddy");
    if (missing.empty()) return {};
    std::uint32_t lines = 0;
    auto install = [&] {
        return host::install_packages(
            missing,
            [&](std::string_view line) {
                work.info(line);
                work.progress(std::min(70U, ++lines), line);
            },
            work.stop()
        );
    };
    if (!caddy) return install();
    // The package starts a server of its own, which would take port 80 from ours.
    work.remember(holds_packaged_caddy, true);
    FAIRLEAD_CHECK(hands_.systemd().mask_for_now(packaged_caddy));
    auto installed = install();
    FAIRLEAD_CHECK(let_go_of_packaged_caddy(hands_.systemd()));
    return installed;
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
    // Nothing of the environment depends on it.
    if (auto told = hands_.postgresql().log_to_journal(); !told)
        work.info("PostgreSQL's log cannot be read in the console. " + told.error().message());
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
    if (work.recall_yes(holds_packaged_caddy))
        FAIRLEAD_CHECK(let_go_of_packaged_caddy(hands_.systemd()));
    // Facts are written before anything is made: without the fact nothing was.
    if (!work.recall_yes(fact::first)) return {};
    if (host::Postgresql::installed()) {
        FAIRLEAD_TRY(database, hands_.postgresql().database_exists(place_.database()));
        if (!database) FAIRLEAD_CHECK(hands_.postgresql().drop_role(place_.account));
    }
    FAIRLEAD_CHECK(host::remove_user(place_.account));
    return host::remove_tree(place_.root);
}

} // namespace fairlead::deploy
