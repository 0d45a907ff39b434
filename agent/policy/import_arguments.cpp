// What the arguments of imports may look like.
#include "agent/policy/shape.hpp"
#include "agent/policy/text.hpp"
#include "proto/source_url.hpp"

namespace fairlead::policy {
namespace {

constexpr std::size_t most_domains = 100, longest_domain = 255;

template <class Args>
Result<> check_import(const Args& args) {
    FAIRLEAD_CHECK(check_id(args.environment_id, "env_"));
    FAIRLEAD_CHECK(check_slug(args.slug));
    return check_id(args.import_id, "imp_");
}

Result<> check_path(std::string_view what, const std::string& path) {
    if (path.empty() || proto::is_source_path(path)) return {};
    return wrong(
        what, path, "an absolute path of letters, digits and . _ ~ / + @ : - without \"..\" is"
    );
}

} // namespace

Result<> check(const proto::ImportAnalyseArgs& args) {
    FAIRLEAD_CHECK(check_import(args));
    const auto& source = args.source;
    if (source.path.empty() == source.url.empty())
        return fail(Errc::invalid, "An import is either from a path or from an address.");
    FAIRLEAD_CHECK(check_path("path", source.path));
    FAIRLEAD_CHECK(check_path("filestore", source.filestore));
    if (!source.url.empty()) {
        auto url = proto::parse_source_url(source.url);
        if (!url || !url->query.empty() || url->text() != source.url)
            return fail(
                Errc::invalid, "The address of an import is https and comes without its query."
            );
    }
    if (!source.sha256.empty() &&
        (source.url.empty() || source.sha256.size() != 64 ||
         !all(source.sha256, [](char c) { return digit(c) || (c >= 'a' && c <= 'f'); })))
        return wrong("SHA-256", source.sha256, "64 hexadecimal digits, with an address, are");
    if (args.domains.size() > most_domains)
        return fail(Errc::invalid, "There are more than 100 domains.");
    for (const auto& domain : args.domains)
        if (domain.empty() || domain.size() > longest_domain ||
            !all(domain, [](char c) { return lower(c) || digit(c) || one_of(c, ".-*"); }))
            return wrong("domain", domain, "names such as example.org and *.example.org are");
    return {};
}

Result<> check(const proto::ImportRunArgs& args) {
    FAIRLEAD_CHECK(check_import(args));
    return check_first(args.safety, args.slug);
}

Result<> check(const proto::ImportDiscardArgs& args) {
    return check_import(args);
}

} // namespace fairlead::policy
