#include "common/net/tls_impl.hpp"

#include <openssl/x509.h>

#include <sys/stat.h>

#include <cstdlib>

namespace fairlead::net {
namespace {

std::int64_t changed(const char* variable, const char* otherwise) {
    const char* set = std::getenv(variable);
    struct stat found {};
    if (stat(set ? set : otherwise, &found) != 0) return 0;
    return found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec;
}

/// Another one after the machine's store was changed: OpenSSL reads a file, and a folder.
SystemStamp stamp_of_system() {
    return {
        changed(X509_get_default_cert_file_env(), X509_get_default_cert_file()),
        changed(X509_get_default_cert_dir_env(), X509_get_default_cert_dir())};
}

Result<StorePtr> read(const Trust& trust) {
    StorePtr store(X509_STORE_new());
    if (!store) throw std::runtime_error("OpenSSL has no memory for a store of certificates");
    if (trust.uses_system() && X509_STORE_set_default_paths(store.get()) != 1)
        return fail(
            Errc::invalid,
            "The machine's own CA certificates cannot be read; install ca-certificates."
        );
    if (!trust.pem().empty()) {
        FAIRLEAD_TRY(certificates, read_certificates(trust.pem()));
        for (auto& one : certificates) X509_STORE_add_cert(store.get(), one.get());
        X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
    }
    return store;
}

} // namespace

Trust::Trust() : store_(std::make_shared<Store>()) {}

Trust Trust::system() {
    Trust trust;
    trust.system_ = true;
    return trust;
}

Trust Trust::authorities(std::string pem) {
    Trust trust;
    trust.pem_ = std::move(pem);
    return trust;
}

Trust Trust::fingerprint(std::string sha256) {
    Trust trust;
    trust.pin_ = std::move(sha256);
    return trust;
}

Trust Trust::or_system() const {
    auto both = *this;
    both.store_ = std::make_shared<Store>();
    both.system_ = true;
    return both;
}

Trust Trust::or_authorities(const std::string& pem) const {
    auto both = *this;
    both.store_ = std::make_shared<Store>();
    both.pem_ += pem;
    return both;
}

Result<StorePtr> authorities_of(const Trust& trust) {
    if (!trust.uses_system() && trust.pem().empty()) return StorePtr();
    auto& kept = trust.store();
    std::lock_guard lock(kept.mutex);
    auto stamp = trust.uses_system() ? stamp_of_system() : SystemStamp();
    if (!kept.authorities || kept.stamp != stamp) {
        FAIRLEAD_TRY(store, read(trust));
        kept.authorities = std::move(store);
        kept.stamp = stamp;
    }
    X509_STORE_up_ref(kept.authorities.get());
    return StorePtr(kept.authorities.get());
}

} // namespace fairlead::net
