#include "controller/certificates/workplace.hpp"

#include "common/crypto/hash.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace fairlead::certificates {

namespace fs = std::filesystem;

Result<fs::path> place_for_runs(const fs::path& data) {
    if (const char* given = std::getenv("RUNTIME_DIRECTORY"); given && *given)
        return fs::path(std::string_view(given).substr(0, std::string_view(given).find(':')));
    auto name = "fairlead-" + std::to_string(::geteuid()) + "-" +
                crypto::sha256(data.string()).hex().substr(0, 16);
    auto folder = fs::path("/dev/shm") / name;
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
        return fail(
            Errc::internal, "The folder " + folder.string() + " cannot be made.",
            std::strerror(errno)
        );
    struct stat facts {};
    bool ours = ::lstat(folder.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode) &&
                facts.st_uid == ::geteuid() && (facts.st_mode & 077) == 0;
    if (!ours)
        return fail(
            Errc::forbidden, folder.string() + " is not a folder of the controller's own user, "
                                               "with mode 0700. Remove it."
        );
    return folder;
}

Result<Workplace> Workplace::make(const fs::path& base) {
    auto path = base / "acme";
    std::error_code failed;
    fs::remove_all(path, failed);
    if (failed || ::mkdir(path.c_str(), 0700) != 0)
        return fail(
            Errc::internal, "The folder " + path.string() + " cannot be made anew.",
            failed ? failed.message() : std::strerror(errno)
        );
    return Workplace(std::move(path));
}

Workplace::~Workplace() {
    std::error_code ignored; // the next run tries again
    if (!path_.empty()) fs::remove_all(path_, ignored);
}

} // namespace fairlead::certificates
