#include "proto/mail.hpp"

#include "common/runtime/utf8.hpp"

#include <algorithm>

namespace fairlead::proto {
namespace {

constexpr std::size_t digits = 13, letters = 12;

tl::unexpected<Error> wrong(std::string what) {
    return fail(Errc::invalid, std::move(what));
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

} // namespace

bool is_mail_id(std::string_view text) {
    return text.size() == digits + 1 + letters && text[digits] == '-' &&
           std::ranges::all_of(text.substr(0, digits), is_digit) &&
           std::ranges::all_of(text.substr(digits + 1), [](char c) {
               return is_digit(c) || (c >= 'a' && c <= 'f');
           });
}

Result<> check(const MailPurpose& purpose) {
    if (purpose.environment.empty()) return wrong("Captured mail is of an environment.");
    if (!purpose.message.empty()) {
        if (!is_mail_id(purpose.message)) return wrong("That is no name of a message.");
        if (purpose.lines != 0 || !purpose.before.empty() || !purpose.search.empty())
            return wrong("A message is asked for by its name alone.");
        return {};
    }
    if (purpose.lines < 1 || purpose.lines > most_mail_lines)
        return wrong("A list has 1 to " + std::to_string(most_mail_lines) + " messages.");
    if (!purpose.before.empty() && !is_mail_id(purpose.before))
        return wrong("A list goes on before a message.");
    if (purpose.search.size() > longest_mail_search || !utf8::valid(purpose.search))
        return wrong("A search has at most 200 bytes of UTF-8.");
    bool control = std::ranges::any_of(purpose.search, [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
    if (control) return wrong("A search has no control characters.");
    return {};
}

} // namespace fairlead::proto
