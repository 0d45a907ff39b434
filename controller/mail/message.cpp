#include "controller/mail/message.hpp"

#include "common/crypto/encoding.hpp"

#include <algorithm>
#include <array>
#include <ctime>

namespace fairlead::mail {
namespace {

constexpr std::size_t longest_line = 75; // 76 with the "=" of a soft break
constexpr std::size_t longest_word = 42; // bytes of an encoded word, so that a line stays below 78

bool is_address(std::string_view text) {
    auto at = text.rfind('@');
    bool plain = std::none_of(text.begin(), text.end(), [](unsigned char c) {
        return c <= ' ' || c == 0x7f || c == '"' || c == '<' || c == '>' || c == ',' || c == ';' ||
               c == '\\' || c == '(' || c == ')';
    });
    return plain && at != std::string_view::npos && at > 0 && at + 1 < text.size() &&
           text.size() <= 254;
}

bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view(" .,:;!?'()/&+-").find(c) != std::string_view::npos;
    });
}

/// RFC 2047. Pieces end between characters.
std::string header_text(std::string_view text) {
    if (is_plain(text) && text.size() <= longest_word) return std::string(text);
    std::string result;
    while (!text.empty()) {
        auto size = std::min(longest_word, text.size());
        while (size > 1 && size < text.size() && (static_cast<unsigned char>(text[size]) >> 6) == 2)
            --size;
        result += (result.empty() ? "=?utf-8?B?" : "\r\n =?utf-8?B?") +
                  crypto::base64_encode(text.substr(0, size)) + "?=";
        text.remove_prefix(size);
    }
    return result;
}

/// RFC 2045 section 6.7 of one line.
std::string quoted_printable(std::string_view line) {
    std::string result;
    std::size_t length = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        auto c = static_cast<unsigned char>(line[i]);
        bool last = i + 1 == line.size();
        bool plain = (c > ' ' && c < 0x7f && c != '=') || (c == ' ' && !last);
        auto piece = plain ? std::string(1, line[i]) : std::string("=");
        if (!plain) {
            static constexpr char hex[] = "0123456789ABCDEF"; // the RFC wants capitals
            piece += hex[c >> 4];
            piece += hex[c & 15];
        }
        if (length + piece.size() > longest_line) {
            result += "=\r\n";
            length = 0;
        }
        result += piece;
        length += piece.size();
    }
    return result;
}

/// RFC 5322 section 3.3, whatever the locale.
std::string date(Timestamp now) {
    static constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    auto seconds = static_cast<std::time_t>(to_ms(now) / 1000);
    std::tm t{};
    ::gmtime_r(&seconds, &t);
    char text[64];
    std::snprintf(
        text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d +0000",
        days[static_cast<std::size_t>(t.tm_wday)], t.tm_mday,
        months[static_cast<std::size_t>(t.tm_mon)], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec
    );
    return text;
}

} // namespace

Result<Mailbox> Mailbox::parse(std::string_view text) {
    Mailbox box;
    auto open = text.find('<');
    if (open == std::string_view::npos) {
        box.address = text;
    } else {
        auto name = text.substr(0, open);
        while (name.ends_with(' ')) name.remove_suffix(1);
        box.name = name;
        box.address = text.substr(open + 1);
        if (!box.address.ends_with('>')) box.address.clear();
        if (!box.address.empty()) box.address.pop_back();
    }
    bool printable = std::none_of(box.name.begin(), box.name.end(), [](unsigned char c) {
        return c < ' ' || c == 0x7f || c == '"';
    });
    if (!is_address(box.address) || !printable || box.name.size() > 100)
        return fail(
            Errc::invalid, "\"" + std::string(text.substr(0, 254)) +
                               "\" is no sender; write it as noreply@example.org or Fairlead "
                               "<noreply@example.org>."
        );
    return box;
}

Result<std::string> format(const Message& message, const Mailbox& from, Timestamp now) {
    if (!is_address(message.to))
        return fail(Errc::invalid, "No mail can be sent to \"" + message.to.substr(0, 254) + "\".");
    auto subject = message.subject;
    std::replace_if(
        subject.begin(), subject.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' '
    );
    std::string text;
    auto header = [&](std::string_view name, std::string_view value) {
        text.append(name).append(": ").append(value).append("\r\n");
    };
    auto bracketed = "<" + from.address + ">";
    header("From", from.name.empty() ? bracketed : header_text(from.name) + " " + bracketed);
    header("To", "<" + message.to + ">");
    header("Subject", header_text(subject));
    header("Date", date(now));
    header(
        "Message-ID",
        "<" + message.id + "@" + from.address.substr(from.address.rfind('@') + 1) + ">"
    );
    // RFC 3834: nobody's holiday notice shall answer it.
    header("Auto-Submitted", "auto-generated");
    header("MIME-Version", "1.0");
    header("Content-Type", "text/plain; charset=utf-8");
    header("Content-Transfer-Encoding", "quoted-printable");
    text += "\r\n";
    std::string_view rest = message.text;
    while (!rest.empty()) {
        auto end = rest.find('\n');
        text += quoted_printable(rest.substr(0, end)) + "\r\n";
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    return text;
}

} // namespace fairlead::mail
