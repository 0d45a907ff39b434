#include "agent/backup/place.hpp"

namespace fairlead::backup {

void clear_strays(const std::filesystem::path& folder) {
    std::error_code error, ignored;
    std::filesystem::directory_iterator at(folder, error), end;
    for (; !error && at != end; at.increment(error)) {
        std::string name = at->path().filename().native();
        // Of write_file, and of Index::save.
        if (name.starts_with('.') || name.ends_with(".new"))
            std::filesystem::remove(at->path(), ignored);
    }
}

} // namespace fairlead::backup
