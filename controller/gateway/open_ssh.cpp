#include "controller/gateway/open_ssh.hpp"

namespace fairlead::gateway {

Task<Result<stream::Stream>>
open_ssh(Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys, OrgId org, ServerId server) {
    boost::json::object what{{"kind", proto::StreamPurpose::ssh_kind}};
    return open_signed(
        hub, pool, keys, std::move(org), std::move(server), std::move(what), proto::ssh_keys_since
    );
}

} // namespace fairlead::gateway
