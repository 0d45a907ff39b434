#include "agent/bucket/https.hpp"

#include <fmt/core.h>

#include <charconv>
#include <utility>

namespace fairlead::bucket {

struct Connection::State {
    State(Endpoint endpoint, std::shared_ptr<const Trust> trust, AddressRule rule)
        : stream(std::move(endpoint), std::move(trust), std::move(rule)) {}

    std::string peer() const { return peer_of(stream.endpoint()); }

    Result<Head> read_head() {
        for (int interim = 0; interim < 8; ++interim) {
            std::size_t from = 0, end = 0;
            while ((end = stream.buffer.find("\r\n\r\n", from)) == std::string::npos) {
                if (stream.buffer.size() > max_head_bytes)
                    return fail(cut(peer() + " sends a head without an end."));
                from = stream.buffer.size() < 3 ? 0 : stream.buffer.size() - 3;
                FAIRLEAD_TRY(more, stream.fill());
                if (!more) return fail(cut(peer() + " closed the connection."));
            }
            auto head = parse_head(std::string_view(stream.buffer).substr(0, end + 4));
            stream.buffer.erase(0, end + 4);
            if (!head) return fail(cut(peer() + ": " + std::move(head).error().message()));
            if (head->status >= 200) return head;
        }
        return fail(cut(peer() + " sends no answer, only interim ones."));
    }

    Result<> take(std::uint64_t size, const Head& head, const BodyTaker& body) {
        while (size > 0) {
            if (stream.buffer.empty()) {
                FAIRLEAD_TRY(more, stream.fill());
                if (!more) return fail(cut(peer() + " cut the connection in the middle."));
            }
            auto part =
                static_cast<std::size_t>(std::min<std::uint64_t>(size, stream.buffer.size()));
            FAIRLEAD_CHECK(body(head, std::string_view(stream.buffer).substr(0, part)));
            stream.buffer.erase(0, part);
            size -= part;
        }
        return {};
    }

    Result<std::string> line() {
        std::size_t end = 0;
        while ((end = stream.buffer.find('\n')) == std::string::npos) {
            if (stream.buffer.size() > max_head_bytes)
                return fail(cut(peer() + " sends a line without an end."));
            FAIRLEAD_TRY(more, stream.fill());
            if (!more) return fail(cut(peer() + " cut the connection in the middle."));
        }
        auto text = stream.buffer.substr(0, end);
        stream.buffer.erase(0, end + 1);
        if (text.ends_with('\r')) text.pop_back();
        return text;
    }

    Result<> take_chunks(const Head& head, const BodyTaker& body) {
        for (;;) {
            FAIRLEAD_TRY(text, line());
            std::uint64_t size = 0;
            auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), size, 16);
            if (ec != std::errc() ||
                (end != text.data() + text.size() && *end != ';' && *end != ' '))
                return fail(cut(peer() + " sends chunks that are none."));
            if (size == 0) break;
            FAIRLEAD_CHECK(take(size, head, body));
            FAIRLEAD_TRY(after, line());
            if (!after.empty()) return fail(cut(peer() + " sends chunks that are none."));
        }
        for (int trailers = 0; trailers < 64; ++trailers) {
            FAIRLEAD_TRY(text, line());
            if (text.empty()) return {};
        }
        return fail(cut(peer() + " sends too many trailers."));
    }

    Result<> take_body(const Request& request, const Head& head, const BodyTaker& body) {
        if (request.method == "HEAD" || head.status == 204 || head.status == 304) return {};
        if (head.chunked()) return take_chunks(head, body);
        if (auto length = head.length()) {
            stream.expect(*length);
            return take(*length, head, body);
        }
        stream.clean = false; // the end of the connection is the end of the body
        for (;;) {
            if (!stream.buffer.empty()) FAIRLEAD_CHECK(take(stream.buffer.size(), head, body));
            FAIRLEAD_TRY(more, stream.fill());
            if (!more) return {};
        }
    }

    std::string head_of(const Request& request) const {
        auto text = request.method + " " + request.target + " HTTP/1.1\r\n";
        for (const auto& [name, value] : request.headers) text += name + ": " + value + "\r\n";
        if (!request.body.empty() || request.method == "PUT" || request.method == "POST")
            text += fmt::format("Content-Length: {}\r\n", request.body.size());
        return text + "\r\n";
    }

    Result<Head> once(const Request& request, const BodyTaker& body) {
        stream.clean = false;
        auto text = head_of(request);
        auto bytes = request.body;
        FAIRLEAD_TRY(whole, [&]() -> Result<bool> {
            FAIRLEAD_TRY(out, stream.send(text));
            if (!out) return false;
            return stream.send({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
        }());
        FAIRLEAD_TRY(head, read_head());
        answered = true;
        stream.clean = whole && !head.closes();
        FAIRLEAD_CHECK(take_body(request, head, body));
        return std::move(head);
    }

    Stream stream;
    bool answered = false;
};

Connection::Connection(Endpoint endpoint, std::shared_ptr<const Trust> trust, AddressRule rule)
    : state_(std::make_unique<State>(std::move(endpoint), std::move(trust), std::move(rule))) {}

Connection::~Connection() = default;

Result<Head> Connection::exchange(
    const Request& request, const BodyTaker& body, const Patience& patience,
    const std::stop_token& stop
) {
    auto& s = *state_;
    auto& stream = s.stream;
    if (stop.stop_requested()) return fail(cancelled());
    s.answered = false;
    stream.begin(patience, request.body.size(), stop);
    std::stop_callback waker(stop, [&] { stream.wake(); });

    bool kept = stream.still_open();
    if (!kept) FAIRLEAD_CHECK(stream.connect());
    auto head = s.once(request, body);
    if (!head && kept && !s.answered && head.error().code() == "storage_cut" && stream.prompt()) {
        FAIRLEAD_CHECK(stream.connect());
        head = s.once(request, body);
    }
    if (!head || !stream.clean) {
        stream.clean = stream.clean && head.has_value();
        stream.close();
    }
    return head;
}

} // namespace fairlead::bucket
