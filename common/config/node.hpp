/// A YAML document as a plain tree that knows its lines.
#pragma once

#include "common/runtime/result.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::config {

struct Entry;

struct Node {
    enum class Kind { null, scalar, list, map };
    Kind kind = Kind::null;
    int line = 0;     ///< counted from 1
    std::string text; ///< of a scalar
    std::vector<Node> items;
    std::vector<Entry> entries;

    /// `, not "blue"` for the end of a finding.
    std::string shown() const;
};

struct Entry {
    std::string key;
    int line = 0;
    Node value;
};

/// One document of at most 32 levels and 20,000 values; a key that comes twice is refused.
/// Errc::invalid, with the line.
Result<Node> parse(std::string_view yaml, std::string_view where);

/// A file of at most 1 MiB.
Result<std::string> read_whole(const std::filesystem::path& file);

} // namespace fairlead::config
