#include "controller/app/authorities.hpp"

#include "controller/app/installation.hpp"
#include "controller/app/log_everywhere.hpp"
#include "controller/app/schema.hpp"
#include "controller/authority/authority.hpp"

#include <fmt/core.h>

namespace fairlead::app {
namespace {

template <class Work>
Result<std::string> with_authority(const Settings& settings, const Clock& clock, Work work) {
    Layout layout(settings);
    FAIRLEAD_CHECK(expect_database(layout));
    FAIRLEAD_TRY(keys, crypto::Keystore::load(layout.master_key()));
    store::Store store({.file = layout.database(), .readers = 1}, schema());
    authority::Authority authority(keys, clock, {.agent = settings.agents.certificate});
    return work(store, authority);
}

} // namespace

Result<std::string> rotate_authority(const Settings& settings, const Clock& clock, bool force) {
    return with_authority(settings, clock, [&](auto& store, auto& authority) {
        return store.write([&](store::UnitOfWork& unit) -> Result<std::string> {
            FAIRLEAD_TRY(step, authority.rotate(unit, force));
            api::Act act{
                .action = step.act,
                .target_type = "controller",
                .target_id = "ca",
                .target_name = "Certificate authority"};
            act.after = boost::json::object{{"step", step.sentence}, {"force", force}};
            FAIRLEAD_CHECK(log_everywhere(unit, clock, act));
            return step.sentence;
        });
    });
}

Result<std::string> list_authorities(const Settings& settings, const Clock& clock) {
    return with_authority(settings, clock, [](auto& store, auto& authority) -> Result<std::string> {
        FAIRLEAD_TRY(all, store.read([&](store::Connection& db) { return authority.list(db); }));
        std::string text;
        for (const auto& one : all)
            text += fmt::format(
                "{}{}: {}, until {}; {} agents have a certificate of it, {} do not know it",
                text.empty() ? "" : "\n", one.name, boost::describe::enum_to_string(one.stage, ""),
                to_rfc3339(one.not_after).substr(0, 10), one.agents, one.strangers
            );
        return text;
    });
}

} // namespace fairlead::app
