#include "controller/sso/outside.hpp"

namespace fairlead::sso {
namespace {

std::string escaped(std::string_view text) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string result;
    for (unsigned char c : text) {
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '.' || c == '_' || c == '~';
        if (plain)
            result.push_back(static_cast<char>(c));
        else
            result += {'%', digits[c >> 4], digits[c & 15]};
    }
    return result;
}

} // namespace

std::string form_encode(const std::vector<std::pair<std::string, std::string>>& pairs) {
    std::string text;
    for (const auto& [name, value] : pairs)
        text += (text.empty() ? "" : "&") + escaped(name) + "=" + escaped(value);
    return text;
}

std::string
with_query(std::string_view url, const std::vector<std::pair<std::string, std::string>>& pairs) {
    return std::string(url) + (url.find('?') == std::string_view::npos ? "?" : "&") +
           form_encode(pairs);
}

} // namespace fairlead::sso
