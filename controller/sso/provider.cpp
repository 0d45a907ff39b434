#include "controller/sso/provider.hpp"

#include "common/runtime/file.hpp"
#include "controller/sso/id_token.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <set>

namespace fairlead::sso {
namespace {

constexpr std::size_t most_providers = 20;

struct Usual {
    const char* name;
    const char* base;
    const char* scopes;
};

Usual usual(Preset preset) {
    switch (preset) {
    case Preset::google:
        return {"Google", "https://accounts.google.com", "openid email profile"};
    case Preset::github:
        return {"GitHub", "https://github.com", "read:user user:email"};
    case Preset::gitlab:
        return {"GitLab", "https://gitlab.com", "openid email profile"};
    case Preset::bitbucket:
        return {"Bitbucket", "https://bitbucket.org", "account email"};
    case Preset::microsoft:
        return {"Microsoft", "https://login.microsoftonline.com", "openid email profile"};
    case Preset::oidc:
        break;
    }
    return {"", "", "openid email profile"};
}

std::string word(Preset preset) {
    return boost::describe::enum_to_string(preset, "");
}

std::string slug_of(const ProviderSettings& settings) {
    return settings.slug.value_or(word(settings.provider));
}

bool is_slug(std::string_view text) {
    if (text.empty() || text.size() > 40 || text.front() == '-') return false;
    return std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
}

/// Nothing that would end up elsewhere than it seems: no user, no query, no fragment, no blank.
bool is_https(std::string_view text) {
    return text.starts_with("https://") && text.size() > 8 && text.size() <= 300 &&
           std::ranges::all_of(text, [](char c) {
               return c > ' ' && c < 0x7f &&
                      std::string_view("?#@\\\"'<>").find(c) == std::string_view::npos;
           });
}

bool is_tenant(std::string_view text) {
    return !text.empty() && text.size() <= 253 && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    });
}

/// Open to people of any tenant, or of none.
bool is_shared(std::string_view tenant) {
    return tenant == "common" || tenant == "organizations" || tenant == "consumers";
}

bool is_shown(std::string_view text, std::size_t most) {
    return !text.empty() && text.size() <= most &&
           std::ranges::none_of(text, [](unsigned char c) { return c < ' ' || c == 0x7f; });
}

std::vector<std::string> findings_of(const ProviderSettings& s) {
    std::vector<std::string> found;
    auto that = [&](bool fine, std::string sentence) {
        if (!fine) found.push_back(fmt::format("sign_in_with: {}: {}", slug_of(s), sentence));
    };
    bool oidc = s.provider == Preset::oidc, microsoft = s.provider == Preset::microsoft;
    bool plain = s.provider == Preset::github || s.provider == Preset::bitbucket;
    that(
        is_slug(slug_of(s)),
        "slug must have 1 to 40 characters: lower-case letters, digits and hyphens"
    );
    that(!s.name || is_shown(*s.name, 60), "name must have 1 to 60 characters");
    that(!oidc || (s.slug && s.name && s.issuer), "oidc needs slug, name and issuer");
    that(oidc || !s.issuer, "issuer is for oidc; " + word(s.provider) + " has its own");
    that(!s.issuer || is_https(*s.issuer), "issuer must be an https address");
    that(!oidc || !s.base_url, "base_url is for presets; write issuer");
    that(
        !s.base_url || (is_https(*s.base_url) && !s.base_url->ends_with('/')),
        "base_url must be an https address without a slash at the end"
    );
    that(microsoft || !s.tenant, "tenant is for microsoft");
    that(
        !s.tenant || is_tenant(*s.tenant), "tenant must be an id, a domain, common, organizations "
                                           "or consumers"
    );
    // Anybody can have a tenant there, and write any address into it.
    that(
        !(microsoft && s.trusts_email && is_shared(s.tenant.value_or("common"))),
        "trusts_email needs a tenant of your own"
    );
    that(
        !(plain && s.trusts_email),
        "trusts_email is not needed: " + word(s.provider) + " says which addresses are verified"
    );
    that(is_shown(s.client_id, 300), "client_id is missing");
    that(s.client_secret_file.starts_with('/'), "client_secret_file must be an absolute path");
    that(!s.ca_file || s.ca_file->starts_with('/'), "ca_file must be an absolute path");
    that(!s.scopes || is_shown(*s.scopes, 500), "scopes must have 1 to 500 characters");
    that(
        !s.scopes || plain || (" " + *s.scopes + " ").find(" openid ") != std::string::npos,
        "scopes must contain openid"
    );
    return found;
}

/// A secret is for us alone.
Result<Secret> read_secret(const std::filesystem::path& file) {
    FAIRLEAD_TRY(text, read_file(file, 4096));
    std::error_code failed;
    auto mode = std::filesystem::status(file, failed).permissions();
    using std::filesystem::perms;
    if (!failed && (mode & perms::others_all) != perms::none)
        return fail(
            Errc::invalid,
            file.string() + " is open to everybody on this machine. Run: chmod o= " + file.string()
        );
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    if (text.empty()) return fail(Errc::invalid, file.string() + " is empty.");
    return Secret(std::move(text));
}

void fill_addresses(Provider& p, const ProviderSettings& s) {
    auto base = s.base_url.value_or(usual(s.provider).base);
    switch (s.provider) {
    case Preset::github:
        p.authorize = base + "/login/oauth/authorize";
        p.token = base + "/login/oauth/access_token";
        // GitHub Enterprise Server has its API on the same host.
        p.api = s.base_url ? base + "/api/v3" : "https://api.github.com";
        break;
    case Preset::bitbucket:
        p.authorize = base + "/site/oauth2/authorize";
        p.token = base + "/site/oauth2/access_token";
        p.api = s.base_url ? base + "/2.0" : "https://api.bitbucket.org/2.0";
        break;
    case Preset::microsoft: {
        // Whatever a tenant is called, Microsoft's tokens have its id.
        auto tenant = s.tenant.value_or("common");
        p.issuer = base + "/" + (is_guid(tenant) ? tenant : "{tenantid}") + "/v2.0";
        p.discovery = base + "/" + tenant + "/v2.0/.well-known/openid-configuration";
        return;
    }
    default:
        p.issuer = s.issuer.value_or(base);
        p.discovery =
            p.issuer + (p.issuer.ends_with('/') ? "" : "/") + ".well-known/openid-configuration";
        return;
    }
    p.issuer = base;
}

} // namespace

std::vector<std::string> findings(const std::vector<ProviderSettings>& settings) {
    std::vector<std::string> found;
    std::set<std::string> slugs;
    for (const auto& one : settings) {
        for (auto& sentence : findings_of(one)) found.push_back(std::move(sentence) + ".");
        if (!slugs.insert(slug_of(one)).second)
            found.push_back(fmt::format(
                "sign_in_with: the slug {} is there twice; give one of them another.", slug_of(one)
            ));
    }
    if (settings.size() > most_providers)
        found.push_back(fmt::format("sign_in_with: has more than {} entries.", most_providers));
    return found;
}

Result<std::vector<Provider>> make_providers(const std::vector<ProviderSettings>& settings) {
    auto found = findings(settings);
    std::vector<Provider> providers;
    for (const auto& s : settings) {
        Provider p;
        p.preset = s.provider;
        p.slug = slug_of(s);
        p.name = s.name.value_or(usual(s.provider).name);
        p.client_id = s.client_id;
        p.scopes = s.scopes.value_or(usual(s.provider).scopes);
        p.trusts_second_factor = s.trusts_second_factor;
        p.trusts_email = s.trusts_email;
        fill_addresses(p, s);
        auto failed = [&](const Error& error) {
            found.push_back(fmt::format("sign_in_with: {}: {}", p.slug, error.message()));
        };
        if (auto secret = read_secret(s.client_secret_file))
            p.client_secret = std::move(*secret);
        else
            failed(secret.error());
        if (s.ca_file) {
            if (auto pem = read_file(*s.ca_file, 256 * 1024))
                p.ca_pem = std::move(*pem);
            else
                failed(pem.error());
        }
        providers.push_back(std::move(p));
    }
    if (found.empty()) return providers;
    std::string text;
    for (const auto& sentence : found) text += (text.empty() ? "" : "\n") + sentence;
    return fail(Errc::invalid, std::move(text));
}

} // namespace fairlead::sso
