/// Outbound as the controller has it: its own layers, then the way out.
#pragma once

#include "common/net/tls_context.hpp"
#include "controller/egress/allow.hpp"
#include "controller/outbound/outbound.hpp"
#include "controller/outbound/way.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

namespace fairlead::outbound {

/// Which of the controller's own layers hold. For tests alone, which show that the others still do;
/// nothing that ships leaves one out.
struct Layers {
    bool text = true;      ///< 1: what the address says
    bool addresses = true; ///< 2: what its name resolves to
    bool redirects = true; ///< 3: each of them judged anew, and counted
    bool sizes = true;     ///< 4: of the answer
};

class Sender final : public Outbound {
public:
    /// `allow`: the operator's exceptions. `ca_pem`: authorities to trust beside the system's.
    Sender(std::unique_ptr<Way> way, egress::Allow allow, std::string ca_pem = "");
    Sender(std::unique_ptr<Way> way, egress::Allow allow, std::string ca_pem, Layers layers);
    ~Sender() override;

    Result<> check(const std::string& url) const override;
    Result<Answer> send(const Request& request) override;

    static constexpr int most_at_once = 64;

private:
    struct Target;
    Result<Target> judge(const std::string& url) const;
    Result<Descriptor> connect(const egress::Place& place, const Deadline& deadline);
    Result<Answer> follow(const Request& request, const Deadline& deadline);

    std::unique_ptr<Way> way_;
    egress::Allow allow_;
    net::Trust trust_; ///< kept: its authorities are read once
    Layers layers_;
    std::mutex lock_;
    std::condition_variable_any left_;
    int under_way_ = 0;
};

} // namespace fairlead::outbound
