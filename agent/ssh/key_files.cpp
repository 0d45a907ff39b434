#include "agent/ssh/key_files.hpp"

#include "agent/host/files.hpp"
#include "proto/ssh_key.hpp"
#include "proto/unix_name.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <system_error>

namespace fairlead::ssh {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest_file = 256 << 10;
constexpr std::string_view heading =
    "# Kept by the Fairlead agent: what is changed here is lost. Other keys belong into "
    "~/.ssh/authorized_keys.\n";
constexpr std::string_view fence_mark = "# operation ";

Result<> check_name(const std::string& user) {
    if (proto::is_unix_name(user)) return {};
    return fail(Errc::invalid, "This is no name of a Unix user that keys are kept for.");
}

} // namespace

Result<Descriptor> KeyFiles::lock() const {
    // sshd reads them as the user who logs in.
    FAIRLEAD_CHECK(host::make_folder(folder_, 0755, ::geteuid(), ::getegid()));
    Descriptor file(::open((folder_ / ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file || ::flock(file.get(), LOCK_EX) != 0)
        return fail(
            Errc::internal,
            fmt::format("{} cannot be locked: {}.", folder_.string(), std::strerror(errno))
        );
    return file;
}

Result<KeyList> KeyFiles::read(const std::string& user) const {
    FAIRLEAD_CHECK(check_name(user));
    auto text = read_file(folder_ / user, largest_file);
    if (!text && text.error().kind() == Errc::not_found) return KeyList();
    if (!text) return fail(std::move(text).error());
    KeyList list;
    for (std::string_view rest = *text; !rest.empty();) {
        auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (line.starts_with(fence_mark)) {
            line.remove_prefix(fence_mark.size());
            std::from_chars(line.data(), line.data() + line.size(), list.fence);
            continue;
        }
        auto parsed = proto::parse_ssh_public_key(line);
        auto name = line.rfind(' ');
        if (!parsed || name == std::string_view::npos) continue;
        proto::SshKey key;
        key.id = line.substr(name + 1);
        key.public_key = parsed->line();
        if (key.id.starts_with("sshk_")) list.keys.push_back(std::move(key));
    }
    return list;
}

Result<> KeyFiles::write(const std::string& user, const KeyList& list) const {
    FAIRLEAD_CHECK(check_name(user));
    std::string text(heading);
    text += fmt::format("{}{}\n", fence_mark, list.fence);
    for (const auto& key : list.keys) text += key.public_key + " " + key.id + "\n";
    return write_file(folder_ / user, text, 0644);
}

Result<std::vector<std::string>> KeyFiles::users() const {
    std::vector<std::string> names;
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(folder_, failed)) {
        auto name = entry.path().filename().string();
        if (proto::is_unix_name(name)) names.push_back(std::move(name));
    }
    if (failed && failed != std::errc::no_such_file_or_directory)
        return fail(
            Errc::internal,
            fmt::format("{} cannot be listed: {}.", folder_.string(), failed.message())
        );
    std::ranges::sort(names);
    return names;
}

Result<> KeyFiles::remove_all() const {
    return host::remove_tree(folder_);
}

} // namespace fairlead::ssh
