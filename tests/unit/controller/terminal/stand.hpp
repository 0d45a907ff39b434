/// Terminals between browsers and a server that the test plays, without a socket.
#pragma once

#include "common/async/cancelled.hpp"
#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "common/crypto/random.hpp"
#include "common/stream/carrier.hpp"
#include "controller/terminal/terminals.hpp"
#include "proto/messages.hpp"
#include "seats.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/json.hpp>
#include <doctest/doctest.h>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::terminal {

using namespace std::chrono_literals;

/// What a browser and its connection hold; outlives the controller's side.
struct Page {
    explicit Page(Executor executor) : readable(executor), writable(executor), news(executor) {}

    void say(const boost::json::object& message) {
        in.emplace_back(net::MessageKind::text, boost::json::serialize(message));
        readable.notify();
    }
    void type(std::string bytes) {
        in.emplace_back(net::MessageKind::binary, std::move(bytes));
        readable.notify();
    }
    void took() { say({{"type", "took"}, {"bytes", from + output.size()}}); }
    /// The connection ends; with 1006 it broke.
    void end(std::uint16_t with) {
        code = with;
        ended = true;
        readable.notify();
        writable.notify();
    }
    Task<> until(std::function<bool()> done) {
        while (!done()) co_await news.wait();
    }
    const boost::json::object* heard(std::string_view type) const {
        for (const auto& text : texts)
            if (text.at("type").as_string() == boost::json::string_view(type.data(), type.size()))
                return &text;
        return nullptr;
    }
    std::string reason() const {
        const auto* said = heard("ended");
        return said ? std::string(said->at("reason").as_string()) : "";
    }

    std::deque<net::Message> in;
    std::string output;
    std::uint64_t from = 0; ///< offset of the first byte of `output`
    std::vector<boost::json::object> texts;
    bool takes = true; ///< false: writes wait
    bool ended = false, over = false;
    std::uint16_t code = 1006, closed_with = 0;
    std::string closed_for;
    Event readable, writable, news;
};

class PlayedBrowser final : public Browser {
public:
    explicit PlayedBrowser(std::shared_ptr<Page> page) : page_(std::move(page)) {}
    ~PlayedBrowser() override {
        page_->over = true;
        page_->news.notify();
    }

    Task<Result<net::Message>> read() override {
        while (page_->in.empty() && !page_->ended) co_await page_->readable.wait();
        if (page_->in.empty()) co_return fail(Errc::unavailable, "It has ended.");
        auto message = std::move(page_->in.front());
        page_->in.pop_front();
        co_return message;
    }
    Task<Result<>> write(net::MessageKind kind, std::string_view data) override {
        while (!page_->takes && !page_->ended) co_await page_->writable.wait();
        if (page_->ended) co_return fail(Errc::unavailable, "It has ended.");
        if (kind == net::MessageKind::binary)
            page_->output += data;
        else
            page_->texts.push_back(
                boost::json::parse(boost::json::string_view(data.data(), data.size())).as_object()
            );
        page_->news.notify();
        co_return Result<>();
    }
    Task<Result<>> ping() override { co_return Result<>(); }
    Task<> close(std::uint16_t code, std::string reason) override {
        page_->closed_with = code;
        page_->closed_for = std::move(reason);
        page_->end(1000);
        co_return;
    }
    void abort() override { page_->end(1006); }
    std::uint16_t close_code() const override { return page_->code; }
    std::chrono::steady_clock::duration silence() const override { return 0s; }

private:
    std::shared_ptr<Page> page_;
};

class PlayedJournal final : public Journal {
public:
    Result<> opened(const Seat& seat) override {
        add("open " + seat.unix_user);
        if (before_open) before_open();
        return refuses ? Result<>(fail(Errc::unavailable, "The store is busy.")) : Result<>();
    }
    Result<> closed(const Seat&, const Ending& ending, std::chrono::milliseconds) override {
        add((ending.refused ? "refuse " : "close ") + ending.reason);
        return {};
    }
    std::vector<std::string> entries() const {
        std::scoped_lock lock(mutex_);
        return entries_;
    }
    bool refuses = false;
    std::function<void()> before_open;

private:
    void add(std::string entry) {
        std::scoped_lock lock(mutex_);
        entries_.push_back(std::move(entry));
    }
    mutable std::mutex mutex_;
    std::vector<std::string> entries_;
};

struct TerminalStand {
    explicit TerminalStand(TerminalOptions options = TerminalOptions())
        : terminals(
              {io.get_executor(), pool, clock, journal, directory, tickets,
               [this](SeatPtr seat) { return open(std::move(seat)); }},
              options
          ),
          arrived(io.get_executor()), browsers(io.get_executor()) {
        crypto::start();
        attach();
    }

    // ---- the link

    void attach() {
        ours.attach([this] { move(ours, theirs, moving_down); });
        theirs.attach([this] { move(theirs, ours, moving_up); });
    }
    void detach() {
        ours.detach(std::chrono::steady_clock::now());
        theirs.detach(std::chrono::steady_clock::now());
    }
    void move(stream::Carrier& from, stream::Carrier& to, bool& pending) {
        if (std::exchange(pending, true)) return;
        asio::post(io, [&] {
            pending = false;
            std::string frame;
            while (from.attached() && to.attached() && from.next(frame)) REQUIRE(to.receive(frame));
        });
    }
    Task<Result<stream::Stream>> open(SeatPtr seat) {
        if (!failure.empty())
            co_return fail(Error(Errc::unavailable, "It is away.").with_code(failure));
        co_return ours.open("terminal " + seat->unix_user);
    }
    /// The next stream as the agent has it.
    Task<stream::Stream*> agent() {
        while (!server) co_await arrived.wait();
        co_return server.get();
    }
    /// What was typed, as it comes from the agent's end of the stream.
    Task<std::string> typed(std::size_t size) {
        auto* stream = co_await agent();
        while (input.size() < size) {
            auto bytes = co_await stream->read();
            if (!bytes || bytes->empty()) break;
            std::string_view rest = *bytes;
            for (;;) {
                auto part = reader.next(rest);
                REQUIRE(part);
                if (!*part) break;
                if ((*part)->type == proto::TerminalMessage::input)
                    input += (*part)->bytes;
                else
                    size_told = (*part)->size;
            }
        }
        co_return input;
    }
    Task<> print(std::string text) {
        auto* stream = co_await agent();
        auto message = proto::write_output(text);
        auto written = co_await stream->write(message);
        static_cast<void>(written);
    }
    Task<> exit(proto::TerminalEnd end) {
        auto* stream = co_await agent();
        auto message = proto::write_end(end);
        auto written = co_await stream->write(message);
        CHECK(written);
        stream->close();
    }

    // ---- browsers

    SeatPtr reserve(Seat seat) { return directory.reserve(std::move(seat)).value(); }
    std::shared_ptr<Page> connect(const Seat& seat) {
        api::SocketOffer offer{seat.id.str(), seat.user, seat.session, seat.address};
        return connect(std::move(offer));
    }
    std::shared_ptr<Page> connect(api::SocketOffer offer) {
        auto page = std::make_shared<Page>(io.get_executor());
        auto what = std::make_shared<const api::SocketOffer>(std::move(offer));
        browsers.spawn(terminals.serve(what, std::make_unique<PlayedBrowser>(page)));
        return page;
    }
    void show_ticket(Page& page, const Seat& seat) {
        page.say({{"type", "open"}, {"ticket", tickets.sign(seat).reveal()}});
    }
    /// A page that shows a new terminal, whose server has a stream of it.
    Task<std::shared_ptr<Page>> open_page(SeatPtr seat) {
        auto page = connect(*seat);
        show_ticket(*page, *seat);
        co_await page->until([&] { return page->heard("opened") || page->over; });
        REQUIRE(page->heard("opened"));
        auto* stream = co_await agent();
        REQUIRE(stream);
        co_return page;
    }
    std::shared_ptr<Page>
    resume(const Seat& seat, std::string_view secret, std::uint64_t received) {
        auto page = connect(seat);
        page->from = received;
        page->say({{"type", "resume"}, {"secret", secret}, {"received", received}});
        return page;
    }
    static std::string secret_of(const Page& page, std::string_view type = "opened") {
        return std::string(page.heard(type)->at("secret").as_string());
    }

    void run(std::function<Task<>()> body) {
        std::exception_ptr failed;
        auto all = [&]() -> Task<> {
            std::exception_ptr thrown;
            try {
                co_await body();
            } catch (...) {
                thrown = std::current_exception();
            }
            browsers.cancel();
            co_await browsers.join();
            server.reset();
            co_await terminals.stop();
            if (thrown) std::rethrow_exception(thrown);
        };
        asio::co_spawn(io, all(), [&](std::exception_ptr thrown) { failed = std::move(thrown); });
        io.run();
        if (failed) std::rethrow_exception(failed);
    }

    asio::io_context io{1};
    WorkerPool pool{1};
    FakeClock clock;
    PlayedJournal journal;
    Directory directory;
    Tickets tickets;
    stream::Carrier ours{io.get_executor(), stream::Role::acceptor};
    std::unique_ptr<stream::Stream> server;
    std::string failure; ///< why no stream is opened
    Terminals terminals;
    Event arrived;
    TaskGroup browsers;
    proto::TerminalReader reader{proto::TerminalSide::controller};
    std::string input;
    proto::TerminalSize size_told;
    bool moving_down = false, moving_up = false;
    std::function<void(stream::Stream)> take = [this](stream::Stream stream) {
        server = std::make_unique<stream::Stream>(std::move(stream));
        arrived.notify();
    };
    stream::Carrier theirs{
        io.get_executor(), stream::Role::dialler, stream::Limits(),
        [this](stream::Stream stream) { take(std::move(stream)); }};
};

} // namespace fairlead::terminal
