/// Line by line through what a program or a file says.
#pragma once

#include <algorithm>
#include <string_view>

namespace fairlead {

/// Calls `visit` with each line of `text`, without its end; a last line needs none.
template <class Visit>
void each_line(std::string_view text, Visit visit) {
    while (!text.empty()) {
        auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        visit(line);
    }
}

} // namespace fairlead
