#include "agent/host/copy.hpp"

#include "agent/host/walk.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

namespace fairlead::host {
namespace {

constexpr std::size_t at_once = 64; ///< files held open between two changes of rights
constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr std::size_t buffer_bytes = 64 * 1024;

constexpr auto look_every = std::chrono::milliseconds(500);
constexpr std::size_t piece_bytes = 16u << 20; ///< copied between two looks at whether to stop

/// This thread's rights over files, without those that root has beyond its own. False where they
/// are others afterwards: the call itself tells nothing.
bool takes_rights_of(const OwnedFolder& side) {
    ::setfsgid(side.gid);
    ::setfsuid(side.uid);
    return static_cast<gid_t>(::setfsgid(side.gid)) == side.gid &&
           static_cast<uid_t>(::setfsuid(side.uid)) == side.uid;
}

bool same_time(const timespec& a, const timespec& b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/// What the threads of one call share.
struct Shared {
    const OwnedFolder& from;
    const OwnedFolder& to;
    const CopyOptions& options;
    std::atomic<std::uint64_t> bytes = 0;
    std::atomic<bool> over = false; ///< one has failed, or all are asked to stop
};

/// One thread of a copy: it walks all of the tree, and copies the folders that fall to it.
class Copier {
public:
    Copier(Shared& shared, std::size_t number) : shared_(shared), number_(number) {}

    Result<> run() {
        // Groups that root was given say nothing about the users. Of this thread alone, unlike
        // setgroups(3).
        if (::geteuid() == 0 && ::syscall(SYS_setgroups, 0, nullptr) != 0)
            return failed("lay down the groups for", shared_.from, "");
        FAIRLEAD_CHECK(become(shared_.to));
        into_ = Descriptor(::open(shared_.to.folder.c_str(), folder_flags));
        if (!into_) return failed("open", shared_.to, "");
        FAIRLEAD_CHECK(become(shared_.from));
        Descriptor source(::open(shared_.from.folder.c_str(), folder_flags));
        if (!source) return failed("open", shared_.from, "");
        return each_folder(
            source.get(), shared_.from.folder.string(),
            [this](const WalkedFolder& folder) { return visit(folder); }
        );
    }

private:
    struct Opened {
        std::string_view name;
        Descriptor fd;
        struct stat info {};
    };

    static tl::unexpected<Error>
    failed(std::string_view what, const OwnedFolder& side, std::string_view path) {
        auto error = errno;
        return fail(
            Errc::internal, fmt::format(
                                "Cannot {} {}: {}.", what,
                                path.empty() ? side.folder.string() : (side.folder / path).string(),
                                std::strerror(error)
                            )
        );
    }

    static Result<> become(const OwnedFolder& side) {
        if (!takes_rights_of(side)) return failed("take the rights over", side, "");
        return {};
    }

    Result<> visit(const WalkedFolder& folder) {
        const auto& skip = shared_.options.skip;
        if (!skip.empty() && folder.path.starts_with(skip) &&
            (folder.path.size() == skip.size() || folder.path[skip.size()] == '/'))
            return {};
        if (std::hash<std::string_view>{}(folder.path) % shared_.options.threads != number_ ||
            folder.files.empty())
            return {};
        FAIRLEAD_CHECK(become(shared_.to));
        auto made = folder_below(folder.path);
        FAIRLEAD_CHECK(become(shared_.from));
        if (!made) return tl::unexpected(std::move(made.error()));
        for (std::size_t at = 0; at < folder.files.size(); at += at_once) {
            if (shared_.over) return {};
            auto some =
                std::span(folder.files).subspan(at, std::min(at_once, folder.files.size() - at));
            FAIRLEAD_TRY(opened, open(folder, some));
            FAIRLEAD_CHECK(become(shared_.to));
            auto copied = write(folder, made->get(), opened);
            FAIRLEAD_CHECK(become(shared_.from));
            FAIRLEAD_CHECK(std::move(copied));
        }
        return {};
    }

    /// Made where it is missing, each part in the one before: no link leads anywhere.
    Result<Descriptor> folder_below(std::string_view path) {
        Descriptor folder(::fcntl(into_.get(), F_DUPFD_CLOEXEC, 0));
        if (!folder) return failed("open", shared_.to, path);
        for (auto left = path; !left.empty();) {
            std::string part(left.substr(0, left.find('/')));
            left.remove_prefix(std::min(left.size(), part.size() + 1));
            if (::mkdirat(folder.get(), part.c_str(), 0750) != 0 && errno != EEXIST)
                return failed("make", shared_.to, path);
            Descriptor next(::openat(folder.get(), part.c_str(), folder_flags));
            if (!next) return failed("open", shared_.to, path);
            folder = std::move(next);
        }
        return Result<Descriptor>(std::move(folder));
    }

    Result<std::vector<Opened>>
    open(const WalkedFolder& folder, std::span<const std::string> names) {
        std::vector<Opened> opened;
        opened.reserve(names.size());
        for (const auto& name : names) {
            // Not waiting: something else may lie there by now, and nobody write into it.
            Opened one;
            one.name = name;
            one.fd = Descriptor(::openat(
                folder.fd, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
            ));
            if (!one.fd && (errno == ENOENT || errno == ELOOP)) continue;
            if (!one.fd || ::fstat(one.fd.get(), &one.info) != 0)
                return failed("read", shared_.from, folder.path_of(name));
            if (S_ISREG(one.info.st_mode)) opened.push_back(std::move(one));
        }
        return opened;
    }

    Result<> write(const WalkedFolder& folder, int into, const std::vector<Opened>& files) {
        for (const auto& file : files) {
            std::string name(file.name);
            mode_t mode = (file.info.st_mode & 0777) | 0600;
            constexpr int flags = O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
            Descriptor made(::openat(into, name.c_str(), flags | O_CREAT | O_EXCL, mode));
            if (!made && errno == EEXIST) {
                struct stat there {};
                if (::fstatat(into, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
                    S_ISREG(there.st_mode) && there.st_size == file.info.st_size &&
                    same_time(there.st_mtim, file.info.st_mtim))
                    continue;
                made = Descriptor(::openat(into, name.c_str(), flags | O_TRUNC));
            }
            if (!made || !content(file.fd.get(), made.get()))
                return failed("write", shared_.to, folder.path_of(name));
            const timespec times[2] = {file.info.st_atim, file.info.st_mtim};
            if (::fchmod(made.get(), mode) != 0 || ::futimens(made.get(), times) != 0)
                return failed("write", shared_.to, folder.path_of(name));
            shared_.bytes += static_cast<std::uint64_t>(file.info.st_size);
        }
        return {};
    }

    /// False, and errno.
    bool content(int from, int into) {
        // Where both are on one file system that can, the kernel lets them share the blocks.
        while (in_kernel_ && !shared_.over) {
            auto n = ::copy_file_range(from, nullptr, into, nullptr, piece_bytes, 0);
            if (n == 0) return true;
            if (n > 0 || errno == EINTR) continue;
            if (errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS)
                return false;
            in_kernel_ = false; // from where both files are now
        }
        buffer_.resize(buffer_bytes);
        while (!shared_.over) {
            auto n = ::read(from, buffer_.data(), buffer_.size());
            if (n == 0) return true;
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return false;
            for (auto left = std::string_view(buffer_).substr(0, std::size_t(n)); !left.empty();) {
                auto written = ::write(into, left.data(), left.size());
                if (written < 0 && errno != EINTR) return false;
                left.remove_prefix(std::size_t(std::max<ssize_t>(written, 0)));
            }
        }
        errno = ECANCELED;
        return false;
    }

    Shared& shared_;
    std::size_t number_;
    Descriptor into_;
    bool in_kernel_ = true;
    std::string buffer_; ///< empty until it is needed
};

} // namespace

Result<std::uint64_t>
copy_new(const OwnedFolder& from, const OwnedFolder& to, const CopyOptions& options) {
    Shared shared{from, to, options};
    std::mutex mutex;
    std::condition_variable ended;
    Result<> outcome;
    unsigned running = options.threads;
    {
        std::vector<std::jthread> threads;
        for (unsigned number = 0; number < options.threads; ++number)
            threads.emplace_back([&, number] {
                auto result = Copier(shared, number).run();
                std::lock_guard lock(mutex);
                if (!result && outcome) outcome = std::move(result);
                if (!outcome) shared.over = true;
                --running;
                ended.notify_one();
            });
        std::unique_lock lock(mutex);
        while (!ended.wait_for(lock, look_every, [&] { return running == 0; })) {
            if (options.stop.stop_requested()) shared.over = true;
            if (options.told) options.told(shared.bytes);
        }
    }
    if (options.stop.stop_requested())
        return fail(Error(Errc::conflict, "The operation was cancelled.").with_code("cancelled"));
    FAIRLEAD_CHECK(std::move(outcome));
    return shared.bytes.load();
}

} // namespace fairlead::host
