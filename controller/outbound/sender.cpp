#include "controller/outbound/sender.hpp"

#include "common/net/http_client.hpp"
#include "controller/outbound/cut.hpp"
#include "controller/outbound/exchange.hpp"
#include "controller/outbound/rules.hpp"

#include <algorithm>
#include <array>

namespace fairlead::outbound {
namespace {

constexpr unsigned most_redirects = 3;
constexpr unsigned many_redirects = 20; ///< where that layer is off
constexpr std::size_t unlimited = 1024UL * 1024 * 1024;
/// What another origin may get to see; all else may let its bearer in somewhere.
constexpr std::array harmless{"accept", "accept-language", "user-agent"};

tl::unexpected<Error> failed(Errc kind, std::string_view code, std::string text) {
    return fail(Error(kind, std::move(text)).with_code(std::string(code)));
}

bool redirects(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// As browsers do it (Fetch, 4.4): all but 307 and 308 turn a POST into a GET.
void change_method(Request& request, int status) {
    bool becomes_get = (status == 303 && request.method != "HEAD") ||
                       ((status == 301 || status == 302) && request.method == "POST");
    if (!becomes_get) return;
    request.method = "GET";
    request.body.clear();
}

Result<> cross_origin(Request& request, const egress::Place& from) {
    if (!request.body.empty())
        return failed(
            Errc::forbidden, "redirect_refused",
            from.host + " redirects to another host, which is not to get what was sent."
        );
    net::Headers kept;
    for (std::size_t i = 0; i < request.headers.size(); ++i)
        if (std::ranges::find(harmless, request.headers.name(i)) != harmless.end())
            kept.add(request.headers.name(i), request.headers.value(i));
    request.headers = std::move(kept);
    return {};
}

Result<std::string> where_to(const proto::SourceUrl& from, std::string_view location) {
    auto next = proto::follow(from, location);
    if (!next)
        return failed(
            Errc::forbidden, "redirect_refused",
            from.host + " redirects to an address that is not asked: it " + next.error().message() +
                "."
        );
    return "https://" + next->authority() + next->target();
}

} // namespace

struct Sender::Target {
    egress::Place place;
    std::string path; ///< and query
};

Sender::Sender(std::unique_ptr<Way> way, egress::Allow allow, std::string ca_pem)
    : Sender(std::move(way), std::move(allow), std::move(ca_pem), Layers()) {}

Sender::Sender(std::unique_ptr<Way> way, egress::Allow allow, std::string ca_pem, Layers layers)
    : way_(std::move(way)), allow_(std::move(allow)),
      trust_(net::Trust::system().or_authorities(ca_pem)), layers_(layers) {}

Sender::~Sender() = default;

Result<> Sender::check(const std::string& url) const {
    FAIRLEAD_CHECK(judge_url(url, allow_));
    return {};
}

Result<Sender::Target> Sender::judge(const std::string& url) const {
    if (layers_.text) {
        FAIRLEAD_TRY(judged, judge_url(url, allow_));
        return Target{{judged.host, judged.port}, judged.target()};
    }
    FAIRLEAD_TRY(parsed, net::Url::parse(url));
    return Target{{parsed.host, parsed.port}, parsed.target};
}

Result<Descriptor> Sender::connect(const egress::Place& place, const Deadline& deadline) {
    if (!layers_.addresses) return way_->connect(place, std::nullopt, deadline);
    std::vector<IpAddress> addresses;
    if (auto literal = IpAddress::parse(place.host)) {
        addresses.push_back(*literal);
    } else {
        FAIRLEAD_TRY(found, way_->addresses(place.host, deadline));
        addresses = std::move(found);
    }
    FAIRLEAD_CHECK(judge_addresses(place, addresses, allow_));
    Result<Descriptor> last =
        failed(Errc::unavailable, "outbound_unreachable", place.host + " has no address.");
    for (const auto& address : addresses) {
        last = way_->connect(place, address, deadline);
        if (last || last.error().code() != "outbound_unreachable") break;
    }
    return last;
}

Result<Answer> Sender::follow(const Request& request, const Deadline& deadline) {
    auto now = request;
    const auto limit = layers_.redirects ? request.redirects : many_redirects;
    for (unsigned hop = 0;; ++hop) {
        FAIRLEAD_TRY(target, judge(now.url));
        FAIRLEAD_TRY(connection, connect(target.place, deadline));
        Exchange one;
        one.method = now.method;
        one.place = target.place;
        one.target = target.path;
        one.headers = now.headers;
        one.body = now.body;
        one.trust = trust_;
        one.body_bytes = layers_.sizes ? request.body_bytes : unlimited;
        one.deadline = deadline;
        FAIRLEAD_TRY(answer, exchange(std::move(connection), one));
        if (request.redirects == 0 || !redirects(answer.status)) return std::move(answer);
        auto location = answer.headers.get("location");
        if (!location) return std::move(answer);
        if (hop == limit)
            return failed(
                Errc::forbidden, "redirect_refused",
                target.place.host + " redirects more than " + std::to_string(limit) +
                    " times: give the address where it ends."
            );
        proto::SourceUrl from;
        from.host = target.place.host;
        from.port = target.place.port;
        FAIRLEAD_TRY(next, where_to(from, *location));
        if (layers_.redirects) {
            if (auto judged = judge_url(next, allow_); !judged)
                return failed(
                    Errc::forbidden, "redirect_refused",
                    target.place.host + " redirects to where nothing is asked. " +
                        judged.error().message()
                );
        }
        change_method(now, answer.status);
        FAIRLEAD_TRY(there, judge(next));
        if (!(there.place == target.place)) FAIRLEAD_CHECK(cross_origin(now, target.place));
        now.url = next;
    }
}

Result<Answer> Sender::send(const Request& request) {
    if (request.redirects > most_redirects)
        return failed(Errc::invalid, "redirect_refused", "At most 3 redirects are followed.");
    Deadline deadline(std::chrono::steady_clock::now() + request.limit, request.stop);
    {
        std::unique_lock held(lock_);
        auto room = [this] { return under_way_ < most_at_once; };
        if (!left_.wait_until(held, deadline.stop, deadline.at, room)) {
            if (deadline.stop.stop_requested()) return stopped();
            return failed(
                Errc::unavailable, "outbound_busy",
                "Too many requests to the outside are under way."
            );
        }
        ++under_way_;
    }
    struct Leave {
        Sender& sender;
        ~Leave() {
            {
                std::lock_guard held(sender.lock_);
                --sender.under_way_;
            }
            sender.left_.notify_one();
        }
    } leave{*this};
    return follow(request, deadline);
}

} // namespace fairlead::outbound
