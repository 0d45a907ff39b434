/// Owners for OpenSSL's objects. For .cpp files of this folder only.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

namespace fairlead::crypto {

template <auto Function>
struct FreeWith {
    template <class T>
    void operator()(T* object) const {
        Function(object);
    }
};

using BioPtr = std::unique_ptr<BIO, FreeWith<BIO_free_all>>;
using BignumPtr = std::unique_ptr<BIGNUM, FreeWith<BN_free>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using PkeyCtxPtr = std::unique_ptr<EVP_PKEY_CTX, FreeWith<EVP_PKEY_CTX_free>>;
using MdCtxPtr = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;
using X509Ptr = std::unique_ptr<X509, FreeWith<X509_free>>;
using X509ReqPtr = std::unique_ptr<X509_REQ, FreeWith<X509_REQ_free>>;
using X509NamePtr = std::unique_ptr<X509_NAME, FreeWith<X509_NAME_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, FreeWith<X509_EXTENSION_free>>;
inline void free_extensions(STACK_OF(X509_EXTENSION) * list) {
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
}
using ExtensionsPtr = std::unique_ptr<STACK_OF(X509_EXTENSION), FreeWith<free_extensions>>;
using ObjectPtr = std::unique_ptr<ASN1_OBJECT, FreeWith<ASN1_OBJECT_free>>;
using OctetsPtr = std::unique_ptr<ASN1_OCTET_STRING, FreeWith<ASN1_OCTET_STRING_free>>;
using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, FreeWith<GENERAL_NAMES_free>>;

/// For calls that fail only when memory or OpenSSL itself is broken.
inline void must(bool succeeded, const char* what) {
    if (succeeded) return;
    char text[160];
    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    ERR_clear_error();
    throw std::runtime_error(std::string(what) + " failed: " + text);
}

template <class Pointer>
Pointer owned(typename Pointer::pointer made, const char* what) {
    must(made != nullptr, what);
    return Pointer(made);
}

inline BioPtr reader_of(std::string_view text) {
    return owned<BioPtr>(
        BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), "BIO_new_mem_buf"
    );
}

inline BioPtr writer() {
    return owned<BioPtr>(BIO_new(BIO_s_mem()), "BIO_new");
}

inline std::string content(BIO* bio) {
    char* data = nullptr;
    auto size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
}

/// i2d_… of any object.
template <class T>
std::string to_der(int (*encode)(const T*, unsigned char**), const T* object) {
    unsigned char* bytes = nullptr;
    int size = encode(object, &bytes);
    must(size > 0, "DER encoding");
    std::string der(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
    OPENSSL_free(bytes);
    return der;
}

/// A running EVP digest, ready for the next text after each finish(). `algorithm` must live as
/// long.
class RunningDigest {
public:
    explicit RunningDigest(const EVP_MD* algorithm)
        : algorithm_(algorithm), context_(owned<MdCtxPtr>(EVP_MD_CTX_new(), "EVP_MD_CTX_new")) {
        begin();
    }

    void add(std::string_view data) {
        must(EVP_DigestUpdate(context_.get(), data.data(), data.size()) == 1, "EVP_DigestUpdate");
    }
    /// `digest` has room for the algorithm's size.
    void finish(unsigned char* digest) {
        must(EVP_DigestFinal_ex(context_.get(), digest, nullptr) == 1, "EVP_DigestFinal_ex");
        begin();
    }

private:
    void begin() {
        must(EVP_DigestInit_ex2(context_.get(), algorithm_, nullptr) == 1, "EVP_DigestInit_ex2");
    }

    const EVP_MD* algorithm_;
    MdCtxPtr context_;
};

/// Only named curve P-256; explicit parameters are refused by the name being absent.
bool is_p256(const EVP_PKEY* key);

/// Null when the bytes are no P-256 public key, or more than one.
PkeyPtr public_from_der(std::string_view der);

/// No password is ever asked for at a terminal.
inline int no_password(char*, int, int, void*) {
    return -1;
}

} // namespace fairlead::crypto
