#include "controller/gateway/open_terminal.hpp"

namespace fairlead::gateway {

Task<Result<stream::Stream>> open_terminal(
    Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys, OrgId org, ServerId server,
    proto::TerminalPurpose purpose
) {
    boost::json::object what{
        {"kind", proto::TerminalPurpose::terminal_kind},
        {"terminal", purpose.terminal},
        {"user", purpose.user},
        {"columns", purpose.columns},
        {"rows", purpose.rows},
        {"record", purpose.record}};
    return open_signed(
        hub, pool, keys, std::move(org), std::move(server), std::move(what), proto::terminals_since
    );
}

} // namespace fairlead::gateway
