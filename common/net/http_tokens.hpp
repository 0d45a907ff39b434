/// Beast's tokeniser as the readers of this folder use it: heads at once, bodies in pieces.
#pragma once

#include "common/net/http.hpp"
#include "common/net/http_server.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead::net {

/// Whether Connection lists more than anybody needs, empty words too. Each field is held against
/// each of them.
inline bool lists_too_much(const Headers& headers) {
    constexpr std::ptrdiff_t most = 32;
    std::ptrdiff_t words = 0;
    for (std::size_t i = 0; i < headers.size(); ++i)
        if (headers.name(i) == "connection") words += 1 + std::ranges::count(headers.value(i), ',');
    return words > most;
}

/// What it finds goes straight into the caller's variables, which outlive it.
template <bool is_request>
class HttpTokens final : public boost::beast::http::basic_parser<is_request> {
    using error_code = boost::system::error_code;
    using string_view = boost::beast::string_view;
    using header_errors = boost::beast::http::error;

public:
    HttpTokens(Headers& headers, std::string& body, const HttpLimits& limits)
        : headers_(headers), body_(body), limits_(limits) {
        this->header_limit(static_cast<std::uint32_t>(limits.header_bytes + 4));
        this->body_limit(limits.body_bytes);
        this->eager(true);
    }

    /// `head` ends with the empty line.
    void read_head(std::string_view head, error_code& ec) {
        this->eager(false);
        this->put(boost::asio::const_buffer(head.data(), head.size()), ec);
        this->eager(true);
    }

    /// Uses bytes of the body and says how many. Beast wants to see a whole chunk line at once, so
    /// `held` keeps one that is incomplete; of it, error::header_limit when it is too long.
    std::size_t read_body(std::string_view bytes, std::string& held, error_code& ec) {
        std::string_view all = bytes;
        auto before = held.size();
        if (before > 0) {
            held += bytes;
            all = held;
        }
        std::size_t at = 0;
        while (!this->is_done()) {
            at += this->put(boost::asio::const_buffer(all.data() + at, all.size() - at), ec);
            if (ec == header_errors::need_more || (!ec && at == all.size())) break;
            if (ec) return bytes.size();
        }
        ec = {};
        if (this->is_done()) {
            held.clear();
            return at - before;
        }
        if (all.size() - at > max_chunk_line) {
            ec = header_errors::header_limit;
            return bytes.size();
        }
        std::string rest(all.substr(at));
        held = std::move(rest);
        return bytes.size();
    }

    std::string method, target;
    int version = 11;
    int status = 0;
    bool head_done = false;
    bool too_many = false;
    bool too_long = false;

private:
    static constexpr std::size_t max_chunk_line = 4 * 1024;
    static constexpr std::size_t max_extensions = 1024; // nobody sends any

    void on_request_impl(
        boost::beast::http::verb, string_view verb, string_view wanted, int number, error_code& ec
    ) override {
        version = number;
        method.assign(verb.data(), verb.size());
        target.assign(wanted.data(), wanted.size());
        if (wanted.size() > limits_.target_bytes) {
            too_long = true;
            ec = header_errors::header_limit;
        }
    }
    void on_response_impl(int code, string_view, int number, error_code&) override {
        version = number;
        status = code;
    }
    void on_field_impl(
        boost::beast::http::field, string_view name, string_view value, error_code& ec
    ) override {
        if (head_done) return; // a trailer
        if (headers_.size() >= limits_.header_count) {
            too_many = true;
            ec = header_errors::header_limit;
            return;
        }
        headers_.add({name.data(), name.size()}, {value.data(), value.size()});
    }
    void on_header_impl(error_code&) override { head_done = true; }
    void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
        if (length)
            body_.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(*length, 64 * 1024)));
    }
    std::size_t on_body_impl(string_view piece, error_code&) override {
        body_.append(piece.data(), piece.size());
        return piece.size();
    }
    void on_chunk_header_impl(std::uint64_t, string_view extensions, error_code& ec) override {
        if (extensions.size() > max_extensions) ec = header_errors::header_limit;
    }
    std::size_t on_chunk_body_impl(std::uint64_t, string_view piece, error_code&) override {
        body_.append(piece.data(), piece.size());
        return piece.size();
    }
    void on_finish_impl(error_code&) override {}

    Headers& headers_;
    std::string& body_;
    const HttpLimits& limits_;
};

} // namespace fairlead::net
