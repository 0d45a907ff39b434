#include "agent/deploy/integrity.hpp"

#include "agent/host/files.hpp"
#include "common/crypto/hash.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>

namespace fairlead::deploy {

namespace fs = std::filesystem;

Result<std::string>
altered(const Layout& layout, const Place& place, const ReleaseRecord& release) {
    auto compare = [](const fs::path& folder, const fs::path& file,
                      const std::string& sha256) -> Result<std::string> {
        auto manifest = read_file(file, 256 << 20);
        if (!manifest) return fmt::format("{} is missing", file.string());
        if (crypto::sha256(*manifest).hex() != sha256)
            return fmt::format("{} is not the one that was deployed", file.string());
        std::error_code ignored;
        if (!fs::exists(folder, ignored)) return fmt::format("{} is missing", folder.string());
        FAIRLEAD_TRY(now, host::manifest_of(folder));
        auto difference = host::first_difference(*manifest, now);
        return difference.empty() ? std::string() : (folder / difference).string();
    };
    for (const auto& tree : release.trees) {
        FAIRLEAD_TRY(
            difference, compare(
                            layout.tree(tree.key, tree.commit),
                            layout.tree_manifest(tree.key, tree.commit), tree.manifest_sha256
                        )
        );
        if (!difference.empty()) return difference;
    }
    FAIRLEAD_TRY(
        difference, compare(
                        layout.venv(release.venv), layout.venv_manifest(release.venv),
                        release.venv_manifest_sha256
                    )
    );
    if (!difference.empty()) return difference;
    for (const auto& [name, sha256] : release.files) {
        auto file = place.release(release.info.number) / name;
        auto digest = crypto::sha256_file(file);
        if (!digest) return file.string() + " (missing)";
        if (digest->hex() != sha256) return file.string() + " (changed)";
    }
    return std::string();
}

} // namespace fairlead::deploy
