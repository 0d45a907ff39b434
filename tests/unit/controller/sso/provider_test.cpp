#include "common/config/config.hpp"
#include "common/runtime/file.hpp"
#include "controller/sso/provider.hpp"

#include <doctest/doctest.h>

#include <stdlib.h>

#include <filesystem>

using namespace fairlead;
using sso::Preset;

namespace {

struct File {
    std::vector<sso::ProviderSettings> sign_in_with;
};
BOOST_DESCRIBE_STRUCT(File, (), (sign_in_with))

std::vector<sso::ProviderSettings> read(const std::string& yaml) {
    auto file = config::read<File>(yaml, "controller.yaml");
    REQUIRE(file);
    return file->sign_in_with;
}

struct Folder {
    Folder() {
        char name[] = "/tmp/fairlead-sso-XXXXXX";
        path = ::mkdtemp(name);
        REQUIRE(write_file(path / "secret", "s3cret\n", 0600));
    }
    ~Folder() { std::filesystem::remove_all(path); }
    std::filesystem::path path;
};

/// The first finding of an entry with one line more; "" where there is none.
std::string finding(const std::string& more) {
    auto found = sso::findings(read(
        "sign_in_with:\n  - client_id: c\n    client_secret_file: /etc/secret\n    " + more + "\n"
    ));
    return found.empty() ? "" : found.front();
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_SUITE("controller/sso/provider") {

    TEST_CASE("a preset needs a client id and a secret's file, and has the provider's addresses") {
        Folder folder;
        std::string yaml = "sign_in_with:\n";
        for (auto name : {"google", "github", "gitlab", "bitbucket", "microsoft"})
            yaml += std::string("  - {provider: ") + name +
                    ", client_id: c, client_secret_file: " + (folder.path / "secret").string() +
                    "}\n";
        auto made = sso::make_providers(read(yaml));
        REQUIRE(made);
        auto& p = *made;
        REQUIRE(p.size() == 5);
        CHECK(p[0].slug == "google");
        CHECK(p[0].name == "Google");
        CHECK(p[0].issuer == "https://accounts.google.com");
        CHECK(p[0].discovery == "https://accounts.google.com/.well-known/openid-configuration");
        CHECK(p[0].client_secret.reveal() == "s3cret");
        CHECK(p[1].authorize == "https://github.com/login/oauth/authorize");
        CHECK(p[1].token == "https://github.com/login/oauth/access_token");
        CHECK(p[1].api == "https://api.github.com");
        CHECK(p[2].issuer == "https://gitlab.com");
        CHECK(p[3].token == "https://bitbucket.org/site/oauth2/access_token");
        CHECK(p[3].api == "https://api.bitbucket.org/2.0");
        CHECK(p[4].issuer == "https://login.microsoftonline.com/{tenantid}/v2.0");
        CHECK(
            p[4].discovery ==
            "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration"
        );
    }

    TEST_CASE("a tenant, an own GitLab, an own issuer and its authority are what the file says") {
        Folder folder;
        REQUIRE(write_file(folder.path / "ca.pem", "PEM", 0644));
        auto secret = "client_id: c, client_secret_file: " + (folder.path / "secret").string();
        auto made = sso::make_providers(read(
            "sign_in_with:\n"
            "  - {provider: gitlab, base_url: https://git.example.org/gitlab, " +
            secret +
            "}\n"
            "  - {provider: github, slug: ghe, base_url: https://ghe.example.org, " +
            secret +
            "}\n"
            "  - {provider: microsoft, tenant: 9188040d-6c67-4c5b-b112-36a304b66dad, trusts_email: "
            "true, " +
            secret +
            "}\n"
            "  - {provider: oidc, slug: staff, name: Staff, issuer: 'https://id.example.org/', "
            "trusts_second_factor: true, ca_file: " +
            (folder.path / "ca.pem").string() + ", scopes: openid email groups, " + secret + "}\n"
        ));
        REQUIRE(made);
        auto& p = *made;
        CHECK(p[0].discovery == "https://git.example.org/gitlab/.well-known/openid-configuration");
        CHECK(p[1].api == "https://ghe.example.org/api/v3");
        CHECK(p[1].issuer == "https://ghe.example.org");
        CHECK(
            p[2].issuer ==
            "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"
        );
        CHECK(p[3].issuer == "https://id.example.org/");
        CHECK(p[3].discovery == "https://id.example.org/.well-known/openid-configuration");
        CHECK(p[3].ca_pem == "PEM");
        CHECK(p[3].trusts_second_factor);
        CHECK(p[3].scopes == "openid email groups");
    }

    TEST_CASE("what is wrong in an entry is said by name") {
        CHECK(finding("provider: google").empty());
        CHECK(has(finding("provider: oidc"), "oidc needs slug, name and issuer"));
        constexpr auto oidc = "provider: oidc\n    slug: s\n    name: S\n    ";
        for (auto bad :
             {"http://id.example.org", "https://", "id.example.org", "https://ann@id.example.org",
              "https://id.example.org/?a=b", "https://id.example.org/#a"})
            CHECK(
                has(finding(std::string(oidc) + "issuer: '" + bad + "'"),
                    "issuer must be an https address")
            );
        CHECK(has(finding("provider: google\n    issuer: https://x.example"), "google has its own")
        );
        CHECK(has(finding("provider: gitlab\n    base_url: http://x.example"), "https address"));
        CHECK(has(finding("provider: gitlab\n    base_url: https://x.example/"), "without a slash")
        );
        CHECK(has(finding("provider: google\n    tenant: x"), "tenant is for microsoft"));
        CHECK(has(finding("provider: microsoft\n    tenant: a/b"), "tenant must be"));
        for (auto shared : {"common", "organizations", "consumers"})
            CHECK(
                has(finding(
                        "provider: microsoft\n    trusts_email: true\n    tenant: " +
                        std::string(shared)
                    ),
                    "needs a tenant of your own")
            );
        CHECK(has(
            finding("provider: microsoft\n    trusts_email: true"), "needs a tenant of your own"
        ));
        CHECK(has(finding("provider: github\n    trusts_email: true"), "is not needed"));
        for (auto bad : {"A", "-a", "a_b", "\"\"", "a/b"})
            CHECK(has(finding("provider: google\n    slug: " + std::string(bad)), "slug must have")
            );
        CHECK(has(finding("provider: google\n    scopes: email profile"), "must contain openid"));
        CHECK(has(finding("provider: google\n    ca_file: ca.pem"), "absolute path"));
        auto twice =
            sso::findings(read("sign_in_with:\n"
                               "  - {provider: gitlab, client_id: c, client_secret_file: /s}\n"
                               "  - {provider: gitlab, client_id: d, client_secret_file: /s}\n"));
        REQUIRE(twice.size() == 1);
        CHECK(has(twice[0], "the slug gitlab is there twice"));
        CHECK_FALSE(
            config::read<File>("sign_in_with:\n  - {provider: facebook}\n", "controller.yaml")
        );
    }

    TEST_CASE("a secret that everybody can read, an empty one and none are refused") {
        Folder folder;
        auto made = [&](const char* name) {
            return sso::make_providers(read(
                "sign_in_with:\n  - {provider: google, client_id: c, client_secret_file: " +
                (folder.path / name).string() + "}\n"
            ));
        };
        CHECK(made("secret"));
        REQUIRE(write_file(folder.path / "open", "s3cret", 0644));
        REQUIRE(write_file(folder.path / "empty", "\n", 0600));
        auto open = made("open");
        REQUIRE_FALSE(open);
        CHECK(has(open.error().message(), "chmod o="));
        CHECK(has(made("empty").error().message(), "is empty"));
        CHECK_FALSE(made("none"));
    }
}
