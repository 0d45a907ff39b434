#include "agent/deploy/credential.hpp"
#include "agent/deploy/deployment_steps.hpp"
#include "agent/deploy/requirement_lines.hpp"
#include "agent/deploy/venv.hpp"
#include "agent/host/files.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace fairlead::deploy {

using journal::Work;
namespace fs = std::filesystem;

Result<> Deployment::fetch_one(const proto::Source& source, Work& work) {
    auto& site = hands_.site();
    auto key = host::Git::key(source.url);
    auto lock = site.lock("git " + key);
    auto git = site.git();
    FAIRLEAD_TRY(credential, credential_of(source, work));
    work.info(fmt::format("Fetching {} from {}.", source.branch, source.url));
    FAIRLEAD_TRY(
        commit,
        git.fetch(
            source, credential,
            [&](std::string_view line) {
                // "Receiving objects:  45% (123/456), 1.20 MiB | 2.00 MiB/s"
                auto percent = line.find('%');
                if (!line.starts_with("Receiving objects") || percent == std::string_view::npos ||
                    percent < 3)
                    return;
                std::uint32_t done = 0;
                auto digits = line.substr(percent - 3, 3);
                digits.remove_prefix(std::min(digits.find_first_not_of(' '), digits.size()));
                std::from_chars(digits.data(), digits.data() + digits.size(), done);
                work.progress(
                    (static_cast<std::uint32_t>(commits_.size()) * 100 + done) /
                        static_cast<std::uint32_t>(e_.addons.size() + 1),
                    fmt::format("{}: {}", source.name, line)
                );
            },
            work.stop()
        )
    );
    FAIRLEAD_TRY(submodules, git.file(commit, ".gitmodules"));
    if (submodules)
        work.warn(fmt::format(
            "{} has submodules, which are not fetched: give each a repository of its own in the "
            "project.",
            source.name
        ));
    auto tree = hands_.layout().tree(key, commit.commit);
    auto manifest_file = hands_.layout().tree_manifest(key, commit.commit);
    hands_.pins().add(tree);
    std::error_code ignored;
    if (!fs::exists(manifest_file, ignored)) {
        work.info(
            fmt::format("Writing the files of {} at {}.", source.name, commit.commit.substr(0, 10))
        );
        FAIRLEAD_CHECK(host::remove_tree(tree));
        FAIRLEAD_CHECK(git.export_tree(commit, tree, work.stop()));
        FAIRLEAD_TRY(manifest, host::manifest_of(tree));
        FAIRLEAD_CHECK(write_file(manifest_file, manifest, 0644));
    }
    work.info(
        fmt::format("{} is at {} \"{}\".", source.name, commit.commit.substr(0, 10), commit.subject)
    );
    commits_.push_back(std::move(commit));
    return {};
}

Result<> Deployment::fetch(Work& work) {
    std::vector<const proto::Source*> sources{&e_.odoo};
    for (const auto& source : e_.addons) sources.push_back(&source);
    std::uint32_t done = 0;
    for (const auto* source : sources) {
        FAIRLEAD_CHECK(fetch_one(*source, work));
        work.progress(++done * 100 / static_cast<std::uint32_t>(sources.size()));
        if (work.stopping())
            return fail(Error(Errc::conflict, "The operation was cancelled.").with_code("cancelled")
            );
    }
    auto binary =
        hands_.layout().tree(host::Git::key(e_.odoo.url), commits_.front().commit) / "odoo-bin";
    std::error_code ignored;
    if (!fs::exists(binary, ignored))
        return fail(Error(
                        Errc::invalid, fmt::format(
                                           "The branch {} of {} is no Odoo: it has no odoo-bin.",
                                           e_.odoo.branch, e_.odoo.url
                                       )
        )
                        .with_code("not_odoo"));
    return {};
}

Result<> Deployment::build(Work& work) {
    std::vector<std::pair<std::string, std::string>> files;
    auto git = hands_.site().git();
    for (const auto& commit : commits_) {
        FAIRLEAD_TRY(text, git.file(commit, "requirements.txt"));
        if (text) files.emplace_back(commit.repository, *text);
    }
    FAIRLEAD_TRY(python, python_version());
    auto requirements = gather(files, e_, python);
    if (e_.listed_sources) FAIRLEAD_CHECK(check_named_packages(requirements.text));
    venv_ = requirements.hash();
    hands_.pins().add(hands_.layout().venv(venv_));
    return ensure_venv(hands_.site(), requirements, work);
}

} // namespace fairlead::deploy
