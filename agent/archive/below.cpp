#include "agent/archive/below.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace fairlead::archive {
namespace {

constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

tl::unexpected<Error> refused(std::string_view path, const std::string& why) {
    return fail(Error(Errc::invalid, std::string(path) + " is not read: " + why + ".")
                    .with_code("file_refused"));
}

tl::unexpected<Error> failed(std::string_view path, int error) {
    if (error == ENOENT)
        return fail(Error(Errc::not_found, std::string(path) + " is not there any more.")
                        .with_code("file_missing"));
    if (error == ELOOP || error == ENOTDIR || error == ENXIO)
        return refused(path, "a link or something else that is no folder is in the way");
    return fail(Errc::internal, std::string(path) + ": " + std::strerror(error) + ".");
}

} // namespace

/// The folder's descriptor, which stays the opener's.
Result<int> Opener::enter(std::string_view folder, std::string_view path) {
    if (folder.empty()) return root_;
    if (last_folder_ && folder == last_) return last_folder_.get();
    Descriptor inside;
    int at = root_;
    for (auto rest = folder; !rest.empty();) {
        std::string part(rest.substr(0, rest.find('/')));
        Descriptor next(::openat(at, part.c_str(), folder_flags));
        if (!next) return failed(path, errno);
        inside = std::move(next);
        at = inside.get();
        rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    }
    last_folder_ = std::move(inside);
    last_ = folder;
    return at;
}

Result<Descriptor> Opener::open(std::string_view path) {
    auto slash = path.rfind('/');
    auto folder = slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
    FAIRLEAD_TRY(at, enter(folder, path));
    std::string name(slash == std::string_view::npos ? path : path.substr(slash + 1));
    // O_NONBLOCK: a named pipe would wait for its other end.
    constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    // That a backup read it is nothing to write down; for the owner of a file alone.
    Descriptor file(::openat(at, name.c_str(), flags | O_NOATIME));
    if (!file && errno == EPERM) file = Descriptor(::openat(at, name.c_str(), flags));
    if (!file) return failed(path, errno);
    struct stat info {};
    if (::fstat(file.get(), &info) != 0) return failed(path, errno);
    if (!S_ISREG(info.st_mode)) return refused(path, "it is no plain file");
    return file;
}

Result<> Tree::own(int file, std::string_view path) const {
    if (!owner_ && !group_) return {};
    auto none = static_cast<uid_t>(-1);
    if (::fchown(file, owner_.value_or(none), group_.value_or(none)) == 0) return {};
    return failed(path, errno);
}

Result<> Tree::enter(std::string_view folder) {
    if (folder == last_ && last_folder_) return {};
    Descriptor inside(::fcntl(root_, F_DUPFD_CLOEXEC, 0));
    if (!inside) return failed(folder, errno);
    auto rest = folder;
    while (!rest.empty()) {
        auto end = rest.find('/');
        std::string part(rest.substr(0, end));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        bool made = ::mkdirat(inside.get(), part.c_str(), mode_) == 0;
        if (!made && errno != EEXIST) return failed(folder, errno);
        Descriptor next(::openat(inside.get(), part.c_str(), folder_flags));
        if (!next) return failed(folder, errno);
        if (made) {
            // The process's umask does not count here.
            if (::fchmod(next.get(), mode_) != 0) return failed(folder, errno);
            FAIRLEAD_CHECK(own(next.get(), folder));
        }
        inside = std::move(next);
    }
    last_ = folder;
    last_folder_ = std::move(inside);
    return {};
}

Result<Descriptor> Tree::create(std::string_view path, mode_t mode) {
    auto end = path.rfind('/');
    bool top = end == std::string_view::npos;
    FAIRLEAD_CHECK(enter(top ? std::string_view() : path.substr(0, end)));
    std::string name(top ? path : path.substr(end + 1));
    Descriptor file(::openat(
        last_folder_.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600
    ));
    if (!file && errno == EEXIST)
        return fail(Errc::conflict, std::string(path) + " is there already.");
    if (!file) return failed(path, errno);
    if (::fchmod(file.get(), mode) != 0) return failed(path, errno);
    FAIRLEAD_CHECK(own(file.get(), path));
    return file;
}

} // namespace fairlead::archive
