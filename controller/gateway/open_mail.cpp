#include "controller/gateway/open_mail.hpp"

namespace fairlead::gateway {

Task<Result<stream::Stream>> open_mail(
    Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys, OrgId org, ServerId server,
    proto::MailPurpose purpose
) {
    boost::json::object what{
        {"kind", proto::MailPurpose::mail_kind},
        {"reading", purpose.reading},
        {"environment", purpose.environment},
        {"message", purpose.message},
        {"lines", purpose.lines},
        {"before", purpose.before},
        {"search", purpose.search}};
    return open_signed(
        hub, pool, keys, std::move(org), std::move(server), std::move(what), proto::mail_since
    );
}

} // namespace fairlead::gateway
