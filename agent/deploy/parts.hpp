/// The parts that deployments, rollbacks and the small operations are put together from. Each can
/// be called again after a crash in its middle.
#pragma once

#include "agent/deploy/beside.hpp"
#include "agent/deploy/connector.hpp"
#include "agent/deploy/exposure.hpp"
#include "agent/deploy/site.hpp"
#include "agent/deploy/sites.hpp"
#include "agent/host/postgresql.hpp"
#include "agent/host/systemd.hpp"
#include "agent/journal/engine.hpp"

#include <chrono>
#include <string>

namespace fairlead::deploy {

/// Names of facts: what an operation remembers in the journal.
namespace fact {
inline constexpr const char* first = "first";             ///< there was no environment before
inline constexpr const char* previous = "previous";       ///< the live release before
inline constexpr const char* was_enabled = "was_enabled"; ///< it was meant to run
inline constexpr const char* migration = "migration";     ///< "none", "install", "update"
inline constexpr const char* made_database = "made_database";
inline constexpr const char* made_release = "made_release";
inline constexpr const char* snapshot = "snapshot"; ///< "yes": the scratch snapshot is whole
inline constexpr const char* replacing =
    "replacing"; ///< "yes": database and filestore are being replaced
inline constexpr const char* beside =
    "beside"; ///< "yes": the new release ran well beside the live one
inline constexpr const char* switched = "switched";
inline constexpr const char* named =
    "named"; ///< "yes": the release that was switched to, or the one before, is reached by names
inline constexpr const char* replaced_database =
    "replaced_database"; ///< "yes": other data came in place of the database
inline constexpr const char* had_no_database =
    "had_no_database"; ///< "yes": they came where there was none any more
} // namespace fact

/// One environment in the hands of one operation.
class Hands {
public:
    Hands(Site& site, const std::string& slug)
        : site_(site), place_(site.layout(), slug), postgresql_(place_.account),
          beside_(site.layout(), place_, systemd_), sites_(site.layout(), systemd_),
          connector_(site.layout(), connector_units_), pins_(site) {}

    Site& site() { return site_; }
    const Place& place() const { return place_; }
    const Layout& layout() const { return site_.layout(); }
    host::Postgresql& postgresql() { return postgresql_; }
    host::Systemd& systemd() { return systemd_; }
    Pins& pins() { return pins_; }
    const Exposure& exposure() const { return exposure_; }
    /// The door first: it must not start the service that is being stopped.
    std::vector<std::string> units() const;

    /// Remembers what was there before: facts `first`, `previous`, `was_enabled`. Errc::conflict
    /// with "slug_taken" when the folder belongs to another environment.
    Result<> note_before(journal::Work& work, const std::string& environment_id);
    std::uint32_t previous(const journal::Work& work) const;
    /// It was there before and answers at this moment.
    bool runs(const journal::Work& work);

    /// Stops Odoo, keeps it from starting, and copies database and filestore as they are now.
    Result<> take_snapshot(journal::Work& work);
    /// Puts that copy back, or throws away an unfinished one.
    Result<> undo_snapshot(journal::Work& work);
    /// Makes that copy the one that belongs to release `number`.
    Result<> keep_snapshot(std::uint32_t number);
    Result<> drop_snapshot(std::uint32_t number);

    /// Stops Odoo, keeps it from starting, and puts a database and a folder (empty: not that one)
    /// in place of the live ones, which become the scratch snapshot: `undo_snapshot` puts them
    /// back. What somebody wiped is not needed for that.
    Result<> replace_data(
        journal::Work& work, const std::string& database, const std::filesystem::path& filestore
    );
    /// Removes what `replace_data` put aside.
    Result<> drop_replaced();
    /// Lets Odoo start again.
    Result<> release_hold();

    /// Starts release `number` beside the live one, where no request finds it, and sees whether it
    /// answers; stops it again. Skipped, with the reason in the log, where two cannot run at once.
    /// Code "health_failed".
    Result<> try_beside(journal::Work& work, std::uint32_t number);
    Result<> undo_beside(journal::Work& work);

    /// Makes `number` the current release, and its unit the running one. After `try_beside` no
    /// request waits for that: the new release takes them beside the old one, which lets its own
    /// end.
    Result<> switch_to(journal::Work& work, std::uint32_t number);
    /// Back to fact `previous`; takes the units away where there was none.
    Result<> undo_switch(journal::Work& work);

    /// True when release `number`, or the one before, is reached by names through this server: by
    /// Caddy, or by Cloudflare's connector.
    bool has_domains(const journal::Work& work, std::uint32_t number) const;
    /// Tries another connector token before anything changes: putting a release back that was
    /// switched to would let requests wait.
    Result<> prove_connector(journal::Work& work, std::uint32_t number);
    Result<> undo_prove_connector() { return connector_.stop_trial(place_); }
    /// Lets Caddy and the connector serve as release `number` says, or as the one before did. What
    /// is new is there before what was goes.
    Result<> serve_domains(journal::Work& work, std::uint32_t number);
    Result<> undo_serve_domains(journal::Work& work);

    /// Waits until Odoo answers and has stayed up for ten seconds. Code "health_failed".
    Result<> wait_until_healthy(journal::Work& work, bool may_cancel = true);

    /// After everything is undone: what ran before runs again.
    Result<> settle(journal::Work& work);

    /// Requests under way have `mercy` to end.
    Result<> stop_all(journal::Work& work, std::chrono::seconds mercy = std::chrono::seconds(90));
    Result<> start_all();
    Result<> enable_all();
    /// Disables the units and takes their drop-ins, domains and connector away; Odoo's are stopped
    /// already. A Caddy in trouble keeps nobody from it, and is warned of.
    Result<> forget_units(journal::Work& work);

    /// When Odoo went away for this operation; set by whatever stopped it.
    std::optional<std::chrono::steady_clock::time_point> down_since;

private:
    Result<bool> answers(std::uint16_t port, std::string& why);
    Result<> hold();
    Result<> change_beside(journal::Work& work, std::uint32_t number);
    Result<> serve_again(journal::Work& work);
    Result<> connect(journal::Work& work, std::uint32_t number);
    static ConnectorWatch watch(journal::Work& work);
    Result<> connect_again(journal::Work& work);
    Result<> wait_until_serving(journal::Work& work, const std::string& unit);
    Error health_error(journal::Work& work, const std::string& unit, std::string why);

    Site& site_;
    Place place_;
    host::Postgresql postgresql_;
    host::Systemd systemd_;
    Beside beside_;
    Sites sites_;
    SystemdUnits connector_units_{systemd_};
    Connector connector_;
    Pins pins_;
    const Exposure& exposure_ = local_port();
};

} // namespace fairlead::deploy
