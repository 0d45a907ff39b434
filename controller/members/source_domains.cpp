#include "controller/members/source_domains.hpp"

#include "common/json/json.hpp"
#include "proto/source_url.hpp"

#include <algorithm>

namespace fairlead::members {
namespace {

std::string lower(std::string_view text) {
    std::string name(text);
    for (char& c : name)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (name.ends_with('.')) name.pop_back();
    return name;
}

/// What is wrong with one part between dots; "" when nothing is.
std::string_view wrong_with_label(std::string_view label) {
    if (label.empty() || label.size() > 63) return "has a part that is empty or too long";
    if (label.starts_with("xn--"))
        return "has letters beyond a-z (xn--), which can look like another name";
    if (label.front() == '-' || label.back() == '-') return "has a part that ends in a dash";
    if (label.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string_view::npos)
        return "holds a character that is not of a name: write it without scheme, port and path";
    return "";
}

} // namespace

Result<std::string> normal_domain(std::string_view text) {
    auto bad = [&](std::string_view why) {
        return fail(
            Errc::invalid, "\"" + std::string(text.substr(0, 100)) + "\" " + std::string(why)
        );
    };
    if (std::ranges::any_of(text, [](unsigned char c) { return c >= 0x80; }))
        return bad("has letters beyond a-z, which can look like another name");
    auto name = lower(text);
    if (name.size() > 253) return bad("is longer than a name can be");
    std::string_view rest = name;
    bool wildcard = rest.starts_with("*.");
    if (wildcard) rest.remove_prefix(2);
    std::string_view last;
    int labels = 0;
    for (bool more = true; more; ++labels) {
        auto dot = rest.find('.');
        last = rest.substr(0, dot);
        if (auto why = wrong_with_label(last); !why.empty()) return bad(why);
        more = dot != std::string_view::npos;
        if (more) rest.remove_prefix(dot + 1);
    }
    if (labels < 2)
        return bad(wildcard ? "is a whole top-level domain" : "is a single word, not a domain");
    if (last.find_first_not_of("0123456789") == std::string_view::npos)
        return bad("is an address, not a domain");
    return name;
}

Result<std::vector<std::string>> listed_domains(store::Connection& db, const api::OrgScope& scope) {
    FAIRLEAD_TRY(
        stored,
        db.one<std::string>("SELECT downloads FROM org_setting WHERE org_id = $1", scope.org())
    );
    if (!stored) return std::vector<std::string>();
    return json::decode<std::vector<std::string>>(*stored, json::Strictness::lenient);
}

bool allows(std::span<const std::string> domains, std::string_view host) {
    return proto::among(domains, host);
}

} // namespace fairlead::members
