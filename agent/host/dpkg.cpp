#include "agent/host/dpkg.hpp"

#include "agent/host/files.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/lines.hpp"
#include "common/runtime/process.hpp"

#include <fmt/core.h>

#include <sys/stat.h>

#include <map>
#include <thread>
#include <vector>

namespace fairlead::host {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::size_t largest_setting = 1 << 20;

Result<std::string> say(std::vector<std::string> argv) {
    Command command;
    command.argv = std::move(argv);
    return run_ok(command);
}

/// Settings by path, with the MD5 sum of what came with the package.
Result<std::map<std::string, std::string>> settings_of(const std::string& package) {
    FAIRLEAD_TRY(text, say({"dpkg-query", "--show", "--showformat=${Conffiles}\\n", package}));
    std::map<std::string, std::string> found;
    each_line(text, [&](std::string_view line) {
        // " /etc/some/file 0123… [obsolete]"
        if (!line.starts_with(" /")) return;
        line.remove_prefix(1);
        auto space = line.find(' ');
        if (space != std::string_view::npos)
            found.emplace(line.substr(0, space), line.substr(space + 1, 32));
    });
    return found;
}

bool as_it_came(const fs::path& file, const std::string& sum) {
    auto content = read_file(file, largest_setting);
    return content && crypto::hex_encode(crypto::md5(*content)) == sum;
}

/// Without what dpkg keeps about the installation.
std::string control_of(std::string_view stanza) {
    std::string control;
    bool left_out = false;
    each_line(stanza, [&](std::string_view line) {
        if (!line.starts_with(' '))
            left_out = line.starts_with("Status:") || line.starts_with("Conffiles:") ||
                       line.starts_with("Config-Version:") || line.empty();
        if (!left_out) control += std::string(line) + "\n";
    });
    return control;
}

Result<> copy_in(const fs::path& from, const fs::path& tree) {
    auto to = tree / from.relative_path();
    struct stat info {};
    if (::lstat(from.c_str(), &info) != 0) return {}; // removed by hand: it is not missed now
    std::error_code error;
    if (S_ISDIR(info.st_mode)) {
        fs::create_directories(to, error);
    } else {
        fs::create_directories(to.parent_path(), error);
        if (!error) fs::copy(from, to, fs::copy_options::copy_symlinks, error);
    }
    if (!error) return {};
    return fail(Errc::internal, fmt::format("Cannot copy {}: {}.", from.string(), error.message()));
}

Result<> fill_tree(const std::string& package, const fs::path& tree) {
    FAIRLEAD_TRY(settings, settings_of(package));
    FAIRLEAD_TRY(listed, say({"dpkg-query", "--listfiles", package}));
    std::string kept_settings;
    Result<> done;
    each_line(listed, [&](std::string_view line) {
        if (!done || !line.starts_with('/') || line == "/.") return;
        std::string path(line);
        if (auto setting = settings.find(path); setting != settings.end()) {
            if (!as_it_came(path, setting->second)) return;
            kept_settings += path + "\n";
        }
        done = copy_in(path, tree);
    });
    FAIRLEAD_CHECK(std::move(done));
    auto control = tree / "DEBIAN";
    std::error_code error;
    fs::create_directories(control, error);
    if (error) return fail(Errc::internal, "Cannot make " + control.string() + ".");
    FAIRLEAD_TRY(stanza, say({"dpkg-query", "--status", package}));
    FAIRLEAD_CHECK(write_file(control / "control", control_of(stanza), 0644));
    if (!kept_settings.empty())
        FAIRLEAD_CHECK(write_file(control / "conffiles", kept_settings, 0644));
    FAIRLEAD_TRY(scripts, say({"dpkg-query", "--control-list", package}));
    each_line(scripts, [&](std::string_view name) {
        bool script =
            name == "preinst" || name == "postinst" || name == "prerm" || name == "postrm";
        if (!done || !script) return;
        auto text = say({"dpkg-query", "--control-show", package, std::string(name)});
        done = text ? write_file(control / name, *text, 0755) : Result<>(fail(text.error()));
    });
    return done;
}

} // namespace

Result<std::string> installed_version(const std::string& package) {
    auto text =
        say({"dpkg-query", "--show", "--showformat=${db:Status-Status} ${Version}", package});
    constexpr std::string_view whole = "installed ";
    if (text && text->starts_with(whole)) return text->substr(whole.size());
    return fail(
        Errc::not_found, fmt::format("dpkg does not know {} as wholly installed here.", package)
    );
}

Result<bool> version_below(const std::string& version, const std::string& other) {
    Command command;
    command.argv = {"dpkg", "--compare-versions", version, "lt", other};
    FAIRLEAD_TRY(ended, run(command));
    if (ended.status > 1) return fail(Errc::internal, "dpkg cannot compare versions.");
    return ended.ok();
}

Result<PackageFacts> package_facts(const fs::path& file) {
    PackageFacts facts;
    for (auto [field, into] :
         {std::pair{"Package", &facts.name}, std::pair{"Version", &facts.version},
          std::pair{"Architecture", &facts.architecture}}) {
        auto text = say({"dpkg-deb", "--field", file.string(), field});
        if (!text) return fail(Errc::invalid, file.string() + " is no package.");
        while (!text->empty() && text->back() == '\n') text->pop_back();
        *into = std::move(*text);
    }
    return facts;
}

Result<> pack_installed(const std::string& package, const fs::path& work, const fs::path& file) {
    FAIRLEAD_CHECK(remove_tree(work));
    FAIRLEAD_CHECK(make_folder(work, 0755, 0, 0));
    auto unfinished = file;
    unfinished += ".new";
    auto packed = [&]() -> Result<> {
        FAIRLEAD_CHECK(fill_tree(package, work));
        FAIRLEAD_CHECK(say(
            {"dpkg-deb", "--root-owner-group", "-Znone", "--build", work.string(),
             unfinished.string()}
        ));
        FAIRLEAD_TRY(facts, package_facts(unfinished));
        if (facts.name != package) return fail(Errc::internal, "dpkg-deb made another package.");
        FAIRLEAD_CHECK(sync_tree(file.parent_path()));
        std::error_code error;
        fs::rename(unfinished, file, error);
        if (error) return fail(Errc::internal, "Cannot rename " + unfinished.string() + ".");
        return sync_folder(file.parent_path());
    }();
    FAIRLEAD_CHECK(remove_tree(work));
    return packed;
}

Result<> install_package(const fs::path& file) {
    Command command;
    command.argv = {"dpkg", "--force-confdef", "--force-confold", "--install", file.string()};
    command.environment = {{"DEBIAN_FRONTEND", "noninteractive"}};
    command.deadline = 600s;
    for (int tries = 24;; --tries) {
        FAIRLEAD_TRY(ended, run(command));
        if (ended.ok()) return {};
        bool locked = ended.status == 2 && ended.output.find("lock") != std::string::npos;
        if (locked && tries > 0) {
            std::this_thread::sleep_for(5s);
            continue;
        }
        constexpr std::size_t longest = 1500;
        auto& words = ended.output;
        if (words.size() > longest) words.erase(0, words.size() - longest);
        return fail(
            Error(Errc::unavailable, fmt::format("dpkg did not install the package: {}", words))
                .with_code(locked ? "dpkg_locked" : "")
        );
    }
}

Result<> unpack_over(const fs::path& file, const fs::path& root) {
    FAIRLEAD_CHECK(say({"dpkg-deb", "--extract", file.string(), root.string()}));
    return sync_tree(root / "usr");
}

} // namespace fairlead::host
