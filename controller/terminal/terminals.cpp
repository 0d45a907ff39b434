#include "controller/terminal/terminals.hpp"

#include "common/async/cancelled.hpp"
#include "common/async/event.hpp"
#include "common/async/offload.hpp"
#include "common/async/within.hpp"
#include "common/runtime/log.hpp"
#include "controller/terminal/live.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <utility>

namespace fairlead::terminal {
namespace {

using Steady = std::chrono::steady_clock;

tl::unexpected<Error> nothing_to_resume() {
    return fail(Error(
                    Errc::not_found, "There is nothing to go on with: the terminal has ended, or "
                                     "this is not its browser."
    )
                    .with_code("nothing_to_resume"));
}

/// README.md has the list.
std::uint16_t close_code(const Error& error) {
    if (error.code() == "ticket_refused") return 4401;
    if (error.code() == "nothing_to_resume") return 4404;
    if (error.kind() == Errc::timeout) return 4408;
    if (error.kind() == Errc::invalid) return 4400;
    return 0;
}

Ending not_opened(const Error& error) {
    return {error.code().empty() ? "failed" : error.code(), error.message()};
}

Task<Result<Said>> hear_one(Browser& browser) {
    auto message = co_await browser.read();
    if (!message) co_return fail(Errc::unavailable, message.error().message());
    if (message->kind != net::MessageKind::text)
        co_return fail(Errc::invalid, "The first message opens or resumes the terminal.");
    co_return read_said(message->data);
}

} // namespace

Terminals::Terminals(Parts parts, TerminalOptions options)
    : parts_(std::move(parts)), options_(options), group_(parts_.executor) {}

Terminals::~Terminals() = default;

// ---- one connection

Task<>
Terminals::serve(std::shared_ptr<const api::SocketOffer> offer, std::unique_ptr<Browser> browser) {
    Attendance who(parts_.executor, *browser);
    std::exception_ptr thrown;
    try {
        co_await converse(*offer, who);
    } catch (...) {
        thrown = std::current_exception();
    }
    auto asked = co_await asio::this_coro::cancellation_state;
    co_await asio::this_coro::reset_cancellation_state(); // a goodbye is said all the same
    bool stopped =
        asked.cancelled() != asio::cancellation_type::none || (thrown && is_cancellation(thrown));
    if (stopped)
        who.end(1001, "going_away");
    else if (thrown)
        who.end(1011, "failed");
    if (who.broken || who.code == 0)
        browser->abort();
    else
        co_await browser->close(who.code, who.reason);
    if (thrown && !is_cancellation(thrown)) std::rethrow_exception(thrown);
}

Task<> Terminals::converse(const api::SocketOffer& offer, Attendance& who) {
    if (stopping_ || without_ticket_ >= options_.without_ticket) co_return who.end(1013, "busy");
    auto first = co_await hear_first(who.browser);
    if (!first) {
        who.broken = first.error().kind() == Errc::unavailable;
        co_return who.end(close_code(first.error()), first.error().message());
    }
    auto live = co_await enter(offer, *first, who);
    if (live) co_return co_await attend(*std::move(live), who);
    const auto& why = live.error();
    if (auto code = close_code(why); code != 0)
        co_return who.end(code, why.code().empty() ? why.message() : why.code());
    auto ending = not_opened(why);
    auto text = say_ended(ending);
    auto told = co_await who.browser.write(net::MessageKind::text, text);
    who.broken = !told;
    who.end(1000, ending.reason);
}

Task<Result<Said>> Terminals::hear_first(Browser& browser) {
    struct Count {
        std::size_t& count;
        explicit Count(std::size_t& of) : count(of) { ++count; }
        ~Count() { --count; }
    } counted(without_ticket_);
    auto first = co_await within(options_.first_message, hear_one(browser));
    co_return first;
}

Task<Result<Terminals::LivePtr>>
Terminals::enter(const api::SocketOffer& offer, Said& said, Attendance& who) {
    if (said.what == Said::What::resume) co_return resume(offer, said, who);
    if (said.what == Said::What::open) co_return co_await open_new(offer, said, who);
    co_return fail(Errc::invalid, "The first message opens or resumes the terminal.");
}

Result<Terminals::LivePtr>
Terminals::resume(const api::SocketOffer& offer, const Said& said, Attendance& who) {
    auto found = lives_.find(TerminalId::trusted(offer.subject));
    if (found == lives_.end()) return nothing_to_resume();
    auto live = found->second;
    const auto& seat = live->seat();
    bool theirs = seat.user == offer.user && seat.session == offer.session &&
                  seat.address == offer.address && live->knows(said.proof);
    if (!theirs || live->is_cut() || !live->resume_at(said.bytes)) return nothing_to_resume();
    live->attach(who);
    who.first = say_resumed(live->next_secret(said.proof), live->room().input_received());
    return live;
}

Task<Result<Terminals::LivePtr>>
Terminals::open_new(const api::SocketOffer& offer, Said& said, Attendance& who) {
    auto id = TerminalId::parse(offer.subject);
    if (!id) co_return ticket_refused();
    Bearer bearer{*id, offer.user, offer.session, offer.address};
    auto now = parts_.clock.now();
    auto good = parts_.tickets.check(said.proof.reveal(), bearer, now);
    said.proof = Secret();
    if (!good) co_return fail(std::move(good).error());
    auto taken = parts_.directory.take(*id, now);
    if (!taken) co_return fail(std::move(taken).error());
    auto seat = *std::move(taken);

    auto since = Steady::now();
    opening_[*id] = std::nullopt;
    bool written_down = false;
    std::optional<Error> failed;
    std::exception_ptr thrown;
    LivePtr live;
    try {
        auto written = co_await write_down(seat);
        written_down = written.has_value();
        if (!written) {
            failed = std::move(written).error();
        } else if (!opening_[*id]) {
            auto opened = co_await parts_.opener(seat);
            if (!opened)
                failed = std::move(opened).error();
            else
                live = std::make_shared<Live>(parts_.executor, seat, *std::move(opened), options_);
        }
    } catch (...) {
        thrown = std::current_exception();
    }
    auto stopped_by = std::exchange(opening_[*id], std::nullopt);
    opening_.erase(*id);
    if (live && !stopped_by) {
        lives_[*id] = live;
        live->attach(who);
        who.first = say_opened(
            live->next_secret(Secret()),
            std::chrono::duration_cast<std::chrono::seconds>(options_.patience)
        );
        group_.spawn(run(live));
        co_return live;
    }
    live.reset();
    parts_.directory.remove(*id);
    auto why = stopped_by ? *stopped_by
               : failed   ? not_opened(*failed)
                          : Ending("controller_stops", "The controller stops.");
    if (written_down) group_.spawn(write_end(seat, why, since));
    if (thrown) std::rethrow_exception(thrown);
    co_return fail(Error(Errc::unavailable, why.message).with_code(why.reason));
}

Task<> Terminals::attend(LivePtr live, Attendance& who) {
    if (live->ending().reason.empty()) parts_.directory.mark(live->seat().id, State::open);
    std::exception_ptr thrown;
    {
        TaskGroup both(parts_.executor);
        auto speak = [&]() -> Task<> {
            co_await live->speak(who);
            both.cancel();
        };
        try {
            co_await check_not_cancelled();
            both.spawn(speak());
            both.spawn(listen(*live, who));
            co_await both.join();
        } catch (...) {
            thrown = std::current_exception();
        }
    }
    bool last = live->is_shown_by(who);
    live->detach(who);
    if (last && live->ending().reason.empty()) parts_.directory.mark(live->seat().id, State::away);
    if (thrown) std::rethrow_exception(thrown);
}

Task<> Terminals::listen(Live& live, Attendance& who) {
    for (;;) {
        auto message = co_await who.browser.read();
        if (!live.is_shown_by(who)) co_return; // what it says now comes again on the next one
        if (!message) {
            who.broken = true;
            auto code = who.browser.close_code();
            if (code == 1000 || code == 1001) live.leave();
            co_return who.news.notify();
        }
        auto heard = live.hear(*message);
        if (!heard) co_return who.end(4400, heard.error().message());
    }
}

// ---- one terminal

Task<> Terminals::run(LivePtr live) {
    auto since = Steady::now();
    const auto& id = live->seat().id;
    co_await live->run();
    parts_.directory.mark(id, State::ended);
    co_await write_end(live->shared_seat(), live->ending(), since);
    co_await live->linger();
    lives_.erase(id);
    parts_.directory.remove(id);
}

Task<Result<>> Terminals::write_down(SeatPtr seat) {
    auto write = [&] { return parts_.journal.opened(*seat); };
    auto written = co_await offload(parts_.pool, write);
    co_return written;
}

Task<> Terminals::write_end(SeatPtr seat, Ending why, Steady::time_point since) {
    auto lasted = std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - since);
    auto write = [&]() -> Result<> {
        try {
            return parts_.journal.closed(*seat, why, lasted);
        } catch (const std::exception& broken) {
            return fail(Errc::internal, broken.what());
        }
    };
    auto written = co_await offload(parts_.pool, write);
    if (!written)
        log::error(
            "the end of a terminal could not be written into the audit log",
            {{"terminal", seat->id.str()},
             {"why", why.reason},
             {"reason", written.error().message()}}
        );
}

// ---- ending them

void Terminals::cut(const TerminalId& id, Ending why) {
    asio::post(parts_.executor, [this, id, why = std::move(why)]() mutable {
        cut_now(id, std::move(why));
    });
}

void Terminals::cut_now(const TerminalId& id, Ending why) {
    if (auto at = opening_.find(id); at != opening_.end() && !at->second) at->second = why;
    auto found = lives_.find(id);
    if (found == lives_.end()) return;
    found->second->cut(std::move(why));
    group_.spawn(hurry(found->second));
}

/// A browser that does not take the news is not waited for.
Task<> Terminals::hurry(LivePtr live) {
    co_await sleep_for(options_.goodbye);
    live->drop_browser();
}

void Terminals::end_bond(const std::string& bond) {
    for (const auto& id : parts_.directory.drop_bond(bond))
        cut(id, Ending("access_ended", "The access that this terminal was opened with is over."));
}

Task<> Terminals::stop() {
    stopping_ = true;
    std::vector<TerminalId> ids;
    for (const auto& [id, live] : lives_) ids.push_back(id);
    for (const auto& id : ids)
        cut_now(id, Ending("controller_stops", "The controller stops. Open it anew in a moment."));
    co_await group_.join();
}

} // namespace fairlead::terminal
