#include "controller/outbound/exchange.hpp"

#include <fmt/core.h>

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <stdexcept>

namespace fairlead::outbound {
namespace {

struct Cleanup {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Handle = std::unique_ptr<CURL, Cleanup>;

/// Headers of the connection, which are not the caller's.
constexpr std::array own_headers{
    "host",    "content-length", "transfer-encoding", "connection",       "upgrade",        "te",
    "trailer", "expect",         "keep-alive",        "proxy-connection", "accept-encoding"};

void start_library() {
    static std::once_flag once;
    std::call_once(once, [] {
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
            throw std::runtime_error("libcurl does not start");
    });
}

tl::unexpected<Error>
failed(Errc kind, std::string_view code, std::string text, std::string detail = {}) {
    return fail(Error(kind, std::move(text), std::move(detail)).with_code(std::string(code)));
}

class List {
public:
    void add(const std::string& line) {
        auto* longer = curl_slist_append(list_.get(), line.c_str());
        if (!longer) throw std::bad_alloc();
        static_cast<void>(list_.release());
        list_.reset(longer);
    }
    curl_slist* get() const { return list_.get(); }

private:
    std::unique_ptr<curl_slist, Cleanup> list_;
};

Result<List> lines_of(const net::Headers& headers) {
    List lines;
    lines.add("Accept-Encoding: identity");
    lines.add("Expect:");
    for (std::size_t i = 0; i < headers.size(); ++i) {
        auto name = headers.name(i), value = headers.value(i);
        constexpr std::string_view breaks("\r\n\0", 3);
        bool fine = !name.empty() && name.find_first_of("\r\n :;") == std::string_view::npos &&
                    name.find('\0') == std::string_view::npos &&
                    value.find_first_of(breaks) == std::string_view::npos &&
                    std::ranges::find(own_headers, name) == own_headers.end();
        if (!fine)
            return failed(
                Errc::invalid, "outbound_header",
                "The header \"" + std::string(name.substr(0, 64)) + "\" cannot be sent."
            );
        // libcurl takes "name:" for a header to leave out, and "name;" for an empty one.
        lines.add(std::string(name) + (value.empty() ? ";" : ": " + std::string(value)));
    }
    return lines;
}

/// What one exchange hears.
struct Hearing {
    int socket;
    std::size_t header_limit, body_limit;
    Answer answer{};
    std::size_t header_bytes = 0;
    bool handed_over = false, too_large = false;
};

curl_socket_t hand_over(void* given, curlsocktype, curl_sockaddr*) {
    auto& hearing = *static_cast<Hearing*>(given);
    if (hearing.handed_over) return CURL_SOCKET_BAD;
    hearing.handed_over = true;
    return hearing.socket;
}

int connected_already(void*, curl_socket_t, curlsocktype) {
    return CURL_SOCKOPT_ALREADY_CONNECTED;
}

std::size_t hear_head(char* text, std::size_t size, std::size_t count, void* given) {
    auto& hearing = *static_cast<Hearing*>(given);
    std::string_view line(text, size * count);
    hearing.header_bytes += line.size();
    if (hearing.header_bytes > hearing.header_limit) {
        hearing.too_large = true;
        return 0;
    }
    auto length = line.size();
    while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with("HTTP/")) hearing.answer.headers.clear(); // one after a 1xx
    auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return length;
    auto value = line.substr(colon + 1);
    while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
    while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
    hearing.answer.headers.add(line.substr(0, colon), value);
    return length;
}

std::size_t hear_body(char* text, std::size_t size, std::size_t count, void* given) {
    auto& hearing = *static_cast<Hearing*>(given);
    auto length = size * count;
    if (hearing.answer.body.size() + length > hearing.body_limit) {
        hearing.too_large = true;
        return 0;
    }
    hearing.answer.body.append(text, length);
    return length;
}

bool is_tls(CURLcode code) {
    return code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION ||
           code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CIPHER ||
           code == CURLE_SSL_ISSUER_ERROR || code == CURLE_SSL_INVALIDCERTSTATUS;
}

} // namespace

Result<Answer> exchange(Descriptor connection, const Exchange& given) {
    start_library();
    FAIRLEAD_TRY(lines, lines_of(given.headers));
    auto left = std::chrono::ceil<std::chrono::milliseconds>(
        given.deadline - std::chrono::steady_clock::now()
    );
    auto late = [&] {
        return failed(
            Errc::unavailable, "outbound_unreachable",
            given.place.text() + " did not answer within the time given."
        );
    };
    if (left.count() <= 0) return late();
    Handle handle(curl_easy_init());
    if (!handle) throw std::bad_alloc();
    auto set = [&](CURLoption option, auto value) {
        if (auto code = curl_easy_setopt(handle.get(), option, value); code != CURLE_OK)
            throw std::runtime_error(
                fmt::format("libcurl refuses option {}: {}", int(option), curl_easy_strerror(code))
            );
    };
    Hearing hearing{connection.get(), given.header_bytes, given.body_bytes};
    auto url = "https://" + given.place.text() + given.target;
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_PATH_AS_IS, 1L);
    set(CURLOPT_HTTP_VERSION, long(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_PROXY, ""); // whatever the environment says
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_TIMEOUT_MS, long(left.count()));
    set(CURLOPT_CONNECTTIMEOUT_MS, long(left.count()));
    set(CURLOPT_FRESH_CONNECT, 1L);
    set(CURLOPT_FORBID_REUSE, 1L);

    // The connection is there. The address only keeps libcurl from looking the name up.
    List resolved;
    if (!IpAddress::parse(given.place.host))
        resolved.add(fmt::format("{}:{}:192.0.2.1", given.place.host, given.place.port));
    set(CURLOPT_RESOLVE, resolved.get());
    set(CURLOPT_OPENSOCKETFUNCTION, &hand_over);
    set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(&hearing));
    set(CURLOPT_SOCKOPTFUNCTION, &connected_already);

    set(CURLOPT_SSLVERSION, long(CURL_SSLVERSION_TLSv1_2));
    curl_blob authorities{
        const_cast<char*>(given.ca_pem.data()), given.ca_pem.size(), CURL_BLOB_COPY};
    if (!given.ca_pem.empty()) set(CURLOPT_CAINFO_BLOB, &authorities);
    if (given.only_those) set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));

    if (given.method == "HEAD") set(CURLOPT_NOBODY, 1L);
    bool sends = !given.body.empty() || given.method == "POST" || given.method == "PUT" ||
                 given.method == "PATCH";
    if (sends) {
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(given.body.size()));
        set(CURLOPT_POSTFIELDS, given.body.data());
        lines.add("Content-Type:"); // libcurl would say that it is a form
        for (std::size_t i = 0; i < given.headers.size(); ++i)
            if (given.headers.name(i) == "content-type")
                lines.add("Content-Type: " + std::string(given.headers.value(i)));
    }
    set(CURLOPT_CUSTOMREQUEST, given.method.c_str());
    set(CURLOPT_HTTPHEADER, lines.get());
    set(CURLOPT_HEADERFUNCTION, &hear_head);
    set(CURLOPT_HEADERDATA, static_cast<void*>(&hearing));
    set(CURLOPT_WRITEFUNCTION, &hear_body);
    set(CURLOPT_WRITEDATA, static_cast<void*>(&hearing));
    char reason[CURL_ERROR_SIZE] = "";
    set(CURLOPT_ERRORBUFFER, static_cast<char*>(reason));

    auto code = curl_easy_perform(handle.get());
    if (hearing.handed_over) connection.release(); // libcurl closes it
    long status = 0;
    curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK) {
        hearing.answer.status = static_cast<int>(status);
        return std::move(hearing.answer);
    }
    std::string detail = *reason ? reason : curl_easy_strerror(code);
    if (hearing.too_large)
        return failed(
            Errc::invalid, "outbound_too_large",
            fmt::format(
                "The answer of {} is larger than {} bytes, or its headers than {}.",
                given.place.host, given.body_bytes, given.header_bytes
            )
        );
    if (is_tls(code))
        return failed(
            Errc::unavailable, "outbound_tls",
            given.place.host + " has no good certificate or no TLS 1.2: " + detail + "."
        );
    if (code == CURLE_OPERATION_TIMEDOUT && status == 0) return late();
    if (code == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
    return failed(
        Errc::unavailable, "outbound_cut",
        "The connection to " + given.place.host + " ended before the answer did: " + detail + "."
    );
}

} // namespace fairlead::outbound
