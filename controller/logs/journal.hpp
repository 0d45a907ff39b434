/// Where it is written down that a server refused to show a log, captured mail or recordings.
#pragma once

#include "common/store/store.hpp"
#include "controller/api/change.hpp"
#include "controller/logs/asked.hpp"

#include <string>

namespace fairlead::logs {

/// Worker threads only.
class Journal {
public:
    virtual ~Journal() = default;
    virtual Result<> refused(const Asked& asked, const std::string& reason) = 0;
};

/// The organization's audit log.
class AuditJournal final : public Journal {
public:
    explicit AuditJournal(const api::Desk& desk) : desk_(desk) {}
    Result<> refused(const Asked& asked, const std::string& reason) override;

private:
    api::Desk desk_;
};

} // namespace fairlead::logs
