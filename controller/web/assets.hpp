/// The console's files, embedded in the binary, already compressed.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace fairlead::web {

/// One file as the build packed it. `gzip` is empty where compression gains nothing.
struct Asset {
    std::string_view path; ///< "/assets/index-3f2a.js"
    std::string_view content_type;
    std::string_view etag; ///< quoted
    std::string_view body;
    std::string_view gzip;
};

/// Sorted by path; empty in builds without the console. Defined by the generated table.
std::span<const Asset> assets();

/// The contract as it stands in proto/openapi.yaml.
std::string_view openapi_yaml();

const Asset* find_asset(std::string_view path);

} // namespace fairlead::web
