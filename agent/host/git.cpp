#include "agent/host/git.hpp"

#include "agent/host/files.hpp"
#include "agent/host/git_failure.hpp"
#include "agent/host/users.hpp"
#include "common/crypto/hash.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/utf8.hpp"

#include <fmt/core.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <vector>

namespace fairlead::host {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto fetch_deadline =
    3600s; // all of Odoo over a slow line; a stalled line ends after a minute
constexpr auto local_deadline = 600s;

// A fetch may not take the last of the disk: Odoo and PostgreSQL of this server live on it.
constexpr std::uint64_t stays_free = 128ULL << 20;

/// A folder in memory that only fairlead-git can read, removed with what is in it.
class Vault {
public:
    static Result<Vault> make(const fs::path& runtime, const UnixUser& owner) {
        auto name = (runtime / "git.XXXXXX").string();
        if (!::mkdtemp(name.data()))
            return fail(
                Errc::internal, fmt::format("Cannot make a folder in {}.", runtime.string())
            );
        Vault vault(name);
        if (::chown(name.c_str(), owner.uid, owner.gid) != 0)
            return fail(Errc::internal, fmt::format("Cannot give {} away.", name));
        vault.owner_ = owner;
        return vault;
    }
    Vault(Vault&& other) noexcept
        : folder_(std::exchange(other.folder_, {})), owner_(other.owner_) {}
    ~Vault() {
        std::error_code ignored;
        if (!folder_.empty()) fs::remove_all(folder_, ignored);
    }
    Result<fs::path> write(const std::string& name, std::string_view content, mode_t mode) {
        auto file = folder_ / name;
        FAIRLEAD_CHECK(write_file(file, content, mode));
        if (::chown(file.c_str(), owner_.uid, owner_.gid) != 0)
            return fail(Errc::internal, fmt::format("Cannot give {} away.", file.string()));
        return file;
    }

private:
    explicit Vault(fs::path folder) : folder_(std::move(folder)) {}
    fs::path folder_;
    UnixUser owner_{};
};

} // namespace

Git::Git(fs::path mirrors, fs::path runtime)
    : mirrors_(std::move(mirrors)), runtime_(std::move(runtime)) {}

std::string Git::key(const std::string& url) {
    std::string_view name = url;
    while (name.ends_with('/')) name.remove_suffix(1);
    name = name.substr(name.rfind('/') + 1);
    if (name.ends_with(".git")) name.remove_suffix(4);
    std::string safe;
    for (char c : name.substr(0, 40)) {
        bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                    c == '-' || c == '_';
        safe += good ? c : '_';
    }
    return fmt::format(
        "{}-{}", safe.empty() ? "repository" : safe, crypto::sha256(url).hex().substr(0, 12)
    );
}

bool Git::over_ssh(std::string_view url) {
    return url.find("://") == std::string_view::npos ||
           url.find("ssh://") != std::string_view::npos;
}

fs::path Git::mirror_of(const std::string& url) const {
    return mirrors_ / (key(url) + ".git");
}

Result<> Git::prepare() {
    FAIRLEAD_TRY(user, ensure_user(std::string(git_user), mirrors_.string()));
    FAIRLEAD_CHECK(make_folder(mirrors_, 0700, user.uid, user.gid));
    // Repositories on this server's own disk belong to others; the policy has said that they may be
    // read.
    auto config = mirrors_ / "gitconfig";
    std::error_code ignored;
    if (!fs::exists(config, ignored))
        FAIRLEAD_CHECK(write_file(config, "[safe]\n\tdirectory = *\n", 0644));
    return {};
}

Command Git::git(const fs::path& mirror, std::vector<std::string> words) {
    Command command;
    command.argv = {
        "git", "--git-dir=" + mirror.string(),
        // Nothing that a repository or a server says may start a program or reach another protocol.
        "-c", "core.hooksPath=/dev/null", "-c", "protocol.allow=never", "-c",
        "protocol.https.allow=always", "-c", "protocol.ssh.allow=always", "-c",
        "protocol.file.allow=always", "-c", "http.followRedirects=false", "-c",
        "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=60", "-c", "core.fsmonitor=false", "-c",
        "fetch.fsckObjects=false", "-c", "transfer.credentialsInUrl=die", "-c", "gc.auto=0"};
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    command.user = git_user;
    command.folder = mirrors_.string();
    command.environment = {
        {"HOME", mirrors_.string()},   {"LC_ALL", "C.UTF-8"},
        {"GIT_CONFIG_NOSYSTEM", "1"},  {"GIT_CONFIG_GLOBAL", (mirrors_ / "gitconfig").string()},
        {"GIT_TERMINAL_PROMPT", "0"},  {"GIT_ASKPASS", "/bin/false"},
        {"SSH_ASKPASS", "/bin/false"}, {"GIT_LFS_SKIP_SMUDGE", "1"}};
    command.deadline = local_deadline;
    return command;
}

Result<proto::Commit> Git::fetch(
    const proto::Source& source, const std::optional<GitCredential>& credential,
    const std::function<void(std::string_view)>& on_line, std::stop_token stop
) {
    FAIRLEAD_CHECK(prepare());
    auto url = source.url.starts_with("git+") ? source.url.substr(4) : source.url;
    auto mirror = mirror_of(source.url);
    std::error_code ignored;
    // A git that was killed leaves locks, which stop every later one, and unfinished packs.
    auto sweep = [&] {
        Command find = git(mirror, {});
        find.argv = {"find",   mirror.string(),
                     "(",      "-name",
                     "*.lock", "-o",
                     "-path",  mirror.string() + "/objects/*tmp_*",
                     ")",      "-prune",
                     "-exec",  "rm",
                     "-rf",    "--",
                     "{}",     "+"};
        return run_ok(find);
    };
    bool fresh = !fs::exists(mirror / "HEAD", ignored);
    if (!fresh) {
        FAIRLEAD_CHECK(sweep());
    } else {
        // Under its name only when it is whole.
        auto partial = mirrors_ / (".partial-" + mirror.filename().string());
        FAIRLEAD_CHECK(remove_tree(partial));
        FAIRLEAD_CHECK(remove_tree(mirror));
        Command init = git(partial, {"init", "--quiet", "--bare"});
        FAIRLEAD_CHECK(run_ok(init));
        fs::rename(partial, mirror, ignored);
        if (ignored)
            return fail(
                Errc::internal,
                fmt::format("Cannot name {}: {}.", mirror.string(), ignored.message())
            );
    }
    auto ref = "refs/heads/" + source.branch;
    auto command =
        git(mirror, {"fetch", "--no-tags", "--no-recurse-submodules", "--depth=1", "--force",
                     "--no-write-fetch-head", "--no-auto-maintenance", "--progress", "--", url,
                     fmt::format("+{0}:{0}", ref)});
    command.deadline = fetch_deadline;
    std::stop_source ending;
    std::stop_callback cancelled(stop, [&] { ending.request_stop(); });
    command.stop = ending.get_token();

    auto user = find_user(std::string(git_user));
    FAIRLEAD_TRY(vault, Vault::make(runtime_, *user));
    std::string ssh = "ssh -F /dev/null -o BatchMode=yes -o ConnectTimeout=20 -o "
                      "ServerAliveInterval=15 -o ServerAliveCountMax=4"
                      " -o ForwardAgent=no -o PermitLocalCommand=no -o IdentitiesOnly=yes -o "
                      "StrictHostKeyChecking=accept-new"
                      " -o UserKnownHostsFile=" +
                      (mirrors_ / "known_hosts").string();
    auto set = [&](const std::string& name, std::string value) {
        std::erase_if(command.environment, [&](const auto& pair) { return pair.first == name; });
        command.environment.emplace_back(name, std::move(value));
    };
    if (credential && credential->kind == GitCredential::Kind::ssh_key) {
        auto key_text =
            credential->secret.ends_with('\n') ? credential->secret : credential->secret + "\n";
        FAIRLEAD_TRY(file, vault.write("key", key_text, 0600));
        ssh += " -i " + file.string();
    } else if (credential) {
        FAIRLEAD_CHECK(vault.write(
            "username", credential->username.empty() ? "git" : credential->username, 0600
        ));
        FAIRLEAD_CHECK(vault.write("password", credential->secret, 0600));
        FAIRLEAD_TRY(
            ask, vault.write(
                     "ask",
                     "#!/bin/sh\nfolder=${0%/*}\ncase $1 in\nUsername*) exec cat "
                     "\"$folder/username\" ;;\n"
                     "*) exec cat \"$folder/password\" ;;\nesac\n",
                     0700
                 )
        );
        set("GIT_ASKPASS", ask.string());
    }
    set("GIT_SSH_COMMAND", ssh);

    std::string tail;
    bool disk_full = false;
    command.on_line = [&](std::string_view line) {
        if (auto space = disk_space(mirrors_); space && space->free_bytes < stays_free) {
            disk_full = true;
            ending.request_stop();
        }
        tail.append(utf8::cut(line, 500)).append("\n");
        if (tail.size() > 4000) tail.erase(0, tail.size() - 2000);
        on_line(line);
    };
    FAIRLEAD_TRY(ended, run(command));
    // What came of it is of no use; a mirror that never held anything is not kept either. On a full
    // disk all of it goes: it is a cache, and a pack that came whole would stay.
    if (!ended.ok() && (fresh || disk_full))
        FAIRLEAD_CHECK(remove_tree(mirror));
    else if (!ended.ok())
        FAIRLEAD_CHECK(sweep());
    if (stop.stop_requested())
        return fail(Error(Errc::conflict, "The operation was cancelled.").with_code("cancelled"));
    if (disk_full) tail = "No space left on device";
    if (ended.timed_out)
        tail = fmt::format("fatal: it took longer than {} s\n", fetch_deadline.count());
    if (!ended.ok())
        return fail(explain_fetch(source.url, source.branch, credential.has_value(), tail));
    Command show = git(mirror, {"log", "-1", "--format=%H%n%s", ref, "--"});
    FAIRLEAD_TRY(text, run_ok(show));
    proto::Commit commit{
        source.name, source.url, source.branch, text.substr(0, text.find('\n')), {}};
    if (commit.commit.size() != 40 && commit.commit.size() != 64)
        return fail(
            Errc::internal, fmt::format("git named no commit of {} but: {}", source.url, text)
        );
    auto subject = text.substr(std::min(text.size(), commit.commit.size() + 1));
    commit.subject = utf8::cut(subject.substr(0, subject.find('\n')), 200);
    return commit;
}

Result<std::uint64_t> Git::tree_bytes(const proto::Commit& commit) {
    std::uint64_t sum = 0;
    auto command =
        git(mirror_of(commit.url), {"ls-tree", "-r", "-l", "--full-tree", commit.commit});
    command.on_line = [&](std::string_view line) {
        // "100644 blob <id>    1234\tpath"
        auto tab = line.find('\t');
        auto head = line.substr(0, tab);
        auto space = head.rfind(' ');
        if (tab == std::string_view::npos || space == std::string_view::npos) return;
        std::uint64_t bytes = 0;
        std::from_chars(head.data() + space + 1, head.data() + head.size(), bytes);
        sum += (bytes + 4095) / 4096 * 4096;
    };
    FAIRLEAD_TRY(ended, run(command));
    if (!ended.ok())
        return fail(Errc::internal, fmt::format("git cannot list the commit {}.", commit.commit));
    return sum;
}

Result<std::optional<std::string>> Git::file(const proto::Commit& commit, const std::string& path) {
    Command look =
        git(mirror_of(commit.url), {"ls-tree", "--full-tree", commit.commit, "--", path});
    FAIRLEAD_TRY(listed, run_ok(look));
    // Only a plain file: a link could lead anywhere.
    if (!listed.starts_with("100")) return std::optional<std::string>();
    Command show = git(mirror_of(commit.url), {"cat-file", "blob", commit.commit + ":" + path});
    FAIRLEAD_TRY(text, run_ok(show));
    return std::optional(text);
}

Result<>
Git::export_tree(const proto::Commit& commit, const fs::path& folder, std::stop_token stop) {
    auto user = find_user(std::string(git_user));
    if (!user) return fail(Errc::internal, fmt::format("The Unix user {} is gone.", git_user));
    auto partial = folder.parent_path() / (".partial-" + folder.filename().string());
    FAIRLEAD_CHECK(remove_tree(partial));
    FAIRLEAD_CHECK(make_folder(folder.parent_path(), 0755, 0, 0));
    FAIRLEAD_CHECK(make_folder(partial, 0700, user->uid, user->gid));
    FAIRLEAD_TRY(vault, Vault::make(runtime_, *user));
    FAIRLEAD_TRY(marker, vault.write("index", "", 0600));
    ::unlink(marker.c_str());
    auto local = [&](std::vector<std::string> words) {
        auto command = git(mirror_of(commit.url), std::move(words));
        command.environment.emplace_back("GIT_INDEX_FILE", marker.string());
        command.environment.emplace_back("GIT_WORK_TREE", partial.string());
        command.stop = stop;
        command.deadline = 1800s;
        return command;
    };
    Command read = local({"read-tree", commit.commit});
    FAIRLEAD_CHECK(run_ok(read));
    Command check_out =
        local({"checkout-index", "--all", "--force", "--prefix=" + partial.string() + "/"});
    FAIRLEAD_CHECK(run_ok(check_out));
    FAIRLEAD_CHECK(give_to_root(partial));
    FAIRLEAD_CHECK(sync_tree(partial));
    std::error_code failed;
    fs::rename(partial, folder, failed);
    if (failed)
        return fail(
            Errc::internal, fmt::format("Cannot name {}: {}.", folder.string(), failed.message())
        );
    return sync_folder(folder.parent_path());
}

} // namespace fairlead::host
