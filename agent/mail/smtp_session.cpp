#include "agent/mail/smtp_session.hpp"

#include "common/crypto/encoding.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace fairlead::mail {
namespace {

constexpr std::size_t longest_address = 320;

char upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

bool begins(std::string_view text, std::string_view with) {
    return text.size() >= with.size() &&
           std::ranges::equal(text.substr(0, with.size()), with, {}, upper);
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
    return text;
}

/// The first word, which is taken off.
std::string_view take_word(std::string_view& text) {
    text = trimmed(text);
    auto word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size());
    text = trimmed(text);
    return word;
}

/// "<a@b>", perhaps with the route that nobody uses any more; it is taken off. Nothing where there
/// is none.
std::optional<std::string> take_path(std::string_view& text) {
    text = trimmed(text);
    if (!text.starts_with('<')) return std::nullopt;
    auto end = text.find('>');
    if (end == std::string_view::npos || end > longest_address + 1) return std::nullopt;
    auto path = text.substr(1, end - 1);
    bool control = std::ranges::any_of(path, [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    });
    if (control) return std::nullopt;
    text.remove_prefix(end + 1);
    return std::string(path);
}

} // namespace

void Session::refuse(std::string_view answer, std::string& out) {
    out += answer;
    out += "\r\n";
    if (++errors_ < limits_.errors) return;
    out += "421 4.7.0 Too many errors\r\n";
    over_ = true;
}

void Session::forget() {
    has_sender_ = false;
    sender_.clear();
    recipients_.clear();
    recipient_count_ = 0;
    delivery_.reset();
    size_ = 0;
    trouble_.clear();
}

void Session::take(std::string_view bytes, std::string& out) {
    while (!bytes.empty() && !over_) {
        if (state_ == State::data) {
            bytes.remove_prefix(data(bytes, out));
            continue;
        }
        auto end = bytes.find('\n');
        auto piece = bytes.substr(0, end);
        if (line_.size() + piece.size() > limits_.line)
            too_long_ = true;
        else
            line_ += piece;
        if (end == std::string_view::npos) return;
        bytes.remove_prefix(end + 1);
        if (too_long_)
            refuse("500 5.5.2 The line is too long", out);
        else
            command(trimmed(line_), out);
        line_.clear();
        too_long_ = false;
    }
}

void Session::command(std::string_view line, std::string& out) {
    if (state_ == State::password_plain) return try_plain(line, out);
    if (state_ == State::user_login || state_ == State::password_login) {
        auto text = crypto::base64_decode(line);
        if (line == "*" || !text) {
            state_ = State::command;
            return refuse("501 5.5.2 It is no base64", out);
        }
        if (state_ == State::password_login) return enter(login_, *text, out);
        login_ = *std::move(text);
        state_ = State::password_login;
        out += "334 UGFzc3dvcmQ6\r\n";
        return;
    }
    auto words = line;
    auto name = take_word(words);
    auto is = [&](std::string_view what) {
        return name.size() == what.size() && begins(name, what);
    };
    if (is("EHLO")) {
        forget();
        out += fmt::format(
            "250-fairlead\r\n250-PIPELINING\r\n250-SIZE {}\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
            "250 AUTH PLAIN LOGIN\r\n",
            limits_.message
        );
    } else if (is("HELO")) {
        forget();
        out += "250 fairlead\r\n";
    } else if (is("AUTH")) {
        authenticate(words, out);
    } else if (begins(line, "MAIL FROM:")) {
        mail(line.substr(10), out);
    } else if (begins(line, "RCPT TO:")) {
        recipient(line.substr(8), out);
    } else if (is("DATA")) {
        begin_data(out);
    } else if (is("RSET")) {
        forget();
        out += "250 2.0.0 OK\r\n";
    } else if (is("NOOP")) {
        out += "250 2.0.0 OK\r\n";
    } else if (is("VRFY")) {
        out += "252 2.5.0 Everything is captured\r\n";
    } else if (is("QUIT")) {
        out += "221 2.0.0 Bye\r\n";
        over_ = true;
    } else {
        refuse("502 5.5.1 That is not known here", out);
    }
}

void Session::authenticate(std::string_view words, std::string& out) {
    if (!user_.empty()) return refuse("503 5.5.1 Logged in already", out);
    auto kind = take_word(words);
    auto is = [&](std::string_view what) {
        return kind.size() == what.size() && begins(kind, what);
    };
    if (is("PLAIN")) {
        if (!words.empty()) return try_plain(words, out);
        state_ = State::password_plain;
        out += "334 \r\n";
    } else if (is("LOGIN")) {
        state_ = State::user_login;
        if (!words.empty()) return command(words, out);
        out += "334 VXNlcm5hbWU6\r\n";
    } else {
        refuse("504 5.5.4 PLAIN and LOGIN are known here", out);
    }
}

/// RFC 4616: whom for, who, password, each but the last with a byte 0 after it.
void Session::try_plain(std::string_view line, std::string& out) {
    state_ = State::command;
    auto text = crypto::base64_decode(line);
    auto first = text ? text->find('\0') : std::string::npos;
    auto second = first == std::string::npos ? first : text->find('\0', first + 1);
    if (second == std::string::npos) return refuse("501 5.5.2 It is no user and password", out);
    enter(
        text->substr(first + 1, second - first - 1), std::string_view(*text).substr(second + 1), out
    );
}

void Session::enter(const std::string& user, std::string_view password, std::string& out) {
    state_ = State::command;
    if (!room_.may_enter(user, password)) {
        out += "535 5.7.8 That login is none of this server's\r\n";
        errors_ += limits_.errors / 4;
        if (errors_ >= limits_.errors) over_ = true;
        return;
    }
    user_ = user;
    out += "235 2.7.0 Logged in\r\n";
}

void Session::mail(std::string_view words, std::string& out) {
    if (user_.empty())
        return refuse("530 5.7.0 Log in first: a message has to be of an environment", out);
    if (has_sender_) return refuse("503 5.5.1 One message at a time", out);
    auto path = take_path(words);
    if (!path) return refuse("501 5.1.7 That is no sender", out);
    while (!words.empty()) {
        auto word = take_word(words);
        if (!begins(word, "SIZE=")) continue;
        std::uint64_t size = 0;
        auto text = word.substr(5);
        auto read = std::from_chars(text.data(), text.data() + text.size(), size);
        if (read.ec == std::errc() && size <= limits_.message) continue;
        return refuse(fmt::format("552 5.3.4 At most {} bytes", limits_.message), out);
    }
    has_sender_ = true;
    sender_ = *std::move(path);
    out += "250 2.1.0 OK\r\n";
}

void Session::recipient(std::string_view words, std::string& out) {
    if (!has_sender_) return refuse("503 5.5.1 MAIL comes first", out);
    auto path = take_path(words);
    if (!path || path->empty()) return refuse("501 5.1.3 That is no recipient", out);
    if (recipient_count_ >= limits_.recipients) return refuse("452 4.5.3 Too many recipients", out);
    ++recipient_count_;
    if (recipients_.size() < limits_.told) recipients_.push_back(*std::move(path));
    out += "250 2.1.5 OK\r\n";
}

void Session::begin_data(std::string& out) {
    if (recipient_count_ == 0) return refuse("503 5.5.1 RCPT comes first", out);
    auto begun = room_.begin(user_);
    if (!begun) {
        refuse("452 4.3.1 " + begun.error().message(), out);
        return forget();
    }
    delivery_ = *std::move(begun);
    state_ = State::data;
    at_ = At::line_start;
    out += "354 Go on; a line with a dot alone ends it\r\n";
}

void Session::store(std::string_view bytes) {
    size_ += bytes.size();
    if (!trouble_.empty() || bytes.empty()) return;
    if (size_ > limits_.message) {
        trouble_ = fmt::format("552 5.3.4 At most {} bytes", limits_.message);
        return delivery_.reset();
    }
    if (auto kept = delivery_->append(bytes); !kept) {
        trouble_ = "452 4.3.1 " + kept.error().message();
        delivery_.reset();
    }
}

/// Only a dot between two ends of lines that are both CR LF ends a message: what else stands in it
/// is kept as it is, but for bytes 0, which no message may have.
std::size_t Session::data(std::string_view bytes, std::string& out) {
    std::string text;
    text.reserve(bytes.size() + 2);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        char c = bytes[i];
        if (at_ == At::dot_return && c == '\n') {
            store(text);
            end_data(out);
            return i + 1;
        }
        if (at_ == At::line_start && c == '.') {
            at_ = At::dot;
            continue;
        }
        if (at_ == At::dot && c == '\r') {
            at_ = At::dot_return;
            continue;
        }
        if (at_ == At::dot_return) text += '\r';
        bool after_return = at_ == At::carriage_return || at_ == At::dot_return;
        at_ = c == '\r'                   ? At::carriage_return
              : c == '\n' && after_return ? At::line_start
                                          : At::within;
        if (c != '\0') text += c;
    }
    store(text);
    // Whoever goes on for ever is not listened to for ever.
    if (size_ > 4 * limits_.message) {
        out += "552 5.3.4 That is no message\r\n";
        over_ = true;
        forget();
    }
    return bytes.size();
}

void Session::end_data(std::string& out) {
    state_ = State::command;
    if (trouble_.empty()) {
        auto kept = delivery_->keep(sender_, recipients_, recipient_count_);
        if (!kept) trouble_ = "452 4.3.1 " + kept.error().message();
    }
    if (trouble_.empty())
        out += "250 2.0.0 Captured\r\n";
    else
        refuse(trouble_, out);
    forget();
}

} // namespace fairlead::mail
