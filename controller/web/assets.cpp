#include "controller/web/assets.hpp"

#include <algorithm>

namespace fairlead::web {

const Asset* find_asset(std::string_view path) {
    auto all = assets();
    auto found = std::lower_bound(
        all.begin(), all.end(), path,
        [](const Asset& asset, std::string_view wanted) { return asset.path < wanted; }
    );
    return found != all.end() && found->path == path ? &*found : nullptr;
}

} // namespace fairlead::web
