#include "controller/certificates/hook.hpp"

#include "common/crypto/encoding.hpp"
#include "common/runtime/log.hpp"
#include "controller/egress/waiting.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

namespace fairlead::certificates {
namespace {

using namespace std::chrono_literals;

// A call is a local matter of milliseconds; who takes longer is stuck.
constexpr auto call_time = 10s;
constexpr std::string_view taken = "ok", end_of_call = "\r\n\r\n";

tl::unexpected<Error> refused(std::string why) {
    return fail(Errc::invalid, std::move(why));
}

} // namespace

Result<HookCall> HookCall::parse(std::string_view text) {
    std::array<std::string, 5> words;
    for (std::size_t i = 0; i < words.size(); ++i) {
        bool last = i + 1 == words.size();
        auto end = text.find(' ');
        auto word = text.substr(0, end);
        bool plain =
            !word.empty() && std::ranges::all_of(word, [](char c) { return c > ' ' && c < 0x7f; });
        if (!plain || last != (end == std::string_view::npos))
            return refused("a call of the hook has five words");
        words[i] = word;
        if (!last) text.remove_prefix(end + 1);
    }
    return HookCall{words[0], words[1], words[2], words[3], words[4]};
}

int run_hook(const std::string& socket, std::span<const char* const> arguments) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    if (socket.empty() || socket.size() >= sizeof at.sun_path) return 1;
    std::memcpy(at.sun_path, socket.data(), socket.size());
    std::string call;
    for (const char* word : arguments) call += (call.empty() ? "" : " ") + std::string(word);
    if (call.size() + end_of_call.size() > longest_call || !HookCall::parse(call)) return 1;
    Descriptor to(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!to || ::connect(to.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0)
        return 1;
    auto until = std::chrono::steady_clock::now() + call_time;
    if (!egress::send_all(to.get(), call + std::string(end_of_call), until, -1)) return 1;
    auto answer = egress::read_head(to.get(), longest_call, until, -1);
    return answer.text == std::string(taken) + std::string(end_of_call) ? 0 : 1;
}

Result<std::unique_ptr<HookServer>>
HookServer::open(const std::string& folder, const Challenges& challenges, std::string name) {
    std::unique_ptr<HookServer> server(new HookServer(challenges, std::move(name)));
    FAIRLEAD_TRY(listening, listen_in(folder, socket_name));
    FAIRLEAD_TRY(
        attendant,
        Attendant::start(
            std::move(listening),
            [own = server.get()](Descriptor peer, int stop) { own->serve(std::move(peer), stop); }
        )
    );
    server->attendant_ = std::move(attendant);
    return server;
}

HookServer::~HookServer() {
    attendant_.reset();
    if (shown_) challenges_.hide(name_);
}

void HookServer::serve(Descriptor peer, int stop) {
    auto until = std::chrono::steady_clock::now() + call_time;
    auto head = egress::read_head(peer.get(), longest_call, until, stop);
    if (head.text.empty()) return;
    auto call =
        HookCall::parse(std::string_view(head.text).substr(0, head.text.size() - end_of_call.size())
        );
    auto done = call ? take(*call) : Result<>(fail(call.error()));
    if (!done)
        log::debug(
            "a challenge was declined", {{"name", name_}, {"reason", done.error().message()}}
        );
    auto answer = std::string(done ? taken : "no") + std::string(end_of_call);
    egress::send_all(peer.get(), answer, until, stop);
}

Result<> HookServer::take(const HookCall& call) {
    if (call.name != name_) return refused("it is for " + call.name);
    if (call.type != "tls-alpn-01") return refused("it is of the kind " + call.type);
    if (call.method == "done" || call.method == "failed") {
        challenges_.hide(name_);
        shown_ = false;
        return {};
    }
    if (call.method != "begin") return refused("there is no method " + call.method);
    auto bytes = crypto::base64url_decode(call.authorization);
    crypto::Digest digest;
    if (!bytes || bytes->size() != digest.bytes.size())
        return refused("its authorization is no SHA-256");
    std::copy(bytes->begin(), bytes->end(), digest.bytes.begin());
    FAIRLEAD_CHECK(challenges_.show(name_, digest));
    shown_ = true;
    return {};
}

} // namespace fairlead::certificates
