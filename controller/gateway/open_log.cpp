#include "controller/gateway/open_log.hpp"

namespace fairlead::gateway {

Task<Result<stream::Stream>> open_log(
    Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys, OrgId org, ServerId server,
    proto::LogPurpose purpose
) {
    boost::json::object what{
        {"kind", proto::LogPurpose::log_kind},
        {"log", purpose.log},
        {"source", purpose.source},
        {"environment", purpose.environment},
        {"order", purpose.order},
        {"lines", purpose.lines},
        {"since_us", purpose.since_us},
        {"until_us", purpose.until_us},
        {"level", purpose.level},
        {"search", purpose.search},
        {"pattern", purpose.pattern},
        {"cursor", purpose.cursor},
        {"text", purpose.text}};
    return open_signed(
        hub, pool, keys, std::move(org), std::move(server), std::move(what), proto::logs_since
    );
}

Task<Result<stream::Stream>> open_recording(
    Hub& hub, WorkerPool& pool, tunnels::TunnelKeys& keys, OrgId org, ServerId server,
    proto::RecordingPurpose purpose
) {
    boost::json::object what{
        {"kind", proto::RecordingPurpose::recording_kind},
        {"log", purpose.log},
        {"recording", purpose.recording}};
    return open_signed(
        hub, pool, keys, std::move(org), std::move(server), std::move(what), proto::recordings_since
    );
}

} // namespace fairlead::gateway
