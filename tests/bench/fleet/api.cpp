#include "tests/bench/fleet/api.hpp"

#include <fmt/core.h>

#include <charconv>

namespace fairlead::bench {

Task<Result<>> ApiConnection::open() {
    auto connected = co_await net::connect_tls(
        site_.name, site_.port, "http/1.1", tls_, std::chrono::seconds(30)
    );
    if (!connected) co_return fail(std::move(connected).error());
    stream_ = std::move(connected->stream);
    stream_->clear_deadline();
    co_return Result<>();
}

Task<Result<>> ApiConnection::send(std::string method, std::string path, std::string body) {
    if (!stream_ || !stream_->is_open()) FAIRLEAD_CO_CHECK(co_await open());
    auto head = fmt::format(
        "{} {} HTTP/1.1\r\nHost: {}:{}\r\nOrigin: https://{}:{}\r\nCookie: {}\r\n"
        "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        method, path, site_.name, site_.port, site_.name, site_.port, site_.cookie, body.size()
    );
    net::error_code ec;
    co_await stream_->write_all(head, body, ec);
    if (ec) co_return fail(stream_->failure(ec));
    co_return Result<>();
}

Task<Result<>> ApiConnection::fill() {
    char piece[16 * 1024];
    net::error_code ec;
    auto size = co_await stream_->read_some(piece, sizeof piece, ec);
    if (ec || size == 0) {
        auto why = stream_->failure(ec);
        stream_->close();
        co_return fail(std::move(why));
    }
    buffer_.append(piece, size);
    co_return Result<>();
}

Task<Result<Reply>> ApiConnection::call(std::string method, std::string path, std::string body) {
    buffer_.clear();
    FAIRLEAD_CO_CHECK(co_await send(std::move(method), std::move(path), std::move(body)));
    std::size_t end = std::string::npos;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
        FAIRLEAD_CO_CHECK(co_await fill());
    Reply reply;
    std::size_t length = 0;
    auto number = [&](std::size_t at, auto& into) {
        std::from_chars(buffer_.data() + at, buffer_.data() + end, into);
    };
    number(9, reply.status);
    constexpr std::string_view field = "content-length: ";
    if (auto at = buffer_.find(field); at < end) number(at + field.size(), length);
    while (buffer_.size() < end + 4 + length) FAIRLEAD_CO_CHECK(co_await fill());
    reply.body = buffer_.substr(end + 4, length);
    co_return reply;
}

Task<Result<>> ApiConnection::open_events(std::string path) {
    FAIRLEAD_CO_CHECK(co_await send("GET", std::move(path), ""));
    while (buffer_.find("\r\n\r\n") == std::string::npos) FAIRLEAD_CO_CHECK(co_await fill());
    if (buffer_.substr(9, 3) != "200") co_return fail(Errc::unavailable, buffer_.substr(0, 200));
    co_return Result<>();
}

Task<Result<std::string>> ApiConnection::more() {
    buffer_.clear();
    FAIRLEAD_CO_CHECK(co_await fill());
    co_return buffer_;
}

} // namespace fairlead::bench
