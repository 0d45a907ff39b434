#include "controller/edge/proxy.hpp"

#include "common/async/cancelled.hpp"
#include "common/async/task_group.hpp"
#include "common/runtime/ip.hpp"
#include "common/runtime/log.hpp"
#include "controller/edge/pages.hpp"
#include "controller/edge/paths.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace fairlead::edge {
namespace {

using Steady = std::chrono::steady_clock;
using ReaderState = net::HttpReader::State;
using AnswerState = net::HttpAnswerReader::State;

constexpr std::size_t buffer_size = 16 * 1024; // one TLS record
constexpr std::size_t joined = 16 * 1024;      // up to here head and body go in one record

int status_of(const Error& error) {
    const auto& code = error.code();
    if (code == "server_offline" || code == "too_many_streams" || code == "tunnel_key_missing")
        return 503;
    if (error.kind() == Errc::rate_limited) return 429;
    return 502;
}

Refusal refusal_when(Shares::Full full) {
    if (full == Shares::Full::environment)
        return {503, "This site has too many visitors at the moment."};
    if (full == Shares::Full::address)
        return {429, "Your address has too many connections to this site."};
    return {429, ""};
}

std::string_view sentence_of(const Error& error) {
    if (error.code() == "too_many_streams")
        return "The server of this site has as many requests under way as it can take. Try again "
               "in a moment.";
    if (error.code() == "tunnel_key_missing")
        return "The owner of this site has closed the way to it for now.";
    return "";
}

} // namespace

/// A stream to one port of one environment, with the places that it takes.
struct Proxy::Upstream {
    Upstream(stream::Stream opened, EnvironmentId to, std::uint16_t number)
        : stream(std::move(opened)), environment(std::move(to)), port(number) {}

    stream::Stream stream;
    EnvironmentId environment;
    std::uint16_t port;
    std::optional<Shares::Places> places;
    std::optional<Quota::Place> kept; ///< while it waits for another request
};

/// One request on its way through one stream.
class Proxy::Exchange final : public net::Deadlines::Member {
public:
    Exchange(Executor executor, const net::HttpLimits& limits, std::string_view method)
        : answer(limits, method), both(executor) {}

    /// The site was silent for too long.
    void expire() override {
        late = true;
        end();
    }
    /// Neither direction goes on. A wait on the client's connection then fails as if the client
    /// were gone.
    void end() {
        over = true;
        both.cancel();
    }

    std::unique_ptr<Upstream> upstream;
    net::HttpAnswerReader answer;
    TaskGroup both;
    std::string rest;       // after the answer
    bool reused = false;    // the stream has served a request before
    bool heard = false;     // something came over it
    bool uploaded = false;  // the whole request is on its way
    bool answering = false; // something of the answer went to the client
    bool whole = false;     // all of it
    bool over = false;
    bool late = false;
    bool client_gone = false;
    bool upstream_broken = false;   // without an end
    std::optional<Refusal> refusal; // of the request's body
};

Proxy::Proxy(Edge& edge, net::Wire& wire)
    : edge_(edge), wire_(wire), name_(plain_name(wire.peer().server_name)),
      was_routed_(edge.table_->find(name_) != nullptr), reader_(edge.limits_.http) {}

Proxy::~Proxy() = default;

Task<> Proxy::run() {
    for (;;) {
        auto got = co_await read_head();
        if (!got) co_return;
        ++edge_.counters_.requests;
        auto go_on = co_await serve_request();
        if (!go_on || wire_.stopping()) co_return;
    }
}

/// Whether the name leads where the last request went.
bool Proxy::still_leads_there() const {
    auto now = edge_.table_->find(name_);
    return now && now->environment == route_->environment;
}

void Proxy::look_again() {
    if (!route_) return;
    if (still_leads_there()) return;
    kept_.reset();
    if (!exchange_) return; // the next request is told
    exchange_->client_gone = true;
    exchange_->end();
}

/// More behind what lies in the buffer, which is not full. False at the end, and Errc::timeout.
Task<Result<bool>> Proxy::fill(net::Wire::Limit limit) {
    if (begin_ < end_) std::copy(buffer_.get() + begin_, buffer_.get() + end_, buffer_.get());
    end_ -= std::exchange(begin_, 0);
    if (!buffer_) {
        auto ready = co_await wire_.wait_readable(limit);
        if (!ready) co_return fail(std::move(ready).error());
        buffer_ = std::make_unique<char[]>(buffer_size);
    }
    auto got = co_await wire_.read_some(buffer_.get() + end_, buffer_size - end_, limit);
    if (!got) co_return fail(std::move(got).error());
    end_ += *got;
    co_return *got > 0;
}

bool Proxy::buffer_is_full() const {
    return end_ - begin_ == buffer_size;
}

/// False when the connection is over. A body may follow: reader_ has it.
Task<bool> Proxy::read_head() {
    const auto& limits = edge_.limits_.http;
    std::optional<Steady::time_point> until; // from the first byte on
    wire_.may_be_cut(true);
    request_ = net::HttpRequest();
    if (begin_ == end_) buffer_.reset();
    for (;;) {
        if (begin_ == end_) {
            auto left = std::chrono::ceil<net::Wire::Limit>(
                until ? *until - Steady::now() : Steady::duration(limits.idle_time)
            );
            auto filled = co_await fill(std::max(left, net::Wire::Limit(1)));
            if (!filled && filled.error().kind() == Errc::timeout && until)
                co_return co_await refuse(408, "The head of the request took too long to arrive.");
            if (!filled || !*filled) co_return false;
        }
        wire_.may_be_cut(false);
        begin_ += reader_.feed({buffer_.get() + begin_, end_ - begin_});
        auto state = reader_.state();
        if (state == ReaderState::refused) {
            const auto& problem = reader_.problem();
            co_return co_await refuse(problem.status, problem.reason);
        }
        if (state == ReaderState::body || state == ReaderState::done) break;
        if (!until && state != ReaderState::idle) until = Steady::now() + limits.header_time;
    }
    keep_ = reader_.keep_alive();
    old_version_ = reader_.http_1_0();
    // The whole of a small body may have come with the head.
    with_body_ = framing_of(reader_.request()) != Framing::none;
    request_ = with_body_ ? reader_.request() : reader_.take();
    request_.body.clear(); // upload() takes it
    co_return true;
}

/// Always false: a connection whose last word was ours ends.
Task<bool> Proxy::refuse(int status, std::string_view sentence) {
    ++edge_.counters_.refused;
    auto text =
        page(status, sentence, request_.headers.get("accept").value_or(""), request_.method);
    auto written = co_await wire_.write(text, {}, edge_.limits_.write_time);
    if (written) co_await wire_.finish();
    co_return false;
}

/// Where the request goes, with the places that its connection takes there.
std::optional<Refusal> Proxy::take_route() {
    if (auto refusal = refusal_of(request_, name_)) return refusal;
    auto route = edge_.table_->find(name_);
    if (!route) return Refusal(was_routed_ ? 404 : 421, "");
    const auto& field = edge_.address_field_;
    bool through = edge_.comes_through_network(wire_);
    if (!field.empty() && !through)
        return Refusal(
            403, "This site is reached through the network that stands before it alone."
        );
    const auto& connection = wire_.peer().address;
    visitor_ = through ? visitor_of(request_, field, connection) : connection;
    subscriber_ = subscriber_of(visitor_);
    if (is_proof_of_name(request_.path()))
        return Refusal(404, "Proofs of this name are not the site's to give.");
    bool moved = !route_ || route_->environment != route->environment;
    route_ = std::move(route);
    if (!moved) return std::nullopt;
    places_.reset();
    auto places = edge_.connections_.take(*route_, through ? "" : subscriber_);
    if (!places) return refusal_when(places.error());
    places_.emplace(*std::move(places));
    return std::nullopt;
}

Task<bool> Proxy::serve_request() {
    if (auto refusal = take_route()) co_return co_await refuse(refusal->status, refusal->sentence);
    for (;;) {
        Exchange x(edge_.executor_, edge_.limits_.http, request_.method);
        auto opened = co_await open(x);
        if (!opened)
            co_return co_await refuse(status_of(opened.error()), sentence_of(opened.error()));
        if (!still_leads_there()) { // since the stream was asked for
            x.upstream.reset();
            auto status = edge_.table_->find(name_) ? 503 : 404;
            co_return co_await refuse(status);
        }
        exchange_ = &x;
        std::exception_ptr thrown;
        try {
            co_await exchange(x);
        } catch (...) {
            thrown = std::current_exception();
        }
        exchange_ = nullptr;
        if (thrown) std::rethrow_exception(thrown);
        // Odoo closed a kept connection while this request was on its way: it did nothing of it.
        if (x.reused && !x.heard && !x.late && !x.client_gone) continue;
        co_return co_await conclude(x);
    }
}

/// Repeating these does no harm, should Odoo close the connection at the wrong moment.
bool Proxy::may_reuse() const {
    bool safe =
        request_.method == "GET" || request_.method == "HEAD" || request_.method == "OPTIONS";
    return safe && !with_body_ && !request_.wants_websocket;
}

Task<Result<>> Proxy::open(Exchange& x) {
    auto port = port_for(*route_, request_);
    if (kept_ && may_reuse() && kept_->environment == route_->environment && kept_->port == port &&
        kept_->stream.quiet()) {
        x.upstream = std::move(kept_);
        x.upstream->kept.reset();
        x.reused = true;
        co_return Result<>();
    }
    kept_.reset();
    auto places = edge_.streams_.take(*route_, subscriber_);
    if (!places) co_return fail(Errc::rate_limited, "Too many requests are under way.");
    auto opened = co_await edge_.opener_(route_, port);
    if (!opened) co_return fail(std::move(opened).error());
    x.upstream = std::make_unique<Upstream>(*std::move(opened), route_->environment, port);
    x.upstream->places.emplace(*std::move(places));
    co_return Result<>();
}

Task<> Proxy::exchange(Exchange& x) {
    auto head = request_head(request_, visitor_);
    auto sent = co_await x.upstream->stream.write(head);
    if (!sent) {
        x.upstream_broken = true;
        co_return;
    }
    // The site is there: the client may send its body.
    if (with_body_ && reader_.expects_continue()) {
        auto told =
            co_await wire_.write("HTTP/1.1 100 Continue\r\n\r\n", {}, edge_.limits_.write_time);
        x.client_gone = !told;
        if (!told) co_return;
    }
    co_await check_not_cancelled();
    x.both.spawn(upload(x));
    x.both.spawn(download(x));
    co_await x.both.join();
}

/// The request's body, and then a look at whether the client is still there.
Task<> Proxy::upload(Exchange& x) {
    auto& stream = x.upstream->stream;
    bool chunked = framing_of(request_) == Framing::chunked;
    while (with_body_) {
        auto piece = reader_.take_body();
        bool last = reader_.state() == ReaderState::done;
        if (chunked && !piece.empty()) {
            std::string chunk;
            append_chunk_size(chunk, piece.size());
            piece = chunk + piece + "\r\n";
        }
        if (chunked && last) piece += "0\r\n\r\n";
        // A body may take as long as it moves: the site's time begins anew with each piece.
        edge_.deadlines_->set(x, edge_.limits_.answer_time);
        auto sent = co_await stream.write(piece);
        if (!sent) co_return; // download() learns why
        if (last) break;
        if (begin_ == end_) {
            auto filled = co_await fill(edge_.limits_.body_time);
            if (x.over) co_return;
            if (!filled || !*filled) {
                if (!filled && filled.error().kind() == Errc::timeout)
                    x.refusal.emplace(408, "The body of the request took too long to arrive.");
                else
                    x.client_gone = true;
                co_return x.end();
            }
        }
        begin_ += reader_.feed({buffer_.get() + begin_, end_ - begin_});
        if (reader_.state() == ReaderState::refused) {
            x.refusal.emplace(reader_.problem().status, reader_.problem().reason);
            co_return x.end();
        }
    }
    x.uploaded = true;
    co_await watch_client(x);
}

/// Whoever went away waits for no answer. What comes meanwhile is the next request, as much of it
/// as there is room for. The answer's limits end this too.
Task<> Proxy::watch_client(Exchange& x) {
    while (!buffer_is_full()) {
        auto filled = co_await fill(net::Wire::unlimited);
        if (x.over) co_return;
        if (filled && *filled) continue;
        x.client_gone = true;
        co_return x.end();
    }
}

/// The next bytes of the answer; false when no more will come.
Task<bool> Proxy::receive(Exchange& x, net::Wire::Limit limit) {
    // Before that upload() has set one, which an interim answer does not end.
    bool ours = x.uploaded || x.answering;
    if (ours) edge_.deadlines_->set(x, limit);
    auto bytes = co_await x.upstream->stream.read();
    if (ours) edge_.deadlines_->clear(x);
    if (!bytes) {
        x.upstream_broken = true;
        co_return false;
    }
    if (bytes->empty()) {
        x.answer.end();
        x.upstream->stream.close();
    } else {
        x.heard = true;
        auto used = x.answer.feed(*bytes);
        x.rest = bytes->substr(used);
    }
    if (x.answer.state() != AnswerState::refused) co_return true;
    log::info(
        "an environment's answer was not passed on",
        {{"environment", route_->environment.str()}, {"reason", x.answer.problem()}}
    );
    x.upstream_broken = true;
    co_return false;
}

/// A WebSocket stays for long, so it has a place among its like and not among requests.
bool Proxy::become_socket(Exchange& x) {
    auto places = edge_.sockets_.take(*route_, subscriber_);
    if (!places) {
        x.refusal.emplace(refusal_when(places.error()));
        return false;
    }
    x.upstream->places.reset();
    x.upstream->places.emplace(*std::move(places));
    return true;
}

Task<> Proxy::download(Exchange& x) {
    const auto& limits = edge_.limits_;
    while (x.answer.state() == AnswerState::head) {
        auto more = co_await receive(x, limits.answer_time);
        if (!more) co_return x.end();
    }
    auto status = x.answer.status();
    if (status == 101 && !request_.wants_websocket) {
        x.upstream_broken = true;
        co_return x.end();
    }
    if (status == 101 && !become_socket(x)) co_return x.end();
    auto framing = !x.answer.has_body() ? Framing::none
                   : x.answer.length()  ? Framing::counted
                   : old_version_       ? Framing::to_end
                                        : Framing::chunked;
    keep_ = keep_ && x.uploaded && framing != Framing::to_end && status != 101 && !wire_.stopping();
    auto out = answer_head(
        status, x.answer.headers(), framing, x.answer.length(), keep_ || status == 101, old_version_
    );
    bool chunked = framing == Framing::chunked;
    for (;;) {
        auto piece = x.answer.take_body();
        std::string_view body = piece;
        bool last = x.answer.state() == AnswerState::done;
        if (chunked && !piece.empty()) append_chunk_size(out, piece.size());
        if (piece.size() <= joined) {
            out += piece;
            body = {};
        }
        std::string tail;
        if (chunked && !piece.empty()) tail = "\r\n";
        if (chunked && last) tail += "0\r\n\r\n";
        if (body.empty()) out += std::exchange(tail, {});
        x.answering = true;
        auto written = co_await wire_.write(out, body, limits.write_time);
        out = std::move(tail); // goes with what follows
        if (written && last && !out.empty())
            written = co_await wire_.write(out, {}, limits.write_time);
        if (x.over) co_return;
        if (!written) {
            x.client_gone = true;
            co_return x.end();
        }
        if (last) break;
        auto more = co_await receive(x, limits.stall_time);
        if (!more) co_return x.end();
    }
    x.whole = true;
    x.end();
}

/// What becomes of the connection after an exchange; true when another request may follow.
Task<bool> Proxy::conclude(Exchange& x) {
    if (x.client_gone) {
        wire_.abort();
        co_return false;
    }
    if (!x.answering) {
        x.upstream.reset(); // half a request is no request
        if (x.refusal) co_return co_await refuse(x.refusal->status, x.refusal->sentence);
        co_return co_await refuse(x.late ? 504 : 502);
    }
    if (!x.whole) {
        // Half an answer must not look like a whole one.
        wire_.abort();
        co_return false;
    }
    if (x.answer.status() == 101) {
        co_await pass_through(x);
        co_return false;
    }
    bool read_all = !with_body_ || reader_.state() == ReaderState::done;
    if (read_all && x.uploaded && x.rest.empty() && x.answer.keep_alive() &&
        x.upstream->stream.quiet()) {
        if (auto place = edge_.kept_.take(x.upstream->environment.str())) {
            x.upstream->kept.emplace(*std::move(place));
            kept_ = std::move(x.upstream);
        }
    }
    if (!read_all) {
        co_await wire_.finish();
        co_return false;
    }
    if (with_body_) reader_.take();
    co_return keep_;
}

/// After 101: bytes both ways, until the site ends, the client is lost or nothing was said for
/// long.
Task<> Proxy::pass_through(Exchange& x) {
    if (wire_.stopping()) co_return wire_.abort(); // as those that are open already
    wire_.may_be_cut(true);
    Exchange through(edge_.executor_, edge_.limits_.http, "GET");
    through.upstream = std::move(x.upstream);
    through.rest = std::move(x.rest);
    exchange_ = &through;
    edge_.deadlines_->set(through, edge_.limits_.quiet_time);
    through.both.spawn(pass_in(through));
    through.both.spawn(pass_out(through));
    std::exception_ptr thrown;
    try {
        co_await through.both.join();
    } catch (...) {
        thrown = std::current_exception();
    }
    exchange_ = nullptr;
    if (thrown) std::rethrow_exception(thrown);
    if (through.upstream_broken || through.client_gone) wire_.abort();
}

Task<> Proxy::pass_in(Exchange& x) {
    for (;;) {
        if (begin_ == end_) {
            auto filled = co_await fill(net::Wire::unlimited);
            if (!filled) break;
            // Its last words are on their way, and the site may still have some.
            if (!*filled) co_return x.upstream->stream.close();
        }
        edge_.deadlines_->set(x, edge_.limits_.quiet_time);
        std::string_view bytes(buffer_.get() + begin_, end_ - begin_);
        auto sent = co_await x.upstream->stream.write(bytes);
        begin_ = end_;
        if (!sent) {
            x.upstream_broken = true;
            break;
        }
    }
    x.end();
}

Task<> Proxy::pass_out(Exchange& x) {
    auto bytes = std::move(x.rest);
    for (;;) {
        auto written = co_await wire_.write(bytes, {}, edge_.limits_.write_time);
        if (!written) break;
        auto got = co_await x.upstream->stream.read();
        if (!got) x.upstream_broken = true;
        if (!got || got->empty()) break;
        edge_.deadlines_->set(x, edge_.limits_.quiet_time);
        bytes = *std::move(got);
    }
    x.end();
}

} // namespace fairlead::edge
