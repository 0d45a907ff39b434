#include "common/net/http_answer_reader.hpp"

#include "common/net/http_tokens.hpp"

#include <charconv>

namespace fairlead::net {

namespace {

using boost::system::error_code;
constexpr int most_interim = 8;

} // namespace

struct HttpAnswerReader::Impl {
    Impl(const HttpLimits& wanted, std::string_view method)
        : limits(wanted), head_only(method == "HEAD") {}

    std::size_t feed_head(std::string_view bytes);
    std::size_t feed_body(std::string_view bytes);
    void take_head(std::string_view head);
    bool check_lengths();
    void refuse(std::string sentence) {
        state = State::refused;
        problem = std::move(sentence);
    }

    HttpLimits limits;
    bool head_only;
    State state = State::head;
    Headers headers;
    std::string body;
    std::optional<HttpTokens<false>> tokens;
    std::optional<std::uint64_t> length;
    std::string pending; // an incomplete head, or an incomplete chunk line
    std::string problem;
    int interim = 0;
};

std::size_t HttpAnswerReader::Impl::feed_head(std::string_view bytes) {
    auto held = pending.size();
    std::string_view all = bytes;
    if (held > 0) {
        pending += bytes.substr(0, limits.header_bytes + 4 - std::min(held, limits.header_bytes));
        all = pending;
    }
    auto end = all.find("\r\n\r\n", held > 3 ? held - 3 : 0);
    if (end == std::string_view::npos || end + 4 > limits.header_bytes) {
        if (end != std::string_view::npos || all.size() >= limits.header_bytes)
            refuse("The head is larger than " + std::to_string(limits.header_bytes) + " bytes.");
        else if (held == 0)
            pending = bytes;
        return bytes.size();
    }
    std::string head(all.substr(0, end + 4));
    pending.clear();
    take_head(head);
    return head.size() - held;
}

void HttpAnswerReader::Impl::take_head(std::string_view head) {
    if (const char* bad = suspicious_in(head)) return refuse(bad);
    headers.clear();
    tokens.emplace(headers, body, limits);
    tokens->skip(head_only);
    error_code ec;
    tokens->read_head(head, ec);
    if (ec && ec != boost::beast::http::error::need_more)
        return refuse("The head is not valid: " + ec.message() + ".");
    if (!tokens->is_header_done()) return refuse("The head is not valid.");
    auto status = tokens->status;
    if (status < 100 || status > 599)
        return refuse("The status is " + std::to_string(status) + ".");
    if (status < 200 && status != 101) {
        if (++interim > most_interim) refuse("There are too many interim answers.");
        return;
    }
    if (lists_too_much(headers)) return refuse("Connection lists too much.");
    if (!check_lengths()) return;
    state = tokens->is_done() ? State::done : State::body;
}

bool HttpAnswerReader::Impl::check_lengths() {
    auto codings = headers.count("transfer-encoding");
    auto lengths = headers.count("content-length");
    if (codings > 0 && lengths > 0)
        return refuse("Content-Length and Transfer-Encoding do not go together."), false;
    if (lengths > 1) return refuse("There is more than one Content-Length."), false;
    if (codings > 0 && (codings > 1 || !same_word(*headers.get("transfer-encoding"), "chunked") ||
                        tokens->version < 11))
        return refuse("The only transfer coding known here is 'chunked' of HTTP/1.1."), false;
    if (lengths == 0) return true;
    auto text = *headers.get("content-length");
    std::uint64_t value = 0;
    auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || end != text.data() + text.size() || text.size() > 19)
        return refuse("Content-Length is not a number."), false;
    length = value;
    return true;
}

std::size_t HttpAnswerReader::Impl::feed_body(std::string_view bytes) {
    error_code ec;
    auto used = tokens->read_body(bytes, pending, ec);
    if (ec)
        refuse("The body is not valid: " + ec.message() + ".");
    else if (body.size() > limits.body_bytes)
        refuse("The body is too large.");
    else if (tokens->is_done())
        state = State::done;
    return used;
}

HttpAnswerReader::HttpAnswerReader(const HttpLimits& limits, std::string_view method)
    : impl_(std::make_unique<Impl>(limits, method)) {}
HttpAnswerReader::~HttpAnswerReader() = default;

std::size_t HttpAnswerReader::feed(std::string_view bytes) {
    std::size_t used = 0;
    while (impl_->state == State::head && used < bytes.size())
        used += impl_->feed_head(bytes.substr(used));
    if (impl_->state == State::body && used < bytes.size())
        used += impl_->feed_body(bytes.substr(used));
    return used;
}

void HttpAnswerReader::end() {
    if (impl_->state == State::done || impl_->state == State::refused) return;
    error_code ec;
    bool open_end = impl_->state == State::body && impl_->tokens->need_eof();
    if (open_end) impl_->tokens->put_eof(ec);
    if (!open_end || ec) return impl_->refuse("The answer ended too early.");
    impl_->state = State::done;
}

HttpAnswerReader::State HttpAnswerReader::state() const {
    return impl_->state;
}
int HttpAnswerReader::status() const {
    return impl_->tokens->status;
}
const Headers& HttpAnswerReader::headers() const {
    return impl_->headers;
}
std::optional<std::uint64_t> HttpAnswerReader::length() const {
    return impl_->length;
}
bool HttpAnswerReader::has_body() const {
    auto code = status();
    return !impl_->head_only && code >= 200 && code != 204 && code != 304;
}
bool HttpAnswerReader::keep_alive() const {
    return impl_->tokens->keep_alive();
}
std::string HttpAnswerReader::take_body() {
    return std::exchange(impl_->body, {});
}
const std::string& HttpAnswerReader::problem() const {
    return impl_->problem;
}

} // namespace fairlead::net
