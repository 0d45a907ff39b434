#include "controller/web/http_shell.hpp"

#include "common/async/offload.hpp"
#include "common/runtime/log.hpp"
#include "controller/api/problem.hpp"

#include <fmt/core.h>

#include <chrono>
#include <stdexcept>

namespace fairlead::web {
namespace {

/// What is not there below these is no page of the console either.
bool is_api(std::string_view path) {
    return path == "/api" || path.starts_with("/api/") || path == "/agent" ||
           path.starts_with("/agent/");
}

/// Ours unless the caller's is one that fits in a log line.
std::string request_id(const net::HttpRequest& request, Timestamp now) {
    auto given = request.headers.get("x-request-id").value_or("");
    bool fine = given.size() >= 8 && given.size() <= 64;
    for (char c : given)
        fine = fine && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.');
    return fine ? std::string(given) : "req_" + new_ulid(now);
}

api::Request plain(const net::HttpRequest& request, api::Method method, Timestamp now) {
    api::Request plain;
    plain.method = method;
    plain.path = request.path();
    plain.query = request.query();
    plain.headers.reserve(request.headers.size() + 1);
    for (std::size_t i = 0; i < request.headers.size(); ++i)
        plain.headers.emplace_back(request.headers.name(i), request.headers.value(i));
    plain.body = request.body;
    plain.address = request.peer ? request.peer->address : "";
    plain.request_id = request_id(request, now);
    plain.at = now;
    return plain;
}

net::HttpResponse wire(api::Response&& response) {
    net::HttpResponse wire(response.status);
    if (!response.content_type.empty()) wire.headers.add("content-type", response.content_type);
    bool cached = false;
    for (const auto& [name, value] : response.headers) {
        wire.headers.add(name, value);
        cached = cached || name == "Cache-Control";
    }
    // Answers depend on who asks: no cache in between may keep them.
    if (!cached) wire.headers.add("cache-control", "no-store");
    add_security_headers(wire.headers);
    wire.body = std::move(response.body);
    return wire;
}

api::Response problem(Errc kind, std::string code, std::string sentence, std::string_view id) {
    return api::problem(Error(kind, std::move(sentence)).with_code(std::move(code)), id);
}

api::Response busy(std::string_view id) {
    return api::problem(
        Error(
            Errc::unavailable, "The controller has more requests than it can serve at the moment. "
                               "Try again in a second."
        )
            .with_code("busy")
            .with_fact("retry_after_s", "1"),
        id
    );
}

} // namespace

void add_security_headers(net::Headers& headers) {
    headers.add("x-content-type-options", "nosniff");
    headers.add("strict-transport-security", "max-age=31536000");
}

Task<net::HttpResponse> HttpShell::handle(net::HttpRequest request) {
    auto path = request.path();
    if (!is_api(path) && !parts_.router.serves(path)) co_return console_page(request);
    co_return co_await ask_router(request);
}

Task<net::HttpResponse> HttpShell::ask_router(const net::HttpRequest& request) {
    auto now = parts_.clock.now();
    auto method = api::method_from(request.method);
    auto asked = plain(request, method.value_or(api::Method::other), now);
    std::string pattern;
    api::Response response;
    auto began = std::chrono::steady_clock::now();
    auto started = began;
    bool hashes = parts_.router.hashes(asked);
    auto& workers = hashes ? parts_.hashers : parts_.workers;
    if (workers.queued() >= (hashes ? options_.hash_queue_limit : options_.queue_limit)) {
        response = busy(asked.request_id);
    } else {
        auto work = [&] {
            started = std::chrono::steady_clock::now();
            return parts_.router.handle(asked, pattern);
        };
        response = co_await offload(workers, work);
    }
    response.headers.emplace_back("X-Request-Id", asked.request_id);

    if (options_.access_log) {
        auto us = [](auto span) {
            return std::chrono::duration_cast<std::chrono::microseconds>(span).count();
        };
        auto ended = std::chrono::steady_clock::now();
        log::info(
            "request", {{"id", asked.request_id},
                        {"method", request.method},
                        {"route", pattern},
                        {"status", response.status},
                        {"total_us", us(ended - began)},
                        {"queued_us", us(started - began)},
                        {"address", asked.address}}
        );
    }
    if (response.socket) co_return become_socket(std::move(*response.socket));
    if (response.events) co_return stream(std::move(*response.events));
    if (response.offer)
        co_return co_await stream_offer(std::move(response), std::move(asked.request_id));
    if (response.pieces) co_return stream_pieces(std::move(response));
    auto answer = wire(std::move(response));
    if (request.method == "HEAD" && answer.status >= 400) answer.body.clear();
    co_return answer;
}

net::HttpResponse HttpShell::stream_pieces(api::Response&& response) {
    auto next = std::make_shared<std::function<Result<std::string>()>>(std::move(response.pieces));
    auto answer = wire(std::move(response));
    auto& workers = parts_.workers;
    answer.stream = [next, &workers](net::BodyWriter& writer) -> Task<> {
        for (;;) {
            auto piece = co_await offload(workers, *next);
            if (!piece) throw std::runtime_error(piece.error().message());
            if (piece->empty()) co_return;
            auto written = co_await writer.write(*piece);
            if (!written) co_return;
        }
    };
    return answer;
}

Task<net::HttpResponse> HttpShell::stream_offer(api::Response response, std::string request_id) {
    auto body = co_await parts_.bodies(response.offer->subject);
    if (!body) co_return wire(api::problem(body.error(), request_id));
    auto answer = wire(std::move(response));
    answer.headers.add("x-accel-buffering", "no");
    answer.stream = *std::move(body);
    co_return answer;
}

net::HttpResponse HttpShell::stream(api::EventStream events) {
    if (!parts_.events.has_room()) return wire(busy(""));
    net::HttpResponse answer(200);
    answer.headers.add("content-type", "text/event-stream");
    answer.headers.add("cache-control", "no-store");
    answer.headers.add("x-accel-buffering", "no");
    add_security_headers(answer.headers);
    auto what = std::make_shared<api::EventStream>(std::move(events));
    auto& hub = parts_.events;
    answer.stream = [what, &hub](net::BodyWriter& writer) -> Task<> {
        return hub.serve(std::move(*what), writer);
    };
    return answer;
}

net::HttpResponse HttpShell::become_socket(api::SocketOffer offer) {
    net::HttpResponse answer(101);
    auto what = std::make_shared<const api::SocketOffer>(std::move(offer));
    auto& run = parts_.sockets;
    answer.upgrade_limits = parts_.socket_limits;
    answer.upgrade = [what, &run](net::WebSocket socket) -> Task<> {
        return run(what, std::move(socket));
    };
    return answer;
}

net::HttpResponse HttpShell::refuse(int status, std::string_view reason) {
    std::string code = status == 413   ? "body_too_large"
                       : status == 503 ? "busy"
                       : status == 408 ? "timeout"
                                       : "bad_request";
    auto kind = status == 503 ? Errc::unavailable : status == 408 ? Errc::timeout : Errc::invalid;
    auto answer = wire(problem(kind, code, std::string(reason), ""));
    answer.status = status;
    return answer;
}

} // namespace fairlead::web
