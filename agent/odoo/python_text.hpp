/// Texts in programs of Python that are written here.
#pragma once

#include <string>
#include <string_view>

namespace fairlead::odoo {

/// As a literal of Python.
inline std::string python_text(std::string_view text) {
    std::string literal = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\') literal += '\\';
        literal += c;
    }
    return literal + '"';
}

} // namespace fairlead::odoo
