#include "common/net/wire.hpp"

#include "common/net/http_session.hpp"

namespace fairlead::net {

namespace {

// Read and dropped after a refusal, so that the answer arrives: more than the largest body that a
// client sends in good faith, for a time that costs little.
constexpr std::size_t lingering = 2 * 1024 * 1024;
constexpr auto lingering_time = std::chrono::seconds(5);

/// A limit of one direction. When it passes the stream's waits end, both ways.
class Alarm final : public Deadlines::Member {
public:
    explicit Alarm(TlsStream& stream) : stream_(stream) {}
    void expire() override {
        rang = true;
        stream_.cancel();
    }
    bool rang = false;

private:
    TlsStream& stream_;
};

/// Sets an alarm for as long as one wait lasts, however that ends.
class Waiting {
public:
    Waiting(Deadlines& deadlines, Alarm& alarm, Wire::Limit limit)
        : deadlines_(deadlines), alarm_(alarm) {
        if (limit != Wire::unlimited) deadlines_.set(alarm_, limit);
    }
    Waiting(const Waiting&) = delete;
    ~Waiting() { deadlines_.clear(alarm_); }

private:
    Deadlines& deadlines_;
    Alarm& alarm_;
};

class TlsWire final : public Wire {
public:
    TlsWire(HttpService& service, Connection& connection)
        : service_(service), connection_(connection), stream_(*connection.stream),
          deadlines_(service.deadlines), reading_(stream_), writing_(stream_) {}

    const PeerInfo& peer() const override { return *connection_.peer; }

    Task<Result<>> wait_readable(Limit limit) override {
        error_code ec;
        if (reading_.rang) co_return fail(stream_.failure(asio::error::timed_out));
        Waiting waiting(*deadlines_, reading_, limit);
        co_await stream_.wait_readable(ec);
        if (ec) co_return fail(failure(ec));
        co_return Result<>();
    }

    Task<Result<std::size_t>> read_some(char* into, std::size_t size, Limit limit) override {
        error_code ec;
        if (reading_.rang) co_return fail(stream_.failure(asio::error::timed_out));
        Waiting waiting(*deadlines_, reading_, limit);
        auto got = co_await stream_.read_some(into, size, ec);
        if (ec) co_return fail(failure(ec));
        co_return got;
    }

    Task<Result<>> write(std::string_view first, std::string_view second, Limit limit) override {
        error_code ec;
        if (writing_.rang) co_return fail(stream_.failure(asio::error::timed_out));
        Waiting waiting(*deadlines_, writing_, limit);
        co_await stream_.write_all(first, second, ec);
        if (ec) co_return fail(failure(ec));
        co_return Result<>();
    }

    Task<> finish() override { return linger(stream_); }

    void abort() override { stream_.break_off(); }

    void may_be_cut(bool now) override {
        connection_.activity = now ? Activity::idle : Activity::request;
    }

    bool stopping() const override { return service_.stopping; }

private:
    bool late() const { return reading_.rang || writing_.rang; }
    Error failure(const error_code& ec) const {
        return stream_.failure(late() ? error_code(asio::error::timed_out) : ec);
    }

    HttpService& service_;
    Connection& connection_;
    TlsStream& stream_;
    std::shared_ptr<Deadlines> deadlines_;
    Alarm reading_, writing_;
};

} // namespace

Task<> linger(TlsStream& stream) {
    stream.set_deadline(lingering_time);
    error_code ignored;
    stream.socket().shutdown(asio::socket_base::shutdown_send, ignored);
    char dropped[4096];
    for (std::size_t all = 0; all < lingering;) {
        error_code ec;
        auto size = co_await stream.read_some(dropped, sizeof dropped, ec);
        if (size == 0) break;
        all += size;
    }
}

Task<> serve_wire(HttpService& service, Connection& connection, const WireHandler& handler) {
    connection.activity = Activity::idle;
    TlsWire wire(service, connection);
    co_await handler(wire);
}

} // namespace fairlead::net
