#include "controller/audit/horizon.hpp"

#include <tuple>

namespace fairlead::audit {

std::string horizon_origin(const std::string& log) {
    return log + "/dropped";
}

Result<std::optional<crypto::Checkpoint>>
horizon(store::Connection& db, const api::OrgScope& scope, const crypto::NoteVerifier& verifier) {
    using Row = std::tuple<std::int64_t, std::string>;
    FAIRLEAD_TRY(
        row, db.one<Row>("SELECT below, note FROM audit_horizon WHERE org_id = $1", scope.org())
    );
    if (!row) return std::optional<crypto::Checkpoint>();
    const auto& [below, note] = *row;
    auto text = crypto::open_note(note, verifier);
    auto signed_one =
        text ? crypto::Checkpoint::parse(*text) : Result<crypto::Checkpoint>(fail(text.error()));
    auto log = verifier.name + "/" + scope.org().str();
    if (!signed_one || signed_one->origin != horizon_origin(log) ||
        signed_one->size != static_cast<std::uint64_t>(below))
        return fail(
            Errc::conflict, "the place up to which retention dropped texts is not what was signed"
        );
    return std::optional(*std::move(signed_one));
}

} // namespace fairlead::audit
