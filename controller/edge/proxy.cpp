#include "controller/edge/proxy.hpp"

#include "common/runtime/ip.hpp"
#include "controller/edge/pages.hpp"
#include "controller/edge/paths.hpp"
#include "controller/edge/proxy_exchange.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace fairlead::edge {
namespace {

using Steady = std::chrono::steady_clock;
using ReaderState = net::HttpReader::State;

constexpr std::size_t buffer_size = 16 * 1024; // one TLS record

int status_of(const Error& error) {
    const auto& code = error.code();
    if (code == "server_offline" || code == "too_many_streams" || code == "tunnel_key_missing")
        return 503;
    if (error.kind() == Errc::rate_limited) return 429;
    return 502;
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
        if (x.upstream->subscriber == subscriber_) co_return Result<>();
        // A network before the edge brings another visitor over the same connection.
        x.upstream->places.reset();
    }
    kept_.reset();
    auto places = edge_.streams_.take(*route_, subscriber_);
    if (!places) co_return fail(Errc::rate_limited, "Too many requests are under way.");
    if (!x.upstream) {
        auto opened = co_await edge_.opener_(route_, port);
        if (!opened) co_return fail(std::move(opened).error());
        x.upstream = std::make_unique<Upstream>(*std::move(opened), route_->environment, port);
    }
    x.upstream->places.emplace(*std::move(places));
    x.upstream->subscriber = subscriber_;
    co_return Result<>();
}

} // namespace fairlead::edge
