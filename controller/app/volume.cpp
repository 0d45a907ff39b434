#include "controller/app/volume.hpp"

#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <sstream>
#include <string>

namespace fairlead::app {
namespace {

namespace fs = std::filesystem;

constexpr int deepest = 16; // layers of devices

std::string first_line(const fs::path& file) {
    auto text = read_file(file, 4096);
    return text ? text->substr(0, text->find('\n')) : std::string();
}

/// One block device, a folder of /sys/dev/block.
Volume look(const fs::path& device, int depth) {
    std::error_code failed;
    if (depth > deepest || !fs::exists(device, failed)) return Volume::unknown;
    if (first_line(device / "dm" / "uuid").starts_with("CRYPT-")) return Volume::encrypted;
    bool below = false;
    for (const auto& part : fs::directory_iterator(device / "slaves", failed)) {
        below = true;
        if (auto found = look(part.path(), depth + 1); found != Volume::encrypted) return found;
    }
    if (below) return Volume::encrypted;
    // A partition has none of its own below it: its disk has.
    if (fs::exists(device / "partition", failed)) return look(device / "..", depth + 1);
    return Volume::plain;
}

/// File systems without a device of their own number name it in the table of mounts.
Volume look_at_mount(const fs::path& system, unsigned major, unsigned minor) {
    auto table = read_file(system / "proc/self/mountinfo", 4 << 20);
    if (!table) return Volume::unknown;
    auto number = fmt::format("{}:{}", major, minor);
    std::istringstream lines(*table);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string id, parent, device, word, type, source;
        words >> id >> parent >> device;
        if (device != number) continue;
        while (words >> word && word != "-") {
        }
        words >> type >> source;
        if (type == "ecryptfs") return Volume::encrypted;
        struct stat facts {};
        if (!source.starts_with("/dev/") ||
            ::stat((system / source.substr(1)).c_str(), &facts) != 0 || !S_ISBLK(facts.st_mode))
            return Volume::unknown;
        auto block =
            fmt::format("{}:{}", gnu_dev_major(facts.st_rdev), gnu_dev_minor(facts.st_rdev));
        return look(system / "sys/dev/block" / block, 0);
    }
    return Volume::unknown;
}

} // namespace

Volume volume_of_device(const fs::path& system, unsigned major, unsigned minor) {
    if (major == 0) return look_at_mount(system, major, minor);
    return look(system / "sys/dev/block" / fmt::format("{}:{}", major, minor), 0);
}

Volume volume_of(const fs::path& folder) {
    struct stat facts {};
    if (::stat(folder.c_str(), &facts) != 0) return Volume::unknown;
    return volume_of_device("/", gnu_dev_major(facts.st_dev), gnu_dev_minor(facts.st_dev));
}

} // namespace fairlead::app
