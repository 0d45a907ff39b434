#include "agent/bucket/address.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace fairlead::bucket {
namespace {

constexpr std::size_t max_prefix = 512; // a key has at most 1024 bytes

Error wrong(std::string field, std::string message) {
    std::vector<FieldError> fields;
    fields.push_back({std::move(field), message});
    return Error(Errc::invalid, std::move(message))
        .with_code("storage_invalid")
        .with_fields(std::move(fields));
}

bool is_loopback(std::string_view host) {
    return host == "localhost" || host == "::1" || host.starts_with("127.");
}

bool is_host(std::string_view host) {
    return !host.empty() && host.size() <= 253 && std::ranges::all_of(host, [](unsigned char c) {
        return std::isalnum(c) || c == '.' || c == '-' || c == '_' || c == ':';
    });
}

bool unreserved(unsigned char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

} // namespace

std::string Endpoint::authority() const {
    auto name = host.find(':') == std::string::npos ? host : "[" + host + "]";
    return port == (tls ? 443 : 80) ? name : fmt::format("{}:{}", name, port);
}

std::string Endpoint::url() const {
    return (tls ? "https://" : "http://") + authority();
}

Result<Endpoint> parse_endpoint(std::string_view url, Plain plain) {
    auto given = std::string(url.substr(0, 300));
    Endpoint endpoint;
    if (url.starts_with("https://")) {
        url.remove_prefix(8);
    } else if (url.starts_with("http://")) {
        url.remove_prefix(7);
        endpoint.tls = false;
        endpoint.port = 80;
    } else {
        return fail(
            wrong("endpoint", fmt::format("The endpoint '{}' has to begin with https://.", given))
        );
    }
    if (url.ends_with('/')) url.remove_suffix(1);
    auto bad = [&] {
        return fail(wrong(
            "endpoint", fmt::format(
                            "The endpoint '{}' has to be https://, a host name and, where it is "
                            "not 443, a port; without a path or a user.",
                            given
                        )
        ));
    };
    std::string_view port;
    if (url.starts_with('[')) {
        auto end = url.find(']');
        if (end == url.npos) return bad();
        endpoint.host = url.substr(1, end - 1);
        port = url.substr(end + 1);
        if (!port.empty() && port.front() != ':') return bad();
    } else {
        auto colon = url.find(':');
        endpoint.host = url.substr(0, colon);
        if (endpoint.host.find(':') != std::string::npos) return bad();
        if (colon != url.npos) port = url.substr(colon);
    }
    if (!is_host(endpoint.host)) return bad();
    if (!port.empty()) {
        port.remove_prefix(1);
        auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
        if (ec != std::errc() || end != port.data() + port.size() || endpoint.port == 0)
            return bad();
    }
    std::ranges::transform(endpoint.host, endpoint.host.begin(), [](unsigned char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
    });
    if (!endpoint.tls && (plain == Plain::refused || !is_loopback(endpoint.host)))
        return fail(wrong(
            "endpoint",
            fmt::format("The endpoint '{}' is not encrypted; it has to begin with https://.", given)
        ));
    return endpoint;
}

Result<> check_storage(const proto::Storage& storage) {
    auto name = [](unsigned char c) { return std::isalnum(c) || c == '.' || c == '-' || c == '_'; };
    const auto& bucket = storage.bucket;
    if (bucket.size() < 3 || bucket.size() > 63 || !std::ranges::all_of(bucket, name))
        return fail(wrong(
            "bucket", fmt::format(
                          "The bucket's name '{}' has to have 3 to 63 letters, digits, dots and "
                          "hyphens.",
                          bucket.substr(0, 100)
                      )
        ));
    if (storage.region.empty() || storage.region.size() > 64 ||
        !std::ranges::all_of(storage.region, name))
        return fail(wrong(
            "region", fmt::format(
                          "The region '{}' has to be a name such as eu-central-1; where the "
                          "provider has none, us-east-1 or auto.",
                          storage.region.substr(0, 100)
                      )
        ));
    const auto& prefix = storage.prefix;
    if (prefix.size() > max_prefix || prefix.starts_with('/') || prefix.ends_with('/') ||
        std::ranges::any_of(prefix, [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
        return fail(wrong(
            "prefix", fmt::format(
                          "The prefix '{}' may have {} bytes, no slash at either end and no "
                          "control characters.",
                          prefix.substr(0, 100), max_prefix
                      )
        ));
    if (storage.access_key.find_first_of("\r\n/, ") != std::string::npos ||
        storage.access_key.empty() || storage.access_key.size() > 256)
        return fail(wrong("access_key", "The access key is empty or has a character that none has.")
        );
    return {};
}

std::string uri_encode(std::string_view text, bool keep_slash) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size() + text.size() / 2);
    for (char each : text) {
        auto c = static_cast<unsigned char>(each);
        if (unreserved(c) || (keep_slash && c == '/')) {
            out += each;
        } else {
            out += '%';
            out += digits[c >> 4];
            out += digits[c & 15];
        }
    }
    return out;
}

std::string uri_decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '%' && at + 2 < text.size() && hex_value(text[at + 1]) >= 0 &&
            hex_value(text[at + 2]) >= 0) {
            out += static_cast<char>(hex_value(text[at + 1]) * 16 + hex_value(text[at + 2]));
            at += 2;
        } else {
            // Servers differ in whether a space of a listing is "+" or "%20"; a plus is "%2B".
            out += text[at] == '+' ? ' ' : text[at];
        }
    }
    return out;
}

std::string query_of(Pairs query) {
    for (auto& [name, value] : query) {
        name = uri_encode(name);
        value = uri_encode(value);
    }
    std::ranges::sort(query);
    std::string text;
    for (const auto& [name, value] : query) {
        if (!text.empty()) text += '&';
        text += name + "=" + value;
    }
    return text;
}

Place place_of(const Endpoint& endpoint, const proto::Storage& storage, std::string_view key) {
    Place place{endpoint, "/"};
    if (storage.addressing == proto::Addressing::virtual_host) {
        place.endpoint.host = storage.bucket + "." + endpoint.host;
    } else {
        place.path += uri_encode(storage.bucket);
        if (!key.empty()) place.path += '/';
    }
    place.path += uri_encode(key, true);
    return place;
}

} // namespace fairlead::bucket
