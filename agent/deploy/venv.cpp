#include "agent/deploy/venv.hpp"

#include "agent/host/files.hpp"
#include "agent/host/systemd.hpp"
#include "agent/host/users.hpp"
#include "common/crypto/hash.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/utf8.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace fairlead::deploy {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

/// Runs a program of the build user, which can write `folder` and nothing else of this server.
Result<Exit> build_task(
    const Layout& layout, const std::string& name, const fs::path& folder,
    std::vector<std::string> argv, journal::Work& work,
    const std::function<void(std::string_view)>& on_line
) {
    host::Task task;
    task.unit = "fairlead-build-" + name;
    task.properties = {
        "User=" + std::string(build_user),
        "Group=" + std::string(build_user),
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateTmp=yes",
        "PrivateDevices=yes",
        "CapabilityBoundingSet=",
        "RestrictSUIDSGID=yes",
        "ProtectKernelTunables=yes",
        "ProtectControlGroups=yes",
        "ProtectProc=invisible",
        "InaccessiblePaths=-" + layout.runtime.string(),
        "TemporaryFileSystem=" + layout.base.string() + ":ro",
        "BindPaths=" + folder.string(),
        "WorkingDirectory=" + folder.string(),
        "Environment=HOME=/tmp",
        "Environment=PIP_DISABLE_PIP_VERSION_CHECK=1",
        "Environment=PIP_NO_INPUT=1",
        "Environment=PYTHONUNBUFFERED=1",
        "Environment=PYTHONUTF8=1", // pip reads requirements as the locale says, else
        "UMask=0022"};
    task.argv = std::move(argv);
    task.deadline = 3600s;
    task.on_line = on_line;
    task.stop = work.stop();
    return host::run_task(task);
}

Error cancelled() {
    return Error(Errc::conflict, "The operation was cancelled.").with_code("cancelled");
}

/// A venv of the build user in `folder`, with the requirements file in it.
Result<> make_bare(
    Site& site, const std::string& name, const fs::path& folder, const Requirements& requirements,
    journal::Work& work
) {
    FAIRLEAD_TRY(user, host::ensure_user(std::string(build_user), "/nonexistent"));
    FAIRLEAD_CHECK(host::remove_tree(folder));
    FAIRLEAD_CHECK(host::make_folder(folder, 0755, user.uid, user.gid));
    std::vector<std::string> argv{"/usr/bin/python3", "-m", "venv"};
    if (requirements.system_site_packages) argv.push_back("--system-site-packages");
    argv.push_back(folder.string());
    std::vector<std::string> tail;
    FAIRLEAD_TRY(
        ended, build_task(
                   site.layout(), name, folder, std::move(argv), work,
                   [&](std::string_view line) { tail.emplace_back(line); }
               )
    );
    if (ended.stopped) return fail(cancelled());
    if (!ended.ok())
        return fail(
            Errc::internal,
            fmt::format("python3 -m venv failed: {}", tail.empty() ? "no output" : tail.back())
        );
    // Written last: the folder was the build user's, and a link of that name must not be followed.
    auto file = folder / "fairlead-requirements.txt";
    FAIRLEAD_CHECK(write_file(file, requirements.text, 0644));
    return {};
}

} // namespace

std::string Requirements::hash() const {
    return crypto::sha256(
               fmt::format("1\n{}\n{}\n{}", python, system_site_packages ? "system" : "alone", text)
    )
        .hex()
        .substr(0, 32);
}

Requirements gather(
    const std::vector<std::pair<std::string, std::string>>& files,
    const proto::EnvironmentSpec& environment, std::string python
) {
    Requirements result;
    for (const auto& [name, text] : files) result.text += fmt::format("# {}\n{}\n", name, text);
    if (!environment.requirements.empty()) result.text += "# the environment's own\n";
    for (const auto& line : environment.requirements) result.text += line + "\n";
    result.system_site_packages = environment.system_site_packages;
    result.python = std::move(python);
    return result;
}

Result<std::string> python_version() {
    Command command;
    command.argv = {"python3", "--version"};
    FAIRLEAD_TRY(text, run_ok(command));
    return text.substr(0, text.find('\n'));
}

bool venv_is_whole(const Layout& layout, const std::string& hash) {
    std::error_code ignored;
    return fs::exists(layout.venv_manifest(hash), ignored) &&
           fs::exists(layout.venv(hash) / "bin/python", ignored);
}

Result<> ensure_venv(Site& site, const Requirements& requirements, journal::Work& work) {
    const auto& layout = site.layout();
    auto hash = requirements.hash();
    auto lock = site.lock("venv " + hash);
    if (venv_is_whole(layout, hash)) {
        work.info(
            "The Python packages are there already, from a release with the same requirements."
        );
        return {};
    }
    auto folder = layout.venv(hash);
    work.info(fmt::format("Making a virtual environment with {}.", requirements.python));
    FAIRLEAD_CHECK(make_bare(site, hash.substr(0, 12), folder, requirements, work));
    work.progress(10, "installing packages");

    std::vector<std::string> tail;
    std::uint32_t collected = 0;
    auto on_line = [&](std::string_view line) {
        if (line.starts_with("Requirement already satisfied")) return;
        if (line.starts_with("Collecting ") || line.starts_with("Building wheel"))
            work.progress(std::min(90U, 10 + ++collected), line);
        work.info(line);
        tail.emplace_back(line);
        if (tail.size() > 60) tail.erase(tail.begin());
    };
    auto pip = (folder / "bin/pip").string();
    FAIRLEAD_TRY(
        ended, build_task(
                   layout, hash.substr(0, 12), folder,
                   {pip, "install", "--no-cache-dir", "--progress-bar=off", "-r",
                    (folder / "fairlead-requirements.txt").string()},
                   work, on_line
               )
    );
    if (ended.stopped) return fail(cancelled());
    if (!ended.ok())
        return fail(
            Error(
                Errc::conflict,
                fmt::format("pip could not install the Python packages: {}", explain_pip(tail))
            )
                .with_code("packages_failed")
        );

    work.progress(90, "checking packages");
    FAIRLEAD_CHECK(build_task(
        layout, hash.substr(0, 12), folder, {pip, "check"}, work,
        [&](std::string_view line) {
            // With the system's packages in view this also names what the distribution itself left
            // open.
            if (line.find("No broken requirements") == std::string_view::npos) work.warn(line);
        }
    ));
    std::string packages;
    FAIRLEAD_CHECK(build_task(
        layout, hash.substr(0, 12), folder, {pip, "list", "--format=freeze"}, work,
        [&](std::string_view line) {
            if (line.find("==") != std::string_view::npos) packages.append(line).append("\n");
        }
    ));
    if (work.stopping()) return fail(cancelled());
    FAIRLEAD_CHECK(host::give_to_root(folder));
    FAIRLEAD_CHECK(host::sync_tree(folder));
    FAIRLEAD_TRY(manifest, host::manifest_of(folder));
    FAIRLEAD_CHECK(write_file(layout.venv_packages(hash), packages, 0644));
    return write_file(layout.venv_manifest(hash), manifest, 0644);
}

Result<> try_requirements(Site& site, const Requirements& requirements, journal::Work& work) {
    const auto& layout = site.layout();
    auto name = "check-" + requirements.hash().substr(0, 12);
    auto lock = site.lock("venv " + name);
    auto folder = layout.venvs() / name;
    Pins pins(site);
    pins.add(folder);
    struct Remover {
        fs::path path;
        ~Remover() { (void)host::remove_tree(path); }
    } remover{folder};
    FAIRLEAD_CHECK(make_bare(site, name, folder, requirements, work));
    std::vector<std::string> lines;
    FAIRLEAD_TRY(
        ended, build_task(
                   layout, name, folder,
                   {(folder / "bin/pip").string(), "install", "--dry-run", "--no-cache-dir",
                    "--progress-bar=off", "-r", (folder / "fairlead-requirements.txt").string()},
                   work,
                   [&](std::string_view line) {
                       if (lines.size() < 2000) lines.emplace_back(line);
                   }
               )
    );
    if (ended.stopped) return fail(cancelled());
    if (ended.ok()) return {};
    bool old = std::ranges::any_of(lines, [](const auto& line) {
        return line.find("no such option: --dry-run") != std::string::npos;
    });
    if (old) return fail(Errc::unavailable, "this pip is too old to try without installing");
    return fail(Errc::conflict, explain_pip(lines));
}

std::string explain_pip(const std::vector<std::string>& lines) {
    std::string cause, conflict;
    bool inside = false;
    for (const auto& line : lines) {
        auto text = std::string_view(line);
        text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
        if (text.starts_with("ERROR: "))
            cause += (cause.empty() ? "" : " ") + std::string(utf8::cut(text.substr(7), 400));
        if (inside && text.empty()) inside = false;
        if (inside) conflict += (conflict.empty() ? "" : "; ") + std::string(utf8::cut(text, 200));
        if (text.starts_with("The conflict is caused by")) inside = true;
    }
    if (!conflict.empty())
        return "these contradict each other: " + std::string(utf8::cut(conflict, 1000));
    if (!cause.empty()) return std::string(utf8::cut(cause, 1000));
    return std::string(lines.empty() ? "it printed nothing" : utf8::cut(lines.back(), 500));
}

} // namespace fairlead::deploy
