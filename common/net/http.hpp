/// HTTP messages as plain values, for servers and clients. No Asio, no Beast.
#pragma once

#include "common/net/peer.hpp"

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::net {

/// Header fields in the order they came, in one block of memory. Names are kept in lower case.
class Headers {
public:
    Headers() = default;
    Headers(std::initializer_list<std::pair<std::string_view, std::string_view>> fields);

    void add(std::string_view name, std::string_view value);
    /// Replaces every field of that name.
    void set(std::string_view name, std::string_view value);

    /// The first value; `name` in lower case.
    std::optional<std::string_view> get(std::string_view name) const;
    std::size_t count(std::string_view name) const;

    std::size_t size() const { return fields_.size(); }
    bool empty() const { return fields_.empty(); }
    std::string_view name(std::size_t index) const;
    std::string_view value(std::size_t index) const;
    void clear();

private:
    struct Field {
        std::uint32_t name, name_size, value, value_size;
    };
    std::string text_;
    std::vector<Field> fields_;
};

/// Words of HTTP: letters of either case are the same.
bool same_word(std::string_view left, std::string_view right);
/// Whether a field of that name (in lower case) lists the word, between commas.
bool has_word(const Headers& headers, std::string_view name, std::string_view word);

/// What tokenisers forgive and smugglers use in a message's head: folded lines, bare CR or LF,
/// control characters. A sentence, or none when nothing of it is there.
const char* suspicious_in(std::string_view head);

/// A whole request. `target` is as sent, in origin form ("/a?b"): the server has already turned the
/// absolute form into it. `host` is from the Host field or the absolute form, in lower case,
/// without port.
struct HttpRequest {
    HttpRequest() = default;

    std::string method; ///< "GET"
    std::string target;
    std::string host;
    Headers headers;
    std::string body;
    bool wants_websocket = false; ///< a valid RFC 6455 upgrade request
    std::shared_ptr<const PeerInfo> peer;

    /// The part of `target` before '?', still percent-encoded; and the part after it.
    std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
    std::string_view query() const {
        auto mark = target.find('?');
        return mark == std::string::npos ? std::string_view()
                                         : std::string_view(target).substr(mark + 1);
    }
};

/// "Not Found" for 404; "" for codes that have no name.
std::string_view reason_phrase(int status);

} // namespace fairlead::net
