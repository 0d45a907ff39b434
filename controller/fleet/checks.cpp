#include "controller/fleet/checks.hpp"

#include <algorithm>

namespace fairlead::fleet {
namespace {

bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_lower(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

} // namespace

void check_server_name(api::Checks& checks, std::string_view field, std::string_view name) {
    bool fine = !name.empty() && name.size() <= 64 && is_alnum(name.front()) &&
                is_alnum(name.back()) && std::all_of(name.begin(), name.end(), [](char c) {
                    return is_alnum(c) || c == '.' || c == '_' || c == '-';
                });
    checks.that(
        fine, field,
        "must be 1 to 64 letters, digits, dots, dashes and underscores, with a letter or digit at "
        "both ends"
    );
}

void check_short_name(api::Checks& checks, std::string_view field, std::string_view name) {
    bool plain = std::none_of(name.begin(), name.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
    if (!plain) return checks.wrong(field, "must not hold control characters");
    if (!name.empty() && (name.front() == ' ' || name.back() == ' '))
        return checks.wrong(field, "must not begin or end with a space");
    checks.length(field, name, 1, 80);
}

void check_labels(
    api::Checks& checks, std::string_view field, const std::map<std::string, std::string>& labels
) {
    checks.that(labels.size() <= 20, field, "must be at most 20 labels");
    for (const auto& [key, value] : labels) {
        bool fine = !key.empty() && key.size() <= 40 && is_lower(key.front()) &&
                    is_lower(key.back()) && std::all_of(key.begin(), key.end(), [](char c) {
                        return is_lower(c) || c == '.' || c == '_' || c == '/' || c == '-';
                    });
        auto name = std::string(field) + "." + key.substr(0, 40);
        checks.that(
            fine, name,
            "is no label's name: 1 to 40 of a-z, 0-9, . _ / -, with a letter or digit at both ends"
        );
        checks.length(name, value, 0, 80);
    }
}

} // namespace fairlead::fleet
