#include "controller/mail/smtp.hpp"

#include <fmt/core.h>

#include <arpa/inet.h>
#include <curl/curl.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <stdexcept>

namespace fairlead::mail {
namespace {

constexpr long connect_seconds = 15;
constexpr long all_seconds = 60;
constexpr std::size_t longest_reply = 300;

struct Cleanup {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Handle = std::unique_ptr<CURL, Cleanup>;
using List = std::unique_ptr<curl_slist, Cleanup>;

void start_library() {
    static std::once_flag once;
    std::call_once(once, [] {
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
            throw std::runtime_error("libcurl does not start");
    });
}

/// What one transfer reads, hears and obeys.
struct Transfer {
    std::string_view rest;
    std::string reply; ///< the last line in which the server refused something
    const std::stop_token& stop;
};

std::size_t give(char* buffer, std::size_t size, std::size_t count, void* given) {
    auto& transfer = *static_cast<Transfer*>(given);
    auto length = std::min(size * count, transfer.rest.size());
    std::memcpy(buffer, transfer.rest.data(), length);
    transfer.rest.remove_prefix(length);
    return length;
}

std::size_t hear(char* line, std::size_t size, std::size_t count, void* given) {
    std::string_view text(line, size * count);
    if (!text.starts_with('4') && !text.starts_with('5')) return text.size();
    auto& reply = static_cast<Transfer*>(given)->reply;
    reply = text.substr(0, longest_reply);
    std::replace_if(
        reply.begin(), reply.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' '
    );
    while (reply.ends_with(' ')) reply.pop_back();
    return text.size();
}

int obey(void* given, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Transfer*>(given)->stop.stop_requested() ? 1 : 0;
}

/// A refusal of this mail, not of all mails: the server answered 5xx to its sender, recipient or
/// text.
bool refused_for_good(CURLcode code, long reply) {
    bool of_mail = code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR ||
                   code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_UPLOAD_FAILED;
    return of_mail && reply >= 500 && reply < 600;
}

/// The egress as libcurl's proxy (SOCKS 5 on a Unix socket): it resolves the name, and the URL
/// escapes what a path may hold.
std::string proxy_at(const std::string& socket) {
    std::string url = "socks5h://localhost";
    for (unsigned char c : socket) {
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '/' || c == '.' || c == '-' || c == '_';
        url += plain ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02X}", c);
    }
    return url;
}

/// What the egress makes of it; empty where it had no part in the failure.
std::string egress_says(CURL* handle, CURLcode code, const SmtpOptions& options) {
    long reply = 0;
    curl_easy_getinfo(handle, CURLINFO_PROXY_ERROR, &reply);
    if (code == CURLE_COULDNT_CONNECT && reply == CURLPX_OK)
        return fmt::format(
            "fairlead-egress does not answer at {}. Start it: systemctl enable --now "
            "fairlead-egress",
            options.egress
        );
    if (code != CURLE_PROXY) return {};
    if (reply == CURLPX_REPLY_NOT_ALLOWED)
        return fmt::format(
            "fairlead-egress lets no mail through to there: write smtp: \"{}:{}\" into "
            "/etc/fairlead/egress.yaml and restart it",
            options.host, options.port
        );
    if (reply == CURLPX_REPLY_HOST_UNREACHABLE)
        return "fairlead-egress finds nobody there who answers; its log says more";
    return {};
}

} // namespace

bool is_loopback(std::string_view host) {
    std::string text(host);
    in_addr four{};
    in6_addr six{};
    if (::inet_pton(AF_INET, text.c_str(), &four) == 1) return ntohl(four.s_addr) >> 24 == 127;
    if (::inet_pton(AF_INET6, text.c_str(), &six) == 1) return IN6_IS_ADDR_LOOPBACK(&six);
    return text == "localhost";
}

Result<> Smtp::send(const Message& message, Timestamp now, const std::stop_token& stop) {
    start_library();
    FAIRLEAD_TRY(text, format(message, options_.from, now));
    Handle handle(curl_easy_init());
    if (!handle) throw std::bad_alloc();
    auto set = [&](CURLoption option, auto value) {
        if (auto code = curl_easy_setopt(handle.get(), option, value); code != CURLE_OK)
            throw std::runtime_error(
                fmt::format("libcurl refuses option {}: {}", int(option), curl_easy_strerror(code))
            );
    };

    bool ipv6 = options_.host.find(':') != std::string::npos;
    auto url = fmt::format(
        "{}://{}{}{}:{}/{}", options_.tls == Tls::implicit ? "smtps" : "smtp", ipv6 ? "[" : "",
        options_.host, ipv6 ? "]" : "", options_.port, options_.name
    );
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_USE_SSL, long(options_.tls == Tls::none ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    set(CURLOPT_SSLVERSION, long(CURL_SSLVERSION_TLSv1_2));
    if (!options_.ca_file.empty()) {
        set(CURLOPT_CAINFO, options_.ca_file.c_str());
        set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
    if (!options_.user.empty()) {
        auto password = options_.password.clone();
        set(CURLOPT_USERNAME, options_.user.c_str());
        set(CURLOPT_PASSWORD, std::string(password.reveal()).c_str());
    }
    // Whatever the environment says of proxies.
    set(CURLOPT_NOPROXY, options_.egress.empty() ? "*" : "");
    if (!options_.egress.empty()) set(CURLOPT_PROXY, proxy_at(options_.egress).c_str());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT, connect_seconds);
    set(CURLOPT_TIMEOUT, all_seconds);

    auto sender = "<" + options_.from.address + ">";
    auto recipient = "<" + message.to + ">";
    List recipients(curl_slist_append(nullptr, recipient.c_str()));
    if (!recipients) throw std::bad_alloc();
    set(CURLOPT_MAIL_FROM, sender.c_str());
    set(CURLOPT_MAIL_RCPT, recipients.get());

    Transfer transfer{text, "", stop};
    char reason[CURL_ERROR_SIZE] = "";
    set(CURLOPT_ERRORBUFFER, static_cast<char*>(reason));
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_READFUNCTION, &give);
    set(CURLOPT_READDATA, static_cast<void*>(&transfer));
    set(CURLOPT_HEADERFUNCTION, &hear);
    set(CURLOPT_HEADERDATA, static_cast<void*>(&transfer));
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &obey);
    set(CURLOPT_XFERINFODATA, static_cast<void*>(&transfer));

    auto code = curl_easy_perform(handle.get());
    wipe(text); // it holds a link
    if (code == CURLE_OK) return {};
    long reply = 0;
    curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &reply);
    std::string told = *reason ? static_cast<const char*>(reason) : curl_easy_strerror(code);
    if (!options_.egress.empty())
        if (auto says = egress_says(handle.get(), code, options_); !says.empty()) told = says;
    auto why = fmt::format(
        "{}:{}: {}{}{}", options_.host, options_.port, told,
        transfer.reply.empty() ? "" : "; the server said: ", transfer.reply
    );
    return fail(refused_for_good(code, reply) ? Errc::invalid : Errc::unavailable, std::move(why));
}

} // namespace fairlead::mail
