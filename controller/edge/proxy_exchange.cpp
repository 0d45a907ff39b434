// One request through one stream: bodies both ways, the answer, and a WebSocket after 101.
#include "controller/edge/proxy_exchange.hpp"

#include "common/async/cancelled.hpp"
#include "common/runtime/log.hpp"

#include <chrono>
#include <utility>

namespace fairlead::edge {
namespace {

using ReaderState = net::HttpReader::State;
using AnswerState = net::HttpAnswerReader::State;

constexpr std::size_t joined = 16 * 1024; // up to here head and body go in one record

} // namespace

Refusal refusal_when(Shares::Full full) {
    if (full == Shares::Full::environment)
        return {503, "This site has too many visitors at the moment."};
    if (full == Shares::Full::address)
        return {429, "Your address has too many connections to this site."};
    return {429, ""};
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
