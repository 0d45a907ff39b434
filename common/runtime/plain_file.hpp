/// Reading a file in a folder of somebody who is not trusted.
#pragma once

#include "common/runtime/result.hpp"

#include <cstddef>
#include <filesystem>
#include <string>

namespace fairlead {

/// As read_file, of a regular file alone: a link at the end of the path is not followed, and
/// nothing is waited for. Errc::invalid also for what is no regular file.
Result<std::string> read_plain_file(const std::filesystem::path& path, std::size_t limit);

} // namespace fairlead
