/// Providers as a test wants them: answers by address, and what was asked.
#pragma once

#include "common/crypto/encoding.hpp"
#include "controller/sso/outside.hpp"
#include "controller/sso/provider.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace fairlead::test {

struct OutsideWorld {
    using Page = std::function<Result<sso::Answer>(const sso::Ask&)>;

    void says(const std::string& url, std::string body, int status = 200) {
        pages[url] = [body = std::move(body), status](const sso::Ask&) -> Result<sso::Answer> {
            return sso::Answer{status, body};
        };
    }
    void is_away(const std::string& url) {
        pages[url] = [](const sso::Ask&) -> Result<sso::Answer> {
            return fail(Errc::unavailable, "away");
        };
    }

    sso::Fetch fetch() {
        return [this](const sso::Ask& ask) -> Result<sso::Answer> {
            asked.push_back(ask);
            auto page = pages.find(ask.url);
            if (page == pages.end()) return sso::Answer{404, "{}"};
            return page->second(ask);
        };
    }

    int times(const std::string& url) const {
        int count = 0;
        for (const auto& ask : asked) count += ask.url == url;
        return count;
    }
    static std::string header(const sso::Ask& ask, std::string_view name) {
        for (const auto& [key, value] : ask.headers)
            if (key == name) return value;
        return "";
    }

    std::map<std::string, Page> pages;
    std::vector<sso::Ask> asked;
};

/// A member of a form or a query; "" where there is none. Escapes stay.
inline std::string form_value(std::string_view form, std::string_view name) {
    auto begin = form.find(std::string(name) + "=");
    while (begin != std::string_view::npos && begin > 0 && form[begin - 1] != '&' &&
           form[begin - 1] != '?')
        begin = form.find(std::string(name) + "=", begin + 1);
    if (begin == std::string_view::npos) return "";
    auto value = form.substr(begin + name.size() + 1);
    return std::string(value.substr(0, value.find('&')));
}

} // namespace fairlead::test
