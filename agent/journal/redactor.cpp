#include "agent/journal/redactor.hpp"

#include <algorithm>

namespace fairlead::journal {
namespace {

constexpr std::size_t shortest = 4;
constexpr std::string_view stars = "***";

/// "https://user:token@host" → "https://***@host".
void clean_urls(std::string& text) {
    for (auto at = text.find("://"); at != std::string::npos; at = text.find("://", at)) {
        at += 3;
        auto end = text.find_first_of("/?# \t\"'<>", at);
        auto authority =
            std::string_view(text).substr(at, end == std::string::npos ? end : end - at);
        auto sign = authority.rfind('@');
        if (sign == std::string_view::npos || authority.substr(0, sign) == stars) continue;
        text.replace(at, sign, stars);
    }
}

} // namespace

Redactor::Redactor(const std::map<std::string, std::string>& secrets) {
    for (const auto& [name, value] : secrets) {
        if (value.size() >= shortest) values_.push_back(value);
        if (value.find('\n') == std::string::npos) continue;
        for (std::size_t start = 0; start < value.size();) {
            auto end = std::min(value.find('\n', start), value.size());
            // Lines such as "-----BEGIN …" are no secret, and shorter ones would eat ordinary
            // words.
            auto line = value.substr(start, end - start);
            if (line.size() >= 8 && !line.starts_with("-----")) values_.push_back(std::move(line));
            start = end + 1;
        }
    }
    std::ranges::sort(values_, [](const auto& a, const auto& b) { return a.size() > b.size(); });
}

std::string Redactor::clean(std::string_view text) const {
    std::string result(text);
    for (const auto& value : values_) {
        for (auto at = result.find(value); at != std::string::npos;
             at = result.find(value, at + stars.size()))
            result.replace(at, value.size(), stars);
    }
    clean_urls(result);
    return result;
}

} // namespace fairlead::journal
