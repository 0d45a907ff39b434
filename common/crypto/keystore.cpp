#include "common/crypto/keystore.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"
#include "common/crypto/seal.hpp"
#include "common/runtime/file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace fairlead::crypto {
namespace {

constexpr char format = 1;
constexpr std::size_t id_size = 8;
constexpr std::size_t wrapped_size = seal_key_size + seal_overhead;
constexpr std::size_t header_size = 1 + id_size + wrapped_size;
constexpr std::size_t file_limit = 64 * 1024;

tl::unexpected<Error> altered() {
    return fail(Errc::invalid, "A sealed value was altered, or is not from here.");
}

/// The wrapped key is bound to the place too, so that neither part can move alone.
std::string wrap_context(std::string_view context) {
    return "key of " + std::string(context);
}

/// Where systemd puts the master key, if it does.
std::filesystem::path credential() {
    const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
    return folder ? std::filesystem::path(folder) / "master.key" : std::filesystem::path();
}

/// What lets others in. systemd lets a unit's user read a credential by an access list, whose mask
/// stands where the group's bits are: 0440, of a file of root in a folder closed to others.
mode_t open_bits(const std::filesystem::path& file) {
    return file == credential() ? 037 : 077;
}

/// Root reads another user's as well, where nobody but that user or root could have put it.
bool trusted_owner(const std::filesystem::path& file, uid_t owner) {
    if (owner == 0 || owner == ::geteuid()) return true;
    struct stat folder {};
    return ::geteuid() == 0 && ::stat(file.parent_path().c_str(), &folder) == 0 &&
           (folder.st_uid == owner || folder.st_uid == 0);
}

Result<> expect_private(const std::filesystem::path& file) {
    struct stat facts {};
    if (::stat(file.c_str(), &facts) != 0)
        return fail(
            Errc::not_found,
            "There is no master key at " + file.string() +
                ". Restore it from where you keep it; without it nothing sealed can be read. Where "
                "systemd hands it over as a credential, name the file it comes from: master_key in "
                "controller.yaml."
        );
    if (!S_ISREG(facts.st_mode) || !trusted_owner(file, facts.st_uid))
        return fail(
            Errc::forbidden,
            file.string() +
                " must be a file that belongs to root or to the user who runs this program."
        );
    if (facts.st_mode & open_bits(file))
        return fail(
            Errc::forbidden,
            file.string() + " can be read by others. Run: chmod 0400 " + file.string()
        );
    return {};
}

/// In the file's place, and its owner's as before; whatever stops it, it is the old one or the new.
Result<> replace(const std::filesystem::path& file, const Secret& text) {
    auto fresh = file;
    fresh += ".new";
    FAIRLEAD_CHECK(write_file(fresh, text.reveal(), 0400));
    struct stat was {};
    bool given = ::stat(file.c_str(), &was) == 0 &&
                 (::geteuid() != 0 || ::lchown(fresh.c_str(), was.st_uid, was.st_gid) == 0) &&
                 ::rename(fresh.c_str(), file.c_str()) == 0;
    if (!given) {
        auto why = std::string(std::strerror(errno));
        ::unlink(fresh.c_str());
        return fail(Errc::internal, "Cannot replace " + file.string() + ": " + why + ".");
    }
    return sync_folder(file.parent_path());
}

} // namespace

Result<Keystore> Keystore::parse(std::string_view text, const std::string& where) {
    Keystore store;
    for (std::size_t line = 1; !text.empty(); ++line) {
        auto end = text.find('\n');
        auto entry = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (entry.empty() || entry[0] == '#') continue;
        auto wrong = [&] {
            return fail(
                Errc::invalid,
                where + " line " + std::to_string(line) + " is not a key id and a key of 32 bytes."
            );
        };
        auto space = entry.find(' ');
        if (space != id_size * 2) return wrong();
        auto id = hex_decode(entry.substr(0, space));
        auto key = base64url_decode(entry.substr(space + 1));
        if (!id || !key || key->size() != seal_key_size) return wrong();
        if (store.find(*id))
            return fail(
                Errc::invalid,
                where + " names the key " + std::string(entry.substr(0, space)) + " twice."
            );
        store.keys_.push_back({std::move(*id), Secret(std::move(*key))});
    }
    if (store.keys_.empty()) return fail(Errc::invalid, where + " holds no key.");
    return store;
}

Result<Keystore> Keystore::read(const std::filesystem::path& file) {
    FAIRLEAD_CHECK(expect_private(file));
    FAIRLEAD_TRY(text, read_file(file, file_limit));
    auto parsed = parse(text, file.string());
    wipe(text);
    return parsed;
}

Secret Keystore::print() const {
    std::string text;
    for (const auto& key : keys_)
        text += hex_encode(key.id) + ' ' + base64url_encode(key.key.reveal()) + '\n';
    return Secret(std::move(text));
}

Keystore Keystore::ephemeral() {
    Keystore store;
    store.keys_.push_back({random_bytes(id_size), random_secret(seal_key_size)});
    return store;
}

Result<Keystore> Keystore::create(const std::filesystem::path& file) {
    if (std::filesystem::exists(file))
        return fail(Errc::conflict, file.string() + " is there already.");
    auto store = ephemeral();
    FAIRLEAD_CHECK(write_file(file, store.print().reveal(), 0400));
    return store;
}

bool Keystore::is_credential() {
    auto given = credential();
    std::error_code ignored;
    return !given.empty() && std::filesystem::exists(given, ignored);
}

Result<Keystore> Keystore::load(const std::filesystem::path& file) {
    return read(is_credential() ? credential() : file);
}

const std::string& Keystore::current() const {
    return keys_.front().id;
}

std::vector<std::string> Keystore::ids() const {
    std::vector<std::string> all;
    for (const auto& key : keys_) all.push_back(key.id);
    return all;
}

const Keystore::MasterKey* Keystore::find(std::string_view id) const {
    for (const auto& key : keys_)
        if (key.id == id) return &key;
    return nullptr;
}

std::string Keystore::seal(const Secret& value, std::string_view context) const {
    const auto& master = keys_.front();
    auto data_key = random_secret(seal_key_size);
    std::string sealed(1, format);
    sealed += master.id;
    sealed += crypto::seal(master.key, data_key.reveal(), wrap_context(context));
    sealed += crypto::seal(data_key, value.reveal(), context);
    return sealed;
}

Result<std::string> Keystore::key_of(std::string_view sealed) {
    if (sealed.size() < header_size + seal_overhead || sealed[0] != format) return altered();
    return std::string(sealed.substr(1, id_size));
}

Result<Secret> Keystore::unwrap(std::string_view sealed, std::string_view context) const {
    FAIRLEAD_TRY(id, key_of(sealed));
    const auto* master = find(id);
    if (!master)
        return fail(
            Errc::not_found, "The master key " + hex_encode(id) +
                                 " that sealed this value is not here" +
                                 (is_credential() ? ": systemd hands over another one." : ".")
        );
    return crypto::open(
        master->key, sealed.substr(1 + id_size, wrapped_size), wrap_context(context)
    );
}

Result<Secret> Keystore::open(std::string_view sealed, std::string_view context) const {
    FAIRLEAD_TRY(data_key, unwrap(sealed, context));
    return crypto::open(data_key, sealed.substr(header_size), context);
}

Result<std::string> Keystore::rekey(std::string_view sealed, std::string_view context) const {
    FAIRLEAD_TRY(data_key, unwrap(sealed, context));
    const auto& now = keys_.front();
    std::string renewed(1, format);
    renewed += now.id;
    renewed += crypto::seal(now.key, data_key.reveal(), wrap_context(context));
    renewed += sealed.substr(header_size);
    return renewed;
}

Result<Keystore> Keystore::add_key(const std::filesystem::path& file) {
    FAIRLEAD_TRY(store, read(file));
    store.keys_.insert(
        store.keys_.begin(), MasterKey{random_bytes(id_size), random_secret(seal_key_size)}
    );
    FAIRLEAD_CHECK(replace(file, store.print()));
    return std::move(store);
}

Result<Keystore> Keystore::drop_old_keys(const std::filesystem::path& file) {
    FAIRLEAD_TRY(store, read(file));
    store.keys_.erase(store.keys_.begin() + 1, store.keys_.end());
    FAIRLEAD_CHECK(replace(file, store.print()));
    return std::move(store);
}

} // namespace fairlead::crypto
