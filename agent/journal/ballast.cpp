#include "agent/journal/ballast.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace fairlead::journal {

namespace fs = std::filesystem;

Ballast::Ballast(fs::path file) : file_(std::move(file)) {
    hold();
}

void Ballast::hold() {
    std::error_code error;
    if (fs::file_size(file_, error) == bytes && !error) return;
    auto space = fs::space(file_.parent_path(), error);
    if (error || space.available < plenty) return;
    int fd = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return;
    bool whole = ::posix_fallocate(fd, 0, static_cast<off_t>(bytes)) == 0;
    ::close(fd);
    if (!whole) fs::remove(file_, error);
}

bool Ballast::drop_if_full() {
    std::error_code error;
    auto space = fs::space(file_.parent_path(), error);
    return !error && space.available < bytes && drop();
}

bool Ballast::drop() {
    std::error_code error;
    return fs::remove(file_, error) && !error;
}

} // namespace fairlead::journal
