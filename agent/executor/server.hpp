/// The executor's end of the local socket: one link at a time, its messages in, status and reports
/// out.
#pragma once

#include "agent/executor/executor.hpp"
#include "agent/executor/frame.hpp"
#include "agent/update/fetcher.hpp"
#include "common/runtime/file.hpp"

#include <sys/types.h>

#include <chrono>
#include <filesystem>

namespace fairlead::executor {

/// What is waited for that no operation tells of.
enum class Watched { nothing, waiting, news };

struct ServerOptions {
    std::vector<uid_t> peers{0};            ///< who may connect
    std::chrono::milliseconds idle{30'000}; ///< then the process ends
    std::function<proto::Inventory()> inventory;
    /// As whom terminals can be opened under this policy.
    std::function<std::vector<std::string>(const policy::Policy&)> terminal_users;
    std::function<void()> look_for_due; ///< on SIGHUP, on this thread
    /// On this thread at each turn, at least once a second. `news`: the inventory is another one;
    /// `waiting`: it may become so, and the process stays.
    std::function<Watched()> watch;
    std::function<void()> revoked;      ///< the controller has revoked this server; on this thread
    update::Fetcher* fetcher = nullptr; ///< of what comes by the link; outlives the server
};

/// Makes the socket itself (mode 0660): for tests and for hosts without the unit.
Result<Descriptor> bind_socket(const std::filesystem::path& path);

/// Single thread; `run` returns when idle for long enough, or after SIGTERM when what runs is done.
class Server {
public:
    /// `wake` is an eventfd that Executor's on_change and the journal write to.
    Server(
        Descriptor listener, int wake, Executor& executor, journal::Journal& journal,
        PolicySource policy, ServerOptions options
    );
    void run(int signal_fd);

private:
    using Steady = std::chrono::steady_clock;
    void accept_link();
    void close_link(std::string_view why);
    void read_link();
    void handle(std::string_view body);
    /// Whether all that the journal has is on its way.
    bool pump();
    void write_link();
    void send(const proto::FromExecutor& message);
    void ask_for_package();
    bool time_to_go(bool ending);

    Descriptor listener_;
    int wake_;
    Executor& executor_;
    journal::Journal& journal_;
    PolicySource policy_;
    ServerOptions options_;

    Descriptor link_;
    FrameReader reader_;
    std::string out_;
    std::uint64_t sent_ = 0;
    bool idle_told_ = false;
    bool inventory_due_ = false;
    Watched watched_ = Watched::nothing;
    Steady::time_point last_active_ = Steady::now();
};

} // namespace fairlead::executor
