/// Custom hostnames in Cloudflare's API, as developers.cloudflare.com documents it: client/v4,
/// /zones/{zone}/custom_hostnames.
#pragma once

#include "common/runtime/result.hpp"
#include "common/runtime/secret.hpp"
#include "controller/cloudflare/zone_answers.hpp"
#include "controller/outbound/outbound.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

namespace fairlead::cloudflare {

/// Blocking, one request after the other. What goes wrong has one of these codes, and a sentence
/// that a person can act on:
/// of the name: cloudflare_taken, cloudflare_refused, and Errc::not_found for an id that is not
///   there (any more);
/// of everything (concerns_all): cloudflare_token, cloudflare_zone, cloudflare_rate_limited (with
///   the fact retry_after_s where Cloudflare named a time), cloudflare_unreachable,
///   cloudflare_bad_answer, and those of outbound that begin with egress_ or outbound_stopped.
/// The token is in no message.
class ZoneApi {
public:
    using Send = std::function<Result<outbound::Answer>(const outbound::Request&)>;

    /// `base`: "https://api.cloudflare.com/client/v4".
    ZoneApi(std::string base, Secret token, Send send)
        : base_(std::move(base)), token_(std::move(token)), send_(std::move(send)) {}

    /// A certificate with domain validation by HTTP: Cloudflare answers for it itself once the name
    /// leads there. A failure with is_uncertain() may have made it all the same.
    Result<Remote>
    create(const std::string& zone, const std::string& name, const std::stop_token& stop);
    /// Of exactly this name; nothing when the zone has none.
    Result<std::optional<Remote>>
    find(const std::string& zone, const std::string& name, const std::stop_token& stop);
    Result<Remote> get(const std::string& zone, const std::string& id, const std::stop_token& stop);
    /// Has the validation begin anew.
    Result<Remote>
    restart(const std::string& zone, const std::string& id, const std::stop_token& stop);
    /// One that is gone already is no failure.
    Result<> remove(const std::string& zone, const std::string& id, const std::stop_token& stop);

    static constexpr auto limit = std::chrono::seconds(20); ///< of one request
    static constexpr int most_pages = 5, page_size = 50;

private:
    Result<outbound::Answer>
    ask(std::string method, const std::string& path, std::string body, const std::stop_token& stop);

    std::string base_;
    Secret token_;
    Send send_;
};

} // namespace fairlead::cloudflare
