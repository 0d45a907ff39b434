#include "common/net/http_session.hpp"

#include "common/async/task_group.hpp"
#include "common/net/http_reader.hpp"
#include "common/net/websocket_impl.hpp"
#include "common/runtime/log.hpp"

#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include <cstring>
#include <ctime>
#include <optional>

namespace fairlead::net {

namespace {

constexpr std::size_t buffer_size = 8 * 1024;
constexpr std::size_t joined_body = 16 * 1024; // up to here head and body go in one record

using State = HttpReader::State;

bool has_body(int status) {
    return status >= 200 && status != 204 && status != 304;
}

void append_clean(std::string& out, std::string_view text) {
    for (char c : text) out += static_cast<unsigned char>(c) < 0x20 && c != '\t' ? ' ' : c;
}

/// Cancels the handler of a connection when it takes too long.
class HandlerAlarm final : public Deadlines::Member {
public:
    explicit HandlerAlarm(Connection& connection) : connection_(connection) {}
    void expire() override {
        connection_.handler_late = true;
        connection_.signal.emit(asio::cancellation_type::terminal);
    }

private:
    Connection& connection_;
};

class HttpSession {
public:
    HttpSession(HttpService& service, Connection& connection)
        : service_(service), connection_(connection), stream_(*connection.stream),
          reader_(service.limits) {}

    Task<> run();
    Task<bool> read_request();
    Task<Result<WebSocket>> upgrade(HttpRequest request, Headers extra, WebSocketLimits limits);
    HttpRequest take() {
        auto request = reader_.take();
        request.peer = connection_.peer;
        return request;
    }
    bool has_leftover() const { return begin_ < end_; }
    Task<> refuse(int status, std::string_view reason);

private:
    Task<bool> read_more();
    Task<bool> answer(HttpRequest request);
    Task<HttpResponse> call(HttpRequest request);
    Task<bool> send(HttpResponse response, bool head);
    Task<bool> send_stream(HttpResponse response);
    void write_head(const HttpResponse& response, bool head);
    HttpResponse refusal(int status, std::string_view reason);

    class Pieces;
    Task<> watch_peer(TaskGroup& group);

    HttpService& service_;
    Connection& connection_;
    TlsStream& stream_;
    HttpReader reader_;
    std::unique_ptr<char[]> buffer_;
    std::size_t begin_ = 0, end_ = 0;
    std::string out_;
    bool keep_ = true;
    bool old_version_ = false;
};

/// False when there was nothing more.
Task<bool> HttpSession::read_more() {
    if (!buffer_) buffer_ = std::make_unique<char[]>(buffer_size);
    error_code ec;
    begin_ = end_ = 0;
    end_ = co_await stream_.read_some(buffer_.get(), buffer_size, ec);
    if (ec == asio::error::timed_out && reader_.state() != State::idle)
        co_await refuse(
            408, reader_.state() == State::head ? "The header took too long to arrive."
                                                : "The body took too long to arrive."
        );
    co_return end_ > 0;
}

/// False when the connection is over.
Task<bool> HttpSession::read_request() {
    if (!has_leftover()) connection_.activity = Activity::idle;
    stream_.set_deadline(service_.limits.idle_time);
    for (auto before = State::idle;;) {
        if (begin_ == end_) {
            auto more = co_await read_more();
            if (!more) co_return false;
        }
        connection_.activity = Activity::request;
        begin_ += reader_.feed({buffer_.get() + begin_, end_ - begin_});
        auto now = reader_.state();
        if (now == State::done) break;
        if (now == State::refused) {
            co_await refuse(reader_.problem().status, reader_.problem().reason);
            co_return false;
        }
        if (now != before)
            stream_.set_deadline(
                now == State::head ? service_.limits.header_time : service_.limits.body_time
            );
        if (now == State::body && begin_ == end_ && reader_.expects_continue()) {
            error_code ec;
            co_await stream_.write_all("HTTP/1.1 100 Continue\r\n\r\n", {}, ec);
            if (ec) co_return false;
        }
        before = now;
    }
    keep_ = reader_.keep_alive();
    old_version_ = reader_.http_1_0();
    co_return true;
}

Task<> HttpSession::run() {
    for (;;) {
        auto got = co_await read_request();
        if (!got) co_return;
        ++service_.requests;
        auto request = take();
        auto go_on = co_await answer(std::move(request));
        if (!go_on) co_return;
    }
}

/// True when another request may follow.
Task<bool> HttpSession::answer(HttpRequest request) {
    bool head = request.method == "HEAD";
    std::optional<HttpRequest> upgrading;
    if (request.wants_websocket) upgrading = request;
    auto response = co_await call(std::move(request));
    if (response.upgrade && upgrading) {
        if (has_leftover()) co_return false; // nobody may speak before the 101
        auto run = std::move(response.upgrade);
        auto headers = std::move(response.headers);
        auto socket =
            co_await upgrade(*std::move(upgrading), std::move(headers), response.upgrade_limits);
        if (socket) co_await run(*std::move(socket));
        co_return false;
    }
    if (response.upgrade) {
        response = refusal(426, "This address speaks WebSocket only.");
        response.headers.set("upgrade", "websocket");
    }
    if (response.close || service_.stopping) keep_ = false;
    if (response.stream && !head) co_return co_await send_stream(std::move(response));
    co_return co_await send(std::move(response), head);
}

Task<HttpResponse> HttpSession::call(HttpRequest request) {
    stream_.clear_deadline();
    HandlerAlarm alarm(connection_);
    service_.deadlines->set(alarm, service_.limits.handler_time);
    connection_.handler_late = false;
    HttpResponse response;
    bool failed = false;
    try {
        response = co_await service_.handler(std::move(request));
    } catch (const boost::system::system_error& error) {
        if (error.code() != asio::error::operation_aborted || !connection_.handler_late) {
            if (error.code() == asio::error::operation_aborted) throw;
            log::error("an HTTP handler failed", {{"reason", error.what()}});
        }
        failed = true;
    } catch (const std::exception& error) {
        log::error("an HTTP handler failed", {{"reason", error.what()}});
        failed = true;
    }
    if (connection_.handler_late) co_await asio::this_coro::reset_cancellation_state();
    if (failed)
        response =
            connection_.handler_late
                ? refusal(503, "The request took too long.")
                : refusal(500, "Something went wrong here; the log of the controller says what.");
    co_return response;
}

HttpResponse HttpSession::refusal(int status, std::string_view reason) {
    if (service_.refusal) return service_.refusal(status, reason);
    return HttpResponse(status, "text/plain; charset=utf-8", std::string(reason) + "\n");
}

void HttpSession::write_head(const HttpResponse& response, bool head) {
    out_.clear();
    out_ += "HTTP/1.1 ";
    out_ += std::to_string(response.status);
    out_ += ' ';
    out_ += reason_phrase(response.status);
    out_ += "\r\n";
    for (std::size_t i = 0; i < response.headers.size(); ++i) {
        append_clean(out_, response.headers.name(i));
        out_ += ": ";
        append_clean(out_, response.headers.value(i));
        out_ += "\r\n";
    }
    bool chunked = response.stream && !old_version_;
    if (chunked) {
        out_ += "transfer-encoding: chunked\r\n";
    } else if (!response.stream && (has_body(response.status) || head)) {
        out_ += "content-length: ";
        out_ += std::to_string(response.content().size());
        out_ += "\r\n";
    }
    out_ += "date: ";
    out_ += service_.date();
    if (!keep_)
        out_ += "\r\nconnection: close";
    else if (old_version_)
        out_ += "\r\nconnection: keep-alive";
    out_ += "\r\n\r\n";
}

Task<bool> HttpSession::send(HttpResponse response, bool head) {
    write_head(response, head);
    auto body = head || !has_body(response.status) ? std::string_view() : response.content();
    if (body.size() <= joined_body) {
        out_ += body;
        body = {};
    }
    stream_.set_deadline(service_.limits.write_time);
    error_code ec;
    co_await stream_.write_all(out_, body, ec);
    if (out_.capacity() > 4 * joined_body) std::string().swap(out_);
    co_return !ec && keep_;
}

class HttpSession::Pieces final : public BodyWriter {
public:
    explicit Pieces(HttpSession& session) : session_(session) {}

    Task<Result<>> write(std::string_view piece) override {
        if (piece.empty()) co_return Result<>();
        auto& out = session_.out_;
        out.clear();
        if (!session_.old_version_) {
            char size[20];
            out.append(
                size,
                static_cast<std::size_t>(std::snprintf(size, sizeof size, "%zx\r\n", piece.size()))
            );
        }
        out += piece;
        if (!session_.old_version_) out += "\r\n";
        session_.stream_.set_deadline(session_.service_.limits.write_time);
        error_code ec;
        co_await session_.stream_.write_all(out, {}, ec);
        session_.stream_.clear_deadline();
        if (out.capacity() > 1024) std::string().swap(out);
        if (ec) co_return fail(session_.stream_.failure(ec));
        co_return Result<>();
    }

private:
    HttpSession& session_;
};

/// While a stream runs, somebody must notice that the peer has gone.
Task<> HttpSession::watch_peer(TaskGroup& group) {
    error_code ec;
    for (char byte = 0;;) {
        co_await stream_.wait_readable(ec);
        if (ec) break;
        auto size = co_await stream_.read_some(&byte, 1, ec);
        if (size == 0) break;
        keep_ = false; // a pipelined request behind an endless answer is not worth keeping
    }
    group.cancel();
}

Task<bool> HttpSession::send_stream(HttpResponse response) {
    connection_.activity = Activity::open_end;
    if (old_version_) keep_ = false;
    write_head(response, false);
    stream_.set_deadline(service_.limits.write_time);
    error_code ec;
    co_await stream_.write_all(out_, {}, ec);
    stream_.clear_deadline();
    if (ec) co_return false;
    if (!has_leftover()) buffer_.reset();

    auto executor = co_await asio::this_coro::executor;
    TaskGroup group(executor);
    bool whole = false;
    auto produce = [&]() -> Task<> {
        Pieces pieces(*this);
        co_await response.stream(pieces);
        whole = true;
        group.cancel();
    };
    group.spawn(produce());
    group.spawn(watch_peer(group));
    std::exception_ptr failed;
    try {
        co_await group.join();
    } catch (const boost::system::system_error& error) {
        if (error.code() == asio::error::operation_aborted) throw;
        log::error("an HTTP stream failed", {{"reason", error.what()}});
        co_return false;
    } catch (const std::exception& error) {
        log::error("an HTTP stream failed", {{"reason", error.what()}});
        co_return false;
    }
    if (!whole || old_version_) co_return false;
    stream_.set_deadline(service_.limits.write_time);
    co_await stream_.write_all("0\r\n\r\n", {}, ec);
    co_return !ec && keep_;
}

Task<Result<WebSocket>>
HttpSession::upgrade(HttpRequest request, Headers extra, WebSocketLimits limits) {
    connection_.activity = Activity::open_end;
    buffer_.reset();
    return accept_websocket(connection_.stream, std::move(request), std::move(extra), limits);
}

Task<> HttpSession::refuse(int status, std::string_view reason) {
    keep_ = false;
    auto response = refusal(status, reason);
    auto sent = co_await send(std::move(response), false);
    static_cast<void>(sent);
    co_await linger(stream_);
}

} // namespace

const std::string& HttpService::date() {
    auto now = std::chrono::system_clock::now();
    if (now - date_at_ < std::chrono::seconds(1) && now >= date_at_ && !date_.empty()) return date_;
    date_at_ = std::chrono::floor<std::chrono::seconds>(now);
    auto seconds = std::chrono::system_clock::to_time_t(now);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char text[64];
    std::snprintf(
        text, sizeof text, "%s, %02d %s %d %02d:%02d:%02d GMT", days[parts.tm_wday], parts.tm_mday,
        months[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec
    );
    date_ = text;
    return date_;
}

Task<> serve_http(HttpService& service, Connection& connection) {
    HttpSession session(service, connection);
    co_await session.run();
}

Task<Result<WebSocket>> accept_agent(
    HttpService& service, Connection& connection, const std::string& path,
    const WebSocketLimits& limits
) {
    std::optional<HttpSession> session;
    session.emplace(service, connection);
    auto got = co_await session->read_request();
    if (!got) co_return fail(Errc::unavailable, "The agent sent no request for the link.");
    auto request = session->take();
    if (!request.wants_websocket || request.path() != path || session->has_leftover()) {
        co_await session->refuse(
            404, "On this protocol only the agent link is served, at " + path + "."
        );
        co_return fail(
            Errc::invalid, "The agent asked for " + request.target + " instead of the link."
        );
    }
    session.reset();
    connection.activity = Activity::open_end;
    co_return co_await accept_websocket(connection.stream, std::move(request), Headers(), limits);
}

} // namespace fairlead::net
