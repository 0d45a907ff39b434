#include "controller/certificates/bridge.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "common/crypto/random.hpp"
#include "controller/egress/relay.hpp"
#include "controller/egress/waiting.hpp"

#include <algorithm>
#include <chrono>

namespace fairlead::certificates {
namespace {

using namespace std::chrono_literals;

// One connection after the other: whoever connects and says nothing keeps the client waiting.
constexpr auto head_time = 1s, connect_time = 15s, idle_time = 60s;

std::string lower(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

/// The value of a header of a proxy's request, "" when it is not there.
std::string field(const std::string& head, std::string_view name) {
    auto folded = lower(head);
    auto at = folded.find("\r\n" + std::string(name) + ":");
    if (at == std::string::npos) return "";
    at = head.find_first_not_of(' ', at + name.size() + 3);
    return head.substr(at, head.find("\r\n", at) - at);
}

tl::unexpected<Error> refused(int status, std::string why) {
    return fail(Error(Errc::forbidden, std::move(why)).with_code(std::to_string(status)));
}

} // namespace

Bridge::Bridge(outbound::Way& way, egress::Place to, outbound::Deadline until)
    : way_(way), to_(std::move(to)), until_(until),
      password_(crypto::hex_encode(crypto::random_bytes(24))) {}

Result<std::unique_ptr<Bridge>>
Bridge::open(outbound::Way& way, egress::Place to, outbound::Deadline until) {
    std::unique_ptr<Bridge> bridge(new Bridge(way, std::move(to), until));
    FAIRLEAD_TRY(listening, listen_on_loopback(bridge->port_));
    FAIRLEAD_TRY(
        attendant,
        Attendant::start(
            std::move(listening),
            [own = bridge.get()](Descriptor peer, int stop) { own->serve(std::move(peer), stop); }
        )
    );
    bridge->attendant_ = std::move(attendant);
    return bridge;
}

Secret Bridge::url() const {
    return Secret("http://fairlead:" + password_ + "@127.0.0.1:" + std::to_string(port_));
}

std::optional<Error> Bridge::failure() const {
    std::lock_guard held(lock_);
    return failure_;
}

Result<> Bridge::permit(const std::string& head) const {
    auto expected = "Basic " + crypto::base64_encode("fairlead:" + password_);
    if (!crypto::same(field(head, "proxy-authorization"), expected))
        return refused(407, "Proxy Authentication Required");
    constexpr std::string_view method = "CONNECT ";
    if (!head.starts_with(method)) return refused(405, "Method Not Allowed");
    auto target = head.substr(method.size(), head.find(' ', method.size()) - method.size());
    if (auto place = egress::parse_place(lower(target)); place && *place == to_) return {};
    return refused(403, "Forbidden");
}

void Bridge::serve(Descriptor peer, int stop) {
    auto now = std::chrono::steady_clock::now();
    auto answer = [&](const std::string& line) {
        auto text = "HTTP/1.1 " + line + "\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        egress::send_all(peer.get(), text, now + head_time, stop);
    };
    auto head =
        egress::read_head(peer.get(), longest_head, std::min(now + head_time, until_.at), stop);
    if (head.text.empty()) return;
    if (auto permitted = permit(head.text); !permitted)
        return answer(permitted.error().code() + " " + permitted.error().message());
    auto far = way_.connect(to_, std::nullopt, std::min(now + connect_time, until_.at));
    {
        std::lock_guard held(lock_);
        failure_.reset();
        if (!far) failure_ = far.error();
    }
    if (!far) return answer("502 Bad Gateway");
    if (!egress::send_all(peer.get(), "HTTP/1.1 200 OK\r\n\r\n", until_.at, stop)) return;
    egress::relay(peer.get(), far->get(), {idle_time, until_.at, most_bytes}, stop);
}

} // namespace fairlead::certificates
