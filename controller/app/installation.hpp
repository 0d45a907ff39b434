/// The data folder: making it, copying the database out of it and back into it.
#pragma once

#include "common/crypto/keystore.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/result.hpp"
#include "common/runtime/secret.hpp"
#include "common/store/store.hpp"
#include "controller/app/settings.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace fairlead::app {

/// What lies where in the data folder.
struct Layout {
    explicit Layout(const std::filesystem::path& folder)
        : data(folder), key(folder / "master.key") {}
    explicit Layout(const Settings& settings) : Layout(std::filesystem::path(settings.data)) {
        if (settings.master_key) key = *settings.master_key;
    }
    std::filesystem::path data, key;
    std::filesystem::path database() const { return data / "fairlead.db"; }
    const std::filesystem::path& master_key() const { return key; }
    std::filesystem::path lock() const { return data / "lock"; }
};

/// What the secret of recovery tickets is bound to, where the database keeps it.
inline constexpr std::string_view tickets_place = "installation/tickets";

/// Errc::not_found when there is no database.
Result<> expect_database(const Layout& layout);

/// While it lasts, root is the owner of a folder: what is made there belongs to that user, and
/// nothing that the user bent leads further than the user may go. Nothing where we are not root, or
/// root owns it. One at a time in a process, which has one thread.
class AsOwner {
public:
    static Result<AsOwner> of(const std::filesystem::path& folder);
    AsOwner(AsOwner&& other) noexcept : away_(std::exchange(other.away_, false)) {}
    AsOwner& operator=(AsOwner&&) = delete;
    ~AsOwner();

private:
    explicit AsOwner(bool away) : away_(away) {}
    bool away_;
};

/// Held by the one process that serves from, or replaces, this data folder.
class FolderLock {
public:
    /// Errc::conflict when another process holds it.
    static Result<FolderLock> take(const Layout& layout);

private:
    explicit FolderLock(Descriptor file) : file_(std::move(file)) {}
    Descriptor file_;
};

struct InitRequest {
    std::filesystem::path config; ///< written last
    Settings settings;
    std::string admin_email;
    std::string org_name;
};

/// Makes folder (0700), keys, database with one organization and one administrator, and the
/// configuration. Gives the one-time link. Errc::conflict when something is there already.
Result<std::string> initialize(const InitRequest& request, const Clock& clock);

/// A new one-time link for `email`, or for the only person when it is empty. Works while the
/// controller serves.
Result<std::string> relink(const Settings& settings, std::string_view email, const Clock& clock);

/// A checked copy of the database as one file, also while the controller serves. A sentence for the
/// person.
Result<std::string> back_up(const Settings& settings, const std::filesystem::path& file);

/// Puts a copy in the database's place; what was there is kept beside it. Every session ends and
/// the epoch grows. The controller must not serve. A sentence for the person.
Result<std::string>
restore(const Settings& settings, const std::filesystem::path& file, const Clock& clock);

/// Checks what is outside the file: folder, keys, certificate, packages. All findings, one a line.
std::vector<std::string> check_surroundings(const Settings& settings, const Clock& clock);

inline constexpr auto link_lifetime = std::chrono::hours(24);

} // namespace fairlead::app
