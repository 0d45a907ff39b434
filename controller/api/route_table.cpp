#include "controller/api/route_table.hpp"

#include <fmt/core.h>

#include <stdexcept>

namespace fairlead::api {
namespace {

std::vector<std::string_view> segments_of(std::string_view path) {
    std::vector<std::string_view> segments;
    segments.reserve(10);
    if (path.starts_with('/')) path.remove_prefix(1);
    for (;;) {
        auto end = path.find('/');
        segments.push_back(path.substr(0, end));
        if (end == std::string_view::npos) return segments;
        path.remove_prefix(end + 1);
    }
}

bool is_parameter(std::string_view segment) {
    return segment.starts_with('{') && segment.ends_with('}');
}

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string_view>& path) {
    for (std::size_t i = 0; i < pattern.size(); ++i)
        if (!is_parameter(pattern[i]) && pattern[i] != path[i]) return false;
    return true;
}

int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

} // namespace

void RouteTable::add(
    Method method, std::string path, std::string permission, Handler handler, Marks marks
) {
    auto refuse = [&](std::string_view why) {
        throw std::logic_error(fmt::format("route {} {}: {}", name_of(method), path, why));
    };
    bool is_code =
        permission != open_to_all && permission != signed_in && permission != operators_alone;
    if (permission.empty()) refuse("names no permission");
    if (is_code && permission != owners_alone && permission.find('.') == std::string::npos)
        refuse("its permission is no resource.action");
    if (is_code && path.find("/orgs/{org}") == std::string::npos)
        refuse("has a permission but no organization");
    if (!is_code && path.find("/orgs/{org}") != std::string::npos)
        refuse("belongs to an organization and checks nothing");
    if (!marks.feature.empty() && !is_code)
        refuse("asks for a plan's feature but belongs to no organization");
    if (marks.key_alone && permission != signed_in) refuse("is for keys alone and not \"self\"");
    for (const auto& route : routes_)
        if (route.method == method && route.path == path) refuse("is there twice");
    auto segments = segments_of(path);
    if (by_length_.size() <= segments.size()) by_length_.resize(segments.size() + 1);
    std::string last(is_parameter(segments.back()) ? "" : segments.back());
    by_length_[segments.size()][last].push_back(routes_.size());
    segments_.emplace_back(segments.begin(), segments.end());
    routes_.push_back({method, std::move(path), std::move(permission), std::move(handler), marks});
}

void RouteTable::allow_query(
    Method method, std::string_view path, std::set<std::string, std::less<>> names
) {
    for (auto& route : routes_) {
        if (route.method != method || route.path != path) continue;
        route.query = std::move(names);
        return;
    }
    throw std::logic_error(fmt::format("there is no route {} {}", name_of(method), path));
}

Result<RouteTable::Match> RouteTable::find(Method method, std::string_view path) const {
    if (method == Method::head) method = Method::get;
    auto segments = segments_of(path);
    std::set<Method> possible; // a path may be a route of its own and an id's place in another
    for (auto last : {segments.back(), std::string_view()}) {
        if (segments.size() >= by_length_.size()) break;
        const auto& rows = by_length_[segments.size()];
        auto found = rows.find(last);
        if (found == rows.end()) continue;
        for (auto row : found->second) {
            const auto& route = routes_[row];
            const auto& pattern = segments_[row];
            if (!matches(pattern, segments)) continue;
            if (route.method != method) {
                possible.insert(route.method);
                if (route.method == Method::get) possible.insert(Method::head);
                continue;
            }
            Match match{&route, {}};
            for (std::size_t i = 0; i < pattern.size(); ++i) {
                if (!is_parameter(pattern[i])) continue;
                FAIRLEAD_TRY(value, percent_decode(segments[i]));
                match.parameters.emplace(
                    pattern[i].substr(1, pattern[i].size() - 2), std::move(value)
                );
            }
            return match;
        }
        if (last.empty()) break;
    }
    std::string allow;
    for (auto one : possible) allow += fmt::format("{}{}", allow.empty() ? "" : ", ", name_of(one));
    if (!allow.empty())
        return fail(Error(
                        Errc::invalid, fmt::format(
                                           "{} is not possible on this path; possible is {}.",
                                           name_of(method), allow
                                       )
        )
                        .with_code("method_not_allowed")
                        .with_fact("allow", allow));
    return fail(
        Errc::not_found, "There is nothing at this path. /api/v1/openapi.json lists every route."
    );
}

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < text.size() ? hex(text[i + 1]) : -1;
            int low = i + 2 < text.size() ? hex(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return fail(Errc::invalid, "The address has a broken percent escape.");
            c = static_cast<char>(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            return fail(Errc::invalid, "The address holds a control character.");
        decoded += c;
    }
    return decoded;
}

Result<std::map<std::string, std::string, std::less<>>> parse_query(std::string_view query) {
    std::map<std::string, std::string, std::less<>> parameters;
    while (!query.empty()) {
        auto end = query.find('&');
        auto pair = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
        if (pair.empty()) continue;
        auto equals = pair.find('=');
        FAIRLEAD_TRY(name, percent_decode(pair.substr(0, equals), true));
        FAIRLEAD_TRY(
            value,
            percent_decode(equals == std::string_view::npos ? "" : pair.substr(equals + 1), true)
        );
        if (parameters.size() == 32)
            return fail(Errc::invalid, "The query has more than 32 parameters.");
        auto [where, fresh] = parameters.emplace(std::move(name), std::move(value));
        if (!fresh)
            return fail(
                Errc::invalid, fmt::format("The parameter {} is given twice.", where->first)
            );
    }
    return parameters;
}

} // namespace fairlead::api
