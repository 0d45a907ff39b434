#include "agent/backup/keys.hpp"

#include "agent/backup/settings.hpp"

#include <fmt/core.h>

namespace fairlead::backup {

Result<> use_storage(
    Job& job, const proto::Storage& storage, const journal::Work& work, const BackupPlace& place
) {
    job.storage = storage;
    if (auto secret = work.secret("storage:" + storage.id)) {
        job.secret_key = std::move(*secret);
        job.session_token = work.secret("storage_token:" + storage.id).value_or("");
        return {};
    }
    FAIRLEAD_TRY(saved, load_settings(place));
    // To the place that they were given for, and to no other that goes by its id.
    auto same = [&](const proto::Storage& kept) {
        return kept.id == storage.id && kept.access_key == storage.access_key &&
               kept.endpoint == storage.endpoint && kept.bucket == storage.bucket &&
               kept.prefix == storage.prefix && kept.addressing == storage.addressing;
    };
    if (saved && same(saved->settings.storage)) {
        job.secret_key = std::move(saved->secret_key);
        job.session_token = std::move(saved->session_token);
        return {};
    }
    return fail(Error(
                    Errc::not_found,
                    fmt::format("The secret key of the storage {} is not at hand.", storage.name)
    )
                    .with_code("storage_key_missing"));
}

} // namespace fairlead::backup
