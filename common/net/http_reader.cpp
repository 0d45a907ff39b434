#include "common/net/http_reader.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>

namespace fairlead::net {

namespace {

namespace http = boost::beast::http;
using boost::beast::string_view;
using boost::system::error_code;

constexpr std::size_t max_chunk_line = 4 * 1024;

bool same_word(std::string_view left, std::string_view right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) {
        auto low = [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        };
        return low(a) == low(b);
    });
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

bool has_word(const Headers& headers, std::string_view name, std::string_view word) {
    for (std::size_t i = 0; i < headers.size(); ++i) {
        if (headers.name(i) != name) continue;
        auto list = headers.value(i);
        while (!list.empty()) {
            auto comma = std::min(list.find(','), list.size());
            if (same_word(trimmed(list.substr(0, comma)), word)) return true;
            list.remove_prefix(std::min(comma + 1, list.size()));
        }
    }
    return false;
}

/// What tokenisers forgive and smugglers use: folded lines, bare CR or LF, control characters.
const char* suspicious(std::string_view head) {
    for (std::size_t i = 0; i < head.size(); ++i) {
        auto c = static_cast<unsigned char>(head[i]);
        if (c >= 0x20 && c != 0x7f) continue;
        if (c == '\t') continue;
        if (c == '\r' && i + 1 < head.size() && head[i + 1] == '\n') {
            ++i;
            if (i + 1 < head.size() && (head[i + 1] == ' ' || head[i + 1] == '\t'))
                return "A header line is folded.";
            continue;
        }
        if (c == '\n' || c == '\r') return "A line does not end with CR and LF.";
        return "The header has a control character.";
    }
    return nullptr;
}

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

/// Beast's tokeniser; what it finds goes straight into our request.
class Tokens final : public http::basic_parser<true> {
public:
    Tokens(HttpRequest& request, const HttpLimits& limits) : request_(request), limits_(limits) {
        header_limit(static_cast<std::uint32_t>(limits.header_bytes + 4));
        body_limit(limits.body_bytes);
        eager(true);
    }
    bool head_done = false;
    bool too_many = false;
    bool too_long = false;
    int version = 11;

private:
    void on_request_impl(
        http::verb, string_view method, string_view target, int wanted, error_code& ec
    ) override {
        version = wanted;
        request_.method.assign(method.data(), method.size());
        request_.target.assign(target.data(), target.size());
        if (target.size() > limits_.target_bytes) {
            too_long = true;
            ec = http::error::header_limit;
        }
    }
    void on_response_impl(int, string_view, int, error_code&) override {}
    void on_field_impl(http::field, string_view name, string_view value, error_code& ec) override {
        if (head_done) return; // a trailer
        if (request_.headers.size() >= limits_.header_count) {
            too_many = true;
            ec = http::error::header_limit;
            return;
        }
        request_.headers.add({name.data(), name.size()}, {value.data(), value.size()});
    }
    void on_header_impl(error_code&) override { head_done = true; }
    void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
        if (length)
            request_.body.reserve(
                static_cast<std::size_t>(std::min<std::uint64_t>(*length, 64 * 1024))
            );
    }
    std::size_t on_body_impl(string_view piece, error_code&) override {
        request_.body.append(piece.data(), piece.size());
        return piece.size();
    }
    void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, string_view piece, error_code&) override {
        request_.body.append(piece.data(), piece.size());
        return piece.size();
    }
    void on_finish_impl(error_code&) override {}

    HttpRequest& request_;
    const HttpLimits& limits_;
};

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
    bool check_head();
    bool check_lengths();
    bool check_host();
    bool absolute_to_origin();
    void look_for_websocket();

    HttpLimits limits;
    State state = State::idle;
    HttpRequest request;
    std::optional<Tokens> tokens;
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
        if (const char* bad =
                suspicious(all.substr(0, all.size() - (all.ends_with('\r') ? 1 : 0)))) {
            refuse(400, bad);
            return bytes.size();
        }
        if (held == 0) pending = bytes;
        searched = pending.size();
        return bytes.size();
    }
    auto head = all.substr(0, end + 4);
    auto used = head.size() - held;
    if (const char* bad = suspicious(head)) {
        refuse(400, bad);
        return used;
    }
    tokens.emplace(request, limits);
    error_code ec;
    tokens->eager(false);
    tokens->put(boost::asio::const_buffer(head.data(), head.size()), ec);
    tokens->eager(true);
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

bool HttpReader::Impl::check_head() {
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
    // Beast wants to see a whole chunk line at once, so an incomplete one is kept here.
    std::string_view all = bytes;
    auto held = pending.size();
    if (held > 0) {
        pending += bytes;
        all = pending;
    }
    std::size_t at = 0;
    error_code ec;
    while (!tokens->is_done()) {
        auto put = tokens->put(boost::asio::const_buffer(all.data() + at, all.size() - at), ec);
        at += put;
        if (ec == http::error::need_more || (!ec && at == all.size())) break;
        if (ec) {
            refuse(ec);
            return bytes.size();
        }
    }
    if (request.body.size() > limits.body_bytes) {
        refuse(http::error::body_limit);
        return bytes.size();
    }
    if (tokens->is_done()) {
        state = State::done;
        pending.clear();
        return at - held;
    }
    if (all.size() - at > max_chunk_line) {
        refuse(400, "A chunk line or the trailer is too long.");
        return bytes.size();
    }
    std::string rest(all.substr(at));
    pending = std::move(rest);
    return bytes.size();
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
