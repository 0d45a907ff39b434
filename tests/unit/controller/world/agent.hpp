/// An agent with a journal that keeps the rules of proto/README.md sections 3 and 4, without a
/// network.
#pragma once

#include "world.hpp"

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace fairlead::test {

class Agent {
public:
    Agent(World& world, ServerId server);

    /// Says hello; what comes back waits in `inbox`. The link before is forgotten without a word.
    void connect();
    /// The controller notices that the link is gone.
    void disconnect();
    bool connected() const { return link.has_value(); }

    /// Fetches what was sent and what is due into `inbox`.
    void fetch();
    /// Takes the n-th message of the inbox.
    void take(std::size_t index = 0);
    void take_all();
    /// Sends what was not acknowledged, at most `count`; forgets what is then. False when the
    /// controller refused.
    bool report(std::size_t count = 100, bool heed_ack = true);
    /// Everything there is to do on both sides, to the end.
    void settle();

    /// What the executor does.
    void
    step(const std::string& id, std::string name, proto::StepState state, std::uint32_t index = 0);
    void log(const std::string& id, std::string text);
    void finish(
        const std::string& id, proto::Outcome outcome, proto::OperationResult result = {},
        std::string error = {}
    );

    struct Known {
        std::uint64_t fence = 0;
        int runs = 0;
        bool cancel = false;
        std::optional<proto::Finished> finished;
        proto::Operation operation;
    };
    std::vector<std::string> unfinished() const;

    proto::Hello hello() const;
    void lose_journal();

    World& world;
    ServerId server;
    std::uint32_t protocol = proto::protocol; ///< what it says that it speaks
    std::string version = "0.1.0";            ///< of its program
    std::optional<operations::AgentLink> link;
    std::deque<proto::ToAgent> inbox;
    std::map<std::string, Known> known;
    std::deque<proto::Report> reports;
    std::string journal = "jrn_1";
    std::uint64_t last_seq = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t highest_fence = 0;
    std::optional<Error> refused;

private:
    void add(proto::Report report);
    void again(const std::string& id);
};

} // namespace fairlead::test
