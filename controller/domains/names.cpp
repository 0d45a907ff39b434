#include "controller/domains/names.hpp"

#include "controller/outbound/rules.hpp"

#include <idn2.h>

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <new>

namespace fairlead::domains {
namespace {

constexpr std::size_t longest_label = 63;
/// What a person may write for a name of 253: letters beyond ASCII are shorter as A-labels.
constexpr std::size_t longest_text = 1024;

tl::unexpected<Error> bad(std::string_view why) {
    return fail(Error(Errc::invalid, std::string(why)).with_code("domain_invalid"));
}

bool letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

std::string_view explain(int code) {
    switch (code) {
    case IDN2_TOO_BIG_DOMAIN:
        return "must be at most 253 characters, as A-labels";
    case IDN2_TOO_BIG_LABEL:
        return "has a part between dots of more than 63 characters, as an A-label";
    case IDN2_ENCODING_ERROR:
    case IDN2_ICONV_FAIL:
        return "must be UTF-8";
    case IDN2_INVALID_ALABEL:
    case IDN2_UALABEL_MISMATCH:
    case IDN2_ALABEL_ROUNDTRIP_FAILED:
    case IDN2_PUNYCODE_BAD_INPUT:
    case IDN2_PUNYCODE_BIG_OUTPUT:
    case IDN2_PUNYCODE_OVERFLOW:
        return "has a part that begins with xn-- and stands for no name";
    case IDN2_BIDI:
        return "mixes directions of writing as no name may";
    case IDN2_2HYPHEN:
        return "has a part whose third and fourth characters are dashes, which is kept for "
               "A-labels";
    case IDN2_HYPHEN_STARTEND:
        return "has a part that begins or ends with a dash";
    default:
        return "must be a host name such as shop.example.com, of letters, digits, dashes and dots";
    }
}

using Owned = std::unique_ptr<char, void (*)(void*)>;

/// The three letters that STD3 refuses although they are not ASCII: they hold =, < and >.
bool has_signs(const std::string& ascii) {
    char* output = nullptr;
    int code = ::idn2_to_unicode_8z8z(ascii.c_str(), &output, 0);
    Owned owned(output, ::idn2_free);
    if (code != IDN2_OK) return true;
    std::string_view text = output;
    return std::ranges::any_of(
        std::initializer_list<std::string_view>{"\u2260", "\u226e", "\u226f"},
        [&](std::string_view sign) { return text.find(sign) != std::string_view::npos; }
    );
}

/// The library's own flag for STD3 takes what is not allowed out, so that "a_b" becomes "ab": the
/// rules are held here instead. What of ASCII is wrong stays in an A-label as it is.
Result<std::string> to_ascii(std::string_view text) {
    if (text.find('\0') != std::string_view::npos) return bad(explain(IDN2_DISALLOWED));
    std::string input(text);
    char* output = nullptr;
    int code = ::idn2_to_ascii_8z(input.c_str(), &output, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    Owned owned(output, ::idn2_free);
    if (code == IDN2_MALLOC) throw std::bad_alloc();
    if (code != IDN2_OK) return bad(explain(code));
    std::string ascii = output;
    if (ascii.find("xn--") != std::string::npos && has_signs(ascii))
        return bad(explain(IDN2_DISALLOWED));
    return ascii;
}

/// Whatever the library lets through is held against the rules for host names (RFC 1123, 2.1).
std::string_view wrong_with_label(std::string_view label) {
    if (label.empty()) return "has a part between dots that is empty";
    if (label.size() > longest_label) return explain(IDN2_TOO_BIG_LABEL);
    if (label.front() == '-' || label.back() == '-') return explain(IDN2_HYPHEN_STARTEND);
    bool fine = std::ranges::all_of(label, [](char c) { return letter_or_digit(c) || c == '-'; });
    return fine ? "" : explain(IDN2_DISALLOWED);
}

/// As browsers read "127.1", "0x7f000001" and "1.2.3.4": a last part that is a number makes it an
/// address.
bool ends_in_number(std::string_view last) {
    if (last.starts_with("0x")) {
        last.remove_prefix(2);
        return last.find_first_not_of("0123456789abcdef") == std::string_view::npos;
    }
    return last.find_first_not_of("0123456789") == std::string_view::npos;
}

} // namespace

Result<std::string> normalise(std::string_view text) {
    bool wildcard = text.starts_with("*.");
    if (wildcard) text.remove_prefix(2);
    if (text.find('*') != std::string_view::npos)
        return bad("may have a star in front alone, as in *.example.com");
    if (text.empty() || text.size() > longest_text)
        return bad(text.empty() ? explain(IDN2_DISALLOWED) : explain(IDN2_TOO_BIG_DOMAIN));
    FAIRLEAD_TRY(name, to_ascii(text));
    for (char& c : name)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (name.ends_with('.')) name.pop_back();
    if (name.size() + (wildcard ? 2 : 0) > longest_name) return bad(explain(IDN2_TOO_BIG_DOMAIN));
    std::string_view rest = name, last;
    int labels = 0;
    for (bool more = true; more; ++labels) {
        auto dot = rest.find('.');
        last = rest.substr(0, dot);
        if (auto why = wrong_with_label(last); !why.empty()) return bad(why);
        more = dot != std::string_view::npos;
        if (more) rest.remove_prefix(dot + 1);
    }
    if (ends_in_number(last))
        return bad("is an address; a name is needed, such as shop.example.com");
    if (labels < 2)
        return bad("has one part only; a whole name is needed, such as shop.example.com");
    return wildcard ? "*." + name : std::move(name);
}

bool is_wildcard(std::string_view name) {
    return name.starts_with("*.");
}

std::string_view base_of(std::string_view name) {
    return is_wildcard(name) ? name.substr(2) : name;
}

bool within(std::string_view host, std::string_view other) {
    if (!host.ends_with(other)) return false;
    return host.size() == other.size() || host[host.size() - other.size() - 1] == '.';
}

bool covers(std::string_view claim, std::string_view host) {
    auto base = base_of(claim);
    return is_wildcard(claim) ? host != base && within(host, base) : claim == host;
}

std::vector<std::string> covering(std::string_view host) {
    std::vector<std::string> names{std::string(host)};
    auto above = base_of(host);
    for (auto dot = above.find('.'); dot != std::string_view::npos; dot = above.find('.')) {
        above.remove_prefix(dot + 1);
        names.push_back("*." + std::string(above));
    }
    return names;
}

std::string tree_of(std::string_view name) {
    std::string tree;
    auto rest = base_of(name);
    for (;;) {
        auto dot = rest.rfind('.');
        tree += dot == std::string_view::npos ? rest : rest.substr(dot + 1);
        tree += '.';
        if (dot == std::string_view::npos) return tree;
        rest = rest.substr(0, dot);
    }
}

std::vector<std::string> trees_above(std::string_view name) {
    auto tree = tree_of(name);
    std::vector<std::string> trees;
    for (auto dot = tree.find('.'); dot != std::string::npos; dot = tree.find('.', dot + 1))
        trees.push_back(tree.substr(0, dot + 1));
    return trees;
}

Result<> claimable(std::string_view name, std::string_view own_host) {
    auto base = base_of(name);
    if (base.size() > longest_claim)
        return bad("must be at most 233 characters, so that its challenge has a name too");
    if (outbound::internal_name(base))
        return bad("is a name of an internal network, which nobody outside can look at");
    if (!own_host.empty() && within(base, own_host))
        return bad("is the controller's own name, or below it");
    return {};
}

} // namespace fairlead::domains
