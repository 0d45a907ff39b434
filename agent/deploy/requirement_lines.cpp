#include "agent/deploy/requirement_lines.hpp"

#include "common/runtime/utf8.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace fairlead::deploy {
namespace {

constexpr std::string_view blanks = " \t";

/// Options that bring nothing from anywhere.
constexpr std::array<std::string_view, 7> harmless{
    "--hash",     "--no-binary", "--only-binary",   "--prefer-binary",
    "--no-index", "--pre",       "--require-hashes"};

/// Python's splitlines(), strip() and \s end lines or see blanks at all of these that are not
/// control characters (str.isspace of Unicode 15).
bool is_odd_blank(std::string_view letter) {
    constexpr std::array<std::string_view, 7> single{"\u00a0", "\u1680", "\u2028", "\u2029",
                                                     "\u202f", "\u205f", "\u3000"};
    return std::ranges::find(single, letter) != single.end() ||
           (letter >= "\u2000" && letter <= "\u200a");
}

/// Where the first letter stands that programs disagree about: a control character other than tab
/// and line ends, a blank beyond ASCII, or what is no UTF-8. npos: there is none.
std::size_t special_in(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        auto size = utf8::letter(text.substr(at));
        auto letter = text.substr(at, size);
        bool control = letter < " " ? letter != "\t" && letter != "\r" && letter != "\n"
                                    : letter >= "\x7f" && letter < "\u00a0";
        if (size == 0 || control || is_odd_blank(letter)) return at;
        at += size;
    }
    return std::string_view::npos;
}

tl::unexpected<Error> refused(std::string_view line, std::string_view why) {
    // What follows may be a token.
    auto shown = line.substr(0, line.find_first_of("@/:\\%$=\"'"));
    shown = utf8::cut(shown.substr(0, special_in(shown)), 60);
    bool cut = shown.size() < line.size();
    return fail(
        Error(
            Errc::forbidden,
            "The line \"" + std::string(shown) + (cut ? "…" : "") + "\" of the requirements " +
                std::string(why) +
                ". The organization lists the domains that code may come from, and pip follows "
                "redirects anywhere: name a package of the server's index, or add the repository "
                "to the project."
        )
            .with_code("requirement_address")
    );
}

/// As Python does where `special_in` finds nothing.
std::vector<std::string_view> split_lines(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        auto line = text.substr(0, text.find_first_of("\r\n"));
        lines.push_back(line);
        text.remove_prefix(line.size());
        text.remove_prefix(text.starts_with("\r\n") ? 2 : text.empty() ? 0 : 1);
    }
    return lines;
}

Result<> check_letters(std::string_view text) {
    for (auto line : split_lines(text)) {
        auto at = special_in(line);
        if (at == std::string_view::npos) continue;
        return refused(
            line, utf8::letter(line.substr(at)) == 0
                      ? "is not written in UTF-8"
                      : "holds a control character or an unusual blank, which pip may take for the "
                        "end of a line"
        );
    }
    return {};
}

bool is_comment(std::string_view line) {
    auto first = line.find_first_not_of(blanks);
    return first != std::string_view::npos && line[first] == '#';
}

/// Without comment and blanks around it.
std::string_view bare(std::string_view line) {
    for (std::size_t at = 0; (at = line.find('#', at)) != std::string_view::npos; ++at)
        if (at == 0 || blanks.find(line[at - 1]) != std::string_view::npos) {
            line = line.substr(0, at);
            break;
        }
    auto first = line.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return line.substr(first, line.find_last_not_of(blanks) + 1 - first);
}

Result<> check_options(std::string_view line, std::string_view options) {
    // Quotes could hide where an option begins.
    if (options.find_first_of("\"'\\$") != std::string_view::npos)
        return refused(line, "has quotes, a backslash or a variable among options of pip");
    while (!options.empty()) {
        auto end = std::min(options.find_first_of(blanks), options.size());
        auto word = options.substr(0, end);
        options.remove_prefix(std::min(end + 1, options.size()));
        if (word.empty()) continue;
        auto name = word.substr(0, word.find('='));
        bool value = !word.starts_with('-') && word.find_first_of("@/") == std::string_view::npos;
        if (!value && std::ranges::find(harmless, name) == harmless.end())
            return refused(line, "sets an option of pip that may lead elsewhere");
    }
    return {};
}

Result<> check_line(std::string_view line) {
    auto options = line.starts_with('-') ? 0 : line.find(" -");
    auto package = bare(line.substr(0, options));
    if (std::ranges::any_of(package, [](unsigned char c) { return c >= 0x80; }))
        return refused(line, "holds letters beyond ASCII");
    if (package.find_first_of("@/:\\%$") != std::string_view::npos)
        return refused(line, "names an address, a path or a variable");
    if (options == std::string_view::npos) return {};
    return check_options(line, bare(line.substr(options)));
}

/// In the first two lines of a file (PEP 263) it may say that its bytes mean other letters.
Result<> check_encoding(std::string_view text) {
    for (int i = 0; i < 2; ++i) {
        auto end = std::min(text.find('\n'), text.size());
        auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        for (std::string_view said : {"coding:", "coding="}) {
            auto at = line.find(said);
            if (!line.starts_with('#') || at == std::string_view::npos) continue;
            auto name = line.substr(at + said.size());
            name.remove_prefix(std::min(name.find_first_not_of(blanks), name.size()));
            name = name.substr(
                0, name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "abcdefghijklmnopqrstuvwxyz0123456789-_.")
            );
            std::string lower(name);
            for (char& c : lower)
                if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
            if (lower != "utf-8" && lower != "utf8")
                return refused(line, "declares another encoding than utf-8");
        }
    }
    return {};
}

} // namespace

Result<> check_named_packages(std::string_view requirements) {
    FAIRLEAD_CHECK(check_encoding(requirements));
    FAIRLEAD_CHECK(check_letters(requirements));
    std::string joined;
    for (auto line : split_lines(requirements)) {
        bool comment = is_comment(line);
        if (line.ends_with('\\') && !comment) {
            joined += line;
            while (joined.ends_with('\\')) joined.pop_back();
            continue;
        }
        // A comment ends what a backslash began, and is one there as well.
        joined += (comment ? " " : "") + std::string(line);
        FAIRLEAD_CHECK(check_line(bare(joined)));
        joined.clear();
    }
    return check_line(bare(joined));
}

} // namespace fairlead::deploy
