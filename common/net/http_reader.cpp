#include "common/net/http_reader.hpp"

#include "common/net/http_tokens.hpp"

#include <algorithm>

namespace fairlead::net {

namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

bool good_host(std::string_view host) {
    return host.find_first_of(" \t,/\\@?#<>\"") == std::string_view::npos;
}

std::string host_name(std::string_view field) {
    std::string_view name = field;
    if (!name.empty() && name.front() == '[')
        name = name.substr(0, std::min(name.find(']') + 1, name.size()));
    else
        name = name.substr(0, name.find(':'));
    std::string result(name);
    for (auto& c : result)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return result;
}

} // namespace

struct HttpReader::Impl {
    explicit Impl(const HttpLimits& wanted) : limits(wanted) {}

    std::size_t feed(std::string_view bytes);
    std::size_t feed_head(std::string_view bytes);
    std::size_t feed_body(std::string_view bytes);
    void refuse(int status, std::string_view reason) {
        state = State::refused;
        problem.emplace(status, reason);
    }
    void refuse(const error_code& ec);
    std::size_t where_seen_ends(std::string_view all) const;
    bool check_head();
    bool check_lengths();
    bool check_host();
    bool absolute_to_origin();
    void look_for_websocket();

    HttpLimits limits;
    State state = State::idle;
    HttpRequest request;
    std::optional<HttpTokens<true>> tokens;
    std::string pending; // an incomplete head, or an incomplete chunk line
    std::size_t searched = 0;
    std::optional<HttpProblem> problem;
    bool keep = true;
    bool wants_continue = false;
    bool old_version = false;
};

void HttpReader::Impl::refuse(const error_code& ec) {
    if (ec == http::error::body_limit)
        return refuse(
            413, "The body is larger than " + std::to_string(limits.body_bytes) + " bytes."
        );
    if (tokens && tokens->too_long)
        return refuse(
            414,
            "The request target is longer than " + std::to_string(limits.target_bytes) + " bytes."
        );
    if (tokens && tokens->too_many)
        return refuse(
            431, "There are more than " + std::to_string(limits.header_count) + " header fields."
        );
    if (ec == http::error::header_limit)
        return refuse(
            431, "The header is larger than " + std::to_string(limits.header_bytes) + " bytes."
        );
    if (ec == http::error::bad_version)
        return refuse(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
    refuse(400, "This is not a valid HTTP request: " + ec.message() + ".");
}

std::size_t HttpReader::Impl::feed(std::string_view bytes) {
    std::size_t used = 0;
    // Some clients send a line break after a body; RFC 9112 asks servers to overlook it.
    while (state == State::idle && pending.empty() && used < bytes.size() &&
           (bytes[used] == '\r' || bytes[used] == '\n'))
        ++used;
    if (used == bytes.size()) return used;
    if (state == State::idle) state = State::head;
    if (state == State::head) used += feed_head(bytes.substr(used));
    if (state == State::body && used < bytes.size()) used += feed_body(bytes.substr(used));
    return used;
}

std::size_t HttpReader::Impl::feed_head(std::string_view bytes) {
    auto held = pending.size();
    // The usual request comes in one piece and is read where it lies.
    std::string_view all = bytes;
    if (held > 0) {
        pending.append(
            bytes.substr(0, limits.header_bytes + 4 - std::min(held, limits.header_bytes + 4))
        );
        all = pending;
    }
    auto end = all.find("\r\n\r\n", searched > 3 ? searched - 3 : 0);
    if (end == std::string_view::npos || end + 4 > limits.header_bytes) {
        auto size = std::min(end == std::string_view::npos ? all.size() : end + 4, all.size());
        if (size >= limits.header_bytes) {
            bool line =
                all.substr(0, limits.target_bytes + 16).find('\n') == std::string_view::npos;
            refuse(
                line ? 414 : 431, line ? "The request target is too long."
                                       : "The header is larger than " +
                                             std::to_string(limits.header_bytes) + " bytes."
            );
            return bytes.size();
        }
        // A line that ends wrongly may never come to an end that we would see.
        auto news = all.substr(where_seen_ends(all));
        if (const char* bad = suspicious_in(news.substr(0, news.size() - news.ends_with('\r')))) {
            refuse(400, bad);
            return bytes.size();
        }
        if (held == 0) pending = bytes;
        searched = pending.size();
        return bytes.size();
    }
    auto head = all.substr(0, end + 4);
    auto used = head.size() - held;
    if (const char* bad = suspicious_in(head)) {
        refuse(400, bad);
        return used;
    }
    tokens.emplace(request.headers, request.body, limits);
    error_code ec;
    tokens->read_head(head, ec);
    request.method = std::move(tokens->method);
    request.target = std::move(tokens->target);
    if (ec && ec != http::error::need_more) {
        refuse(ec);
    } else if (!tokens->is_header_done()) {
        refuse(400, "This is not a valid HTTP request.");
    } else if (check_head()) {
        state = tokens->is_done() ? State::done : State::body;
    }
    pending.clear();
    searched = 0;
    return used;
}

/// What is before it was looked at, and what follows changes nothing of that: a line break may be
/// half there, or a folded line may follow it.
std::size_t HttpReader::Impl::where_seen_ends(std::string_view all) const {
    auto seen = std::min(searched, all.size());
    if (seen > 0 && all[seen - 1] == '\r') return seen - 1;
    if (seen > 1 && all[seen - 1] == '\n') return seen - 2;
    return seen;
}

bool HttpReader::Impl::check_head() {
    if (lists_too_much(request.headers))
        return refuse(400, "The Connection field lists too much."), false;
    keep = tokens->keep_alive();
    old_version = tokens->version < 11;
    if (!check_lengths() || !absolute_to_origin() || !check_host()) return false;
    if (auto expect = request.headers.get("expect")) {
        if (!same_word(*expect, "100-continue")) {
            refuse(417, "Only 'Expect: 100-continue' is known here.");
            return false;
        }
        wants_continue = !tokens->is_done() && tokens->version >= 11;
    }
    if (auto length = tokens->content_length(); length && *length > limits.body_bytes) {
        refuse(http::error::body_limit);
        return false;
    }
    look_for_websocket();
    return true;
}

bool HttpReader::Impl::check_lengths() {
    auto codings = request.headers.count("transfer-encoding");
    auto lengths = request.headers.count("content-length");
    if (codings > 0 && lengths > 0)
        return refuse(400, "Content-Length and Transfer-Encoding do not go together."), false;
    if (lengths > 1) return refuse(400, "There is more than one Content-Length."), false;
    if (lengths == 1) {
        auto text = *request.headers.get("content-length");
        if (text.empty() || text.size() > 19 ||
            text.find_first_not_of("0123456789") != std::string_view::npos)
            return refuse(400, "Content-Length is not a number."), false;
    }
    if (codings == 0) return true;
    if (tokens->version < 11) return refuse(400, "HTTP/1.0 has no Transfer-Encoding."), false;
    if (codings > 1 || !same_word(*request.headers.get("transfer-encoding"), "chunked"))
        return refuse(501, "The only transfer coding known here is 'chunked'."), false;
    return true;
}

/// "GET http://host/path": a server must understand it, and the authority in it wins over Host.
bool HttpReader::Impl::absolute_to_origin() {
    auto& target = request.target;
    if (target.starts_with('/')) return true;
    if (target == "*" && request.method == "OPTIONS") return true;
    auto start = std::string_view(target).find("://");
    if (start == std::string_view::npos || !(same_word(target.substr(0, start), "http") ||
                                             same_word(target.substr(0, start), "https")))
        return refuse(400, "The request target must begin with '/'."), false;
    auto rest = std::string_view(target).substr(start + 3);
    auto slash = std::min(rest.find_first_of("/?"), rest.size());
    auto authority = rest.substr(0, slash);
    if (authority.empty() || !good_host(authority))
        return refuse(400, "The host in the request target is not valid."), false;
    request.host = host_name(authority);
    std::string path(rest.substr(slash));
    if (!path.starts_with('/')) path.insert(0, "/");
    target = std::move(path);
    return true;
}

bool HttpReader::Impl::check_host() {
    auto hosts = request.headers.count("host");
    if (hosts > 1) return refuse(400, "There is more than one Host field."), false;
    if (hosts == 0 && tokens->version >= 11)
        return refuse(400, "The Host field is missing."), false;
    if (hosts == 1) {
        auto field = *request.headers.get("host");
        if (!good_host(field)) return refuse(400, "The Host field is not valid."), false;
        if (request.host.empty()) request.host = host_name(field);
    }
    return true;
}

void HttpReader::Impl::look_for_websocket() {
    const auto& headers = request.headers;
    auto key = headers.get("sec-websocket-key");
    auto version = headers.get("sec-websocket-version");
    request.wants_websocket = request.method == "GET" && tokens->version >= 11 &&
                              tokens->is_done() && has_word(headers, "connection", "upgrade") &&
                              has_word(headers, "upgrade", "websocket") && key &&
                              key->size() == 24 && version && *version == "13";
}

std::size_t HttpReader::Impl::feed_body(std::string_view bytes) {
    error_code ec;
    auto used = tokens->read_body(bytes, pending, ec);
    if (ec == http::error::header_limit)
        refuse(400, "A chunk line or the trailer is too long.");
    else if (ec)
        refuse(ec);
    else if (request.body.size() > limits.body_bytes)
        refuse(http::error::body_limit);
    else if (tokens->is_done())
        state = State::done;
    return used;
}

HttpReader::HttpReader(const HttpLimits& limits) : impl_(std::make_unique<Impl>(limits)) {}
HttpReader::HttpReader(HttpReader&&) noexcept = default;
HttpReader::~HttpReader() = default;

std::size_t HttpReader::feed(std::string_view bytes) {
    return impl_->feed(bytes);
}
HttpReader::State HttpReader::state() const {
    return impl_->state;
}
const HttpRequest& HttpReader::request() const {
    return impl_->request;
}
bool HttpReader::keep_alive() const {
    return impl_->keep;
}
bool HttpReader::http_1_0() const {
    return impl_->old_version;
}
bool HttpReader::expects_continue() {
    return std::exchange(impl_->wants_continue, false);
}
const HttpProblem& HttpReader::problem() const {
    return *impl_->problem;
}

std::string HttpReader::take_body() {
    return std::exchange(impl_->request.body, {});
}

HttpRequest HttpReader::take() {
    auto request = std::move(impl_->request);
    impl_->request = HttpRequest();
    impl_->tokens.reset();
    impl_->state = State::idle;
    impl_->keep = true;
    impl_->wants_continue = false;
    return request;
}

} // namespace fairlead::net
