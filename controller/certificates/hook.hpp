/// What uacme calls for each challenge: this very program, which asks the controller that it was
/// started by.
#pragma once

#include "controller/certificates/attendant.hpp"
#include "controller/certificates/client.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace fairlead::certificates {

/// Names the controller's socket, as the hook's folder sees it. Set: the program is a hook.
inline constexpr auto hook_variable = "FAIRLEAD_ACME_HOOK";
inline constexpr std::size_t longest_call = 4096;

/// One call: METHOD TYPE IDENT TOKEN AUTH, with spaces between.
struct HookCall {
    std::string method, type, name, token, authorization;
    /// Errc::invalid unless it has these five words.
    static Result<HookCall> parse(std::string_view text);
};

/// The hook's side: 0 where the controller takes the challenge, 1 otherwise.
int run_hook(const std::string& socket, std::span<const char* const> arguments);

/// The controller's side, for one run: takes tls-alpn-01 of the name that was ordered, and nothing
/// else. What it showed is hidden again when it goes away.
class HookServer {
public:
    /// In `folder`, as `socket_name`. Errc::internal.
    static Result<std::unique_ptr<HookServer>>
    open(const std::string& folder, const Challenges& challenges, std::string name);
    ~HookServer();
    HookServer(const HookServer&) = delete;

    static constexpr auto socket_name = "hook";

private:
    HookServer(const Challenges& challenges, std::string name)
        : challenges_(challenges), name_(std::move(name)) {}
    void serve(Descriptor peer, int stop);
    Result<> take(const HookCall& call);

    const Challenges& challenges_;
    std::string name_;
    bool shown_ = false;
    std::unique_ptr<Attendant> attendant_;
};

} // namespace fairlead::certificates
