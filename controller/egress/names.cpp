#include "controller/egress/names.hpp"

#include "controller/egress/protocol.hpp"

#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>

namespace fairlead::egress {
namespace {

constexpr std::string_view proof_prefix = "fairlead-domain=";

/// A record's strings, one after the other (RFC 7208, 3.3, is what everybody does).
std::string joined(const unsigned char* data, std::size_t size) {
    std::string text;
    for (std::size_t at = 0; at < size;) {
        std::size_t length = data[at++];
        if (length > size - at) return "";
        text.append(reinterpret_cast<const char*>(data + at), length);
        at += length;
    }
    return text;
}

bool is_proof(std::string_view text) {
    return text.starts_with(proof_prefix) && text.size() <= longest_text &&
           std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

} // namespace

Result<std::vector<IpAddress>> addresses_of(const std::string& host) {
    auto failed = [&](const std::string& why) {
        return fail(
            Error(Errc::unavailable, "The name " + host + " " + why).with_code("unreachable")
        );
    };
    addrinfo hints{}, *first = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &first);
    if (error != 0) return failed(std::string("has no address: ") + ::gai_strerror(error) + ".");
    std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(first, ::freeaddrinfo);
    std::vector<IpAddress> addresses;
    for (const auto* one = list.get(); one; one = one->ai_next) {
        auto address = IpAddress::of(*one->ai_addr);
        if (!address || std::ranges::find(addresses, *address) != addresses.end()) continue;
        if (addresses.size() == most_addresses) return failed("has more addresses than 16.");
        addresses.push_back(*address);
    }
    if (addresses.empty()) return failed("has no address.");
    return addresses;
}

Result<std::vector<std::string>> challenge_texts(const std::string& host) {
    auto name = "_fairlead-challenge." + host;
    auto failed = [&](std::string_view code, const std::string& why) {
        return fail(Error(Errc::unavailable, "The TXT records of " + name + " " + why)
                        .with_code(std::string(code)));
    };
    struct State {
        struct __res_state resolver {};
        ~State() { ::res_nclose(&resolver); }
    } state;
    if (::res_ninit(&state.resolver) != 0)
        return failed("resolver_failed", "cannot be asked for: the resolver is not set up.");
    std::vector<unsigned char> answer(NS_MAXMSG);
    int size = ::res_nquery(
        &state.resolver, name.c_str(), ns_c_in, ns_t_txt, answer.data(),
        static_cast<int>(answer.size())
    );
    if (size < 0) {
        int error = state.resolver.res_h_errno;
        if (error == HOST_NOT_FOUND || error == NO_DATA) return std::vector<std::string>();
        return failed(
            "resolver_failed", "cannot be had: no name server gave an answer that says yes or no."
        );
    }
    ns_msg message;
    if (::ns_initparse(answer.data(), std::min(size, int(answer.size())), &message) != 0)
        return failed("resolver_failed", "came in an answer that cannot be read.");
    std::vector<std::string> texts;
    for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
        ns_rr record;
        if (::ns_parserr(&message, ns_s_an, i, &record) != 0)
            return failed("resolver_failed", "came in an answer that cannot be read.");
        if (ns_rr_type(record) != ns_t_txt || ns_rr_class(record) != ns_c_in) continue;
        auto text = joined(ns_rr_rdata(record), ns_rr_rdlen(record));
        if (!is_proof(text)) continue;
        if (texts.size() == most_texts)
            return failed("unreachable", "are more than 16: take those of old claims out.");
        texts.push_back(std::move(text));
    }
    return texts;
}

} // namespace fairlead::egress
