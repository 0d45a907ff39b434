#include "agent/host/postgresql_words.hpp"

#include <algorithm>
#include <span>

namespace fairlead::host {
namespace {

/// What follows may hold values, over as many lines as a value has.
constexpr std::string_view telling[] = {
    "DETAIL:", "CONTEXT:", "STATEMENT:", "QUERY:", "LINE ", "Command was:", "WHERE:"};
/// And here that is over.
constexpr std::string_view speaking[] = {"pg_restore:", "pg_dump:", "psql:", "HINT:"};

bool begins(std::string_view line, std::span<const std::string_view> words) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    return std::ranges::any_of(words, [&](std::string_view word) {
        return line.starts_with(word);
    });
}

} // namespace

std::string without_values(std::string_view said) {
    std::string kept;
    bool values = false;
    while (!said.empty()) {
        auto end = std::min(said.find('\n'), said.size());
        auto line = said.substr(0, end);
        said.remove_prefix(std::min(end + 1, said.size()));
        if (begins(line, telling))
            values = true;
        else if (begins(line, speaking))
            values = false;
        if (values) continue;
        if (!kept.empty()) kept += '\n';
        auto value = line.find(": \"");
        kept += line.substr(0, value);
        if (value != std::string_view::npos) kept += ": …";
    }
    return kept;
}

} // namespace fairlead::host
