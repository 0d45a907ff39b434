/// An edge between a client and a site that the test plays, without a socket.
#pragma once

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/net/wire.hpp"
#include "common/stream/carrier.hpp"
#include "controller/edge/edge.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::edge {

using namespace std::chrono_literals;

/// The edge's side of a connection; the test has the other one.
class PlayedWire final : public net::Wire {
public:
    PlayedWire(Executor executor, std::string server_name, std::string address = "203.0.113.7")
        : readable_(executor), taken_(executor), news_(executor) {
        peer_.server_name = std::move(server_name);
        peer_.address = std::move(address);
    }

    // ---- the client

    void send(std::string_view bytes) {
        in_ += bytes;
        readable_.notify();
    }
    void end() {
        ended_ = true;
        readable_.notify();
    }
    /// Waits until `done` holds for what has come, or the edge has ended the connection.
    Task<> until(std::function<bool(const std::string&)> done) {
        while (!done(out) && !over) co_await news_.wait();
    }
    /// Makes room in a client that takes no more than `room` bytes.
    void take(std::size_t more) {
        room += more;
        taken_.notify();
    }
    std::string out; ///< what the edge sent
    std::size_t room = 1 << 30;
    bool over = false, finished = false, aborted = false, may_cut = false, stops = false;
    void set_over() {
        over = true;
        news_.notify();
    }

    // ---- the edge

    const net::PeerInfo& peer() const override { return peer_; }
    /// Shown and verified in the handshake.
    void show(std::optional<net::PeerCertificate> certificate) {
        peer_.certificate = std::move(certificate);
    }

    Task<Result<>> wait_readable(Limit limit) override {
        while (in_.empty() && !ended_ && !aborted) {
            auto came = co_await wait_on(readable_, limit);
            if (!came) co_return fail(std::move(came).error());
        }
        if (aborted) co_return fail(Errc::unavailable, "It was cut off.");
        co_return Result<>();
    }
    Task<Result<std::size_t>> read_some(char* into, std::size_t size, Limit limit) override {
        auto ready = co_await wait_readable(limit);
        if (!ready) co_return fail(std::move(ready).error());
        auto count = in_.copy(into, size);
        in_.erase(0, count);
        co_return count;
    }
    Task<Result<>> write(std::string_view first, std::string_view second, Limit limit) override {
        std::string all(first);
        all += second;
        while (all.size() > room && !aborted) {
            auto taken = co_await wait_on(taken_, limit);
            if (!taken) co_return fail(std::move(taken).error());
        }
        if (aborted) co_return fail(Errc::unavailable, "It was cut off.");
        room -= all.size();
        out += all;
        news_.notify();
        co_return Result<>();
    }
    Task<> finish() override {
        finished = true;
        news_.notify();
        co_return;
    }
    void abort() override {
        aborted = true;
        readable_.notify();
        taken_.notify();
        news_.notify();
    }
    void may_be_cut(bool now) override { may_cut = now; }
    bool stopping() const override { return stops; }

private:
    /// As with a socket, a wait that was cancelled fails and does not throw.
    static Task<Result<>> wait_on(Event& event, Limit limit) {
        bool came = false, cancelled = false;
        try {
            if (limit == unlimited) {
                co_await event.wait();
                came = true;
            } else {
                came = co_await event.wait_for(limit);
            }
        } catch (const boost::system::system_error&) {
            cancelled = true;
        }
        if (cancelled) co_return fail(Errc::unavailable, "Nobody waits any more.");
        if (!came) co_return fail(Errc::timeout, "It took too long.");
        co_return Result<>();
    }

    net::PeerInfo peer_;
    std::string in_;
    bool ended_ = false;
    Event readable_, taken_, news_;
};

/// Plays the site: called for each stream that the edge opens.
using Site = std::function<Task<>(stream::Stream)>;

class Stand {
public:
    explicit Stand(Site plays, EdgeLimits limits = EdgeLimits())
        : site(std::move(plays)),
          edge(io.get_executor(), opener(), Names({"console.example"}, {}), limits) {
        attach();
        auto table = std::make_shared<Table>();
        table->add("shop.example", route());
        edge.use(table);
    }

    /// The link between edge and agent.
    void attach() {
        near.attach([this] { carry(near, far); });
        far.attach([this] { carry(far, near); });
    }
    void detach() {
        near.detach(std::chrono::steady_clock::now());
        far.detach(std::chrono::steady_clock::now());
    }

    static std::shared_ptr<const Route> route(const std::string& environment = "env_shop") {
        auto route = std::make_shared<Route>();
        route->org = OrgId::trusted("org_one");
        route->environment = EnvironmentId::trusted(environment);
        route->server = ServerId::trusted("srv_one");
        route->port = 8069;
        route->gevent_port = 8072;
        return route;
    }

    Opener opener() {
        return [this](
                   std::shared_ptr<const Route> to, std::uint16_t port
               ) -> Task<Result<stream::Stream>> {
            opened.push_back(port);
            if (opens) co_await opens();
            if (!failure.empty())
                co_return fail(Error(Errc::unavailable, "No.").with_code(failure));
            co_return near.open(to->environment.str());
        };
    }

    /// One connection of a client: `client` plays it while the edge serves it.
    Task<> connection(std::shared_ptr<PlayedWire> wire, std::function<Task<>(PlayedWire&)> client) {
        TaskGroup both(io.get_executor());
        auto serve = [&]() -> Task<> {
            co_await edge.serve(*wire);
            wire->set_over();
        };
        auto play = [&]() -> Task<> {
            co_await client(*wire);
            wire->end();
        };
        both.spawn(serve());
        both.spawn(play());
        co_await both.join();
    }

    /// Sends and waits for the edge to end the connection; gives what came.
    std::string talk(const std::string& request, const std::string& name = "shop.example") {
        std::shared_ptr<PlayedWire> wire;
        auto body = [&]() -> Task<> {
            wire = std::make_shared<PlayedWire>(io.get_executor(), name);
            wire->show(certificate);
            std::function<Task<>(PlayedWire&)> client = [&](PlayedWire& one) -> Task<> {
                one.send(request);
                auto never = [](const std::string&) { return false; };
                co_await one.until(never);
            };
            co_await connection(wire, client);
        };
        run(body);
        last = wire;
        return wire->out;
    }

    void run(std::function<Task<>()> body) {
        std::exception_ptr failed;
        sites.emplace(io.get_executor());
        auto all = [&]() -> Task<> {
            std::exception_ptr thrown;
            try {
                co_await body();
            } catch (...) {
                thrown = std::current_exception();
            }
            sites->cancel();
            co_await sites->join();
            if (thrown) std::rethrow_exception(thrown);
        };
        asio::co_spawn(io, all(), [&](std::exception_ptr thrown) { failed = std::move(thrown); });
        io.restart();
        io.run();
        if (failed) std::rethrow_exception(failed);
    }

    void carry(stream::Carrier& from, stream::Carrier& to) {
        asio::post(io, [this, &from, &to] {
            std::string frame;
            if (!to.attached() || !from.next(frame)) return;
            auto taken = to.receive(frame);
            if (!taken) throw std::runtime_error(taken.error().message());
            if (from.has_next()) carry(from, to);
        });
    }

    asio::io_context io{1};
    Site site;
    std::optional<net::PeerCertificate> certificate; ///< of clients that talk()
    std::string failure;                             ///< the code that opening fails with
    std::function<Task<>()> opens;                   ///< awaited before a stream is there
    std::vector<std::uint16_t> opened;
    std::shared_ptr<PlayedWire> last;
    std::optional<TaskGroup> sites; ///< of one run()
    stream::Carrier near{io.get_executor(), stream::Role::acceptor};
    stream::Carrier far{
        io.get_executor(), stream::Role::dialler, stream::Limits(),
        [this](stream::Stream stream) { sites->spawn(site(std::move(stream))); }};
    Edge edge;
};

/// What a site reads until the text has `end` in it, or the stream ends.
inline Task<std::string> read_until(stream::Stream& stream, std::string end) {
    std::string all;
    while (all.find(end) == std::string::npos) {
        auto bytes = co_await stream.read();
        if (!bytes || bytes->empty()) break;
        all += *bytes;
    }
    co_return all;
}

inline const std::string get = "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n";
inline const std::string get_and_stay = "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n";

/// A site that answers each stream's first request with these bytes, and ends.
inline Site answers(std::string text, std::string* seen = nullptr) {
    return [text, seen](stream::Stream stream) -> Task<> {
        auto request = co_await read_until(stream, "\r\n\r\n");
        if (seen) *seen += request;
        auto written = co_await stream.write(text);
        if (!written) co_return;
        stream.close();
        co_await read_until(stream, "never");
    };
}

inline std::string ok(const std::string& body, const std::string& more = "") {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + more +
           "\r\n" + body;
}

/// A site that says hello to each request of a stream.
inline Task<> keeps_answering(stream::Stream stream) {
    for (;;) {
        auto request = co_await read_until(stream, "\r\n\r\n");
        if (request.empty()) co_return;
        auto written = co_await stream.write(ok("hello"));
        if (!written) co_return;
    }
}

inline std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size()))
        ++found;
    return found;
}

/// What a client has that is whole.
inline bool ends(const std::string& text, std::string_view end) {
    return text.ends_with(end);
}

} // namespace fairlead::edge
