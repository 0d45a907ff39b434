#include "agent/update/fetcher.hpp"

#include "common/crypto/encoding.hpp"

#include <fmt/core.h>

namespace fairlead::update {
namespace {

constexpr auto longest = std::chrono::minutes(30); // for a whole package

tl::unexpected<Error> unavailable(std::string message) {
    return fail(Error(Errc::unavailable, std::move(message)).with_code("package_unavailable"));
}

} // namespace

Result<proto::PackagePart>
Fetcher::part(const std::string& file, std::uint64_t offset, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    wanted_ = proto::PackageWanted{file, offset};
    sent_ = false;
    part_.reset();
    lock.unlock();
    wake_();
    lock.lock();
    bool came = changed_.wait_for(lock, stop, patience_, [&] { return part_.has_value(); });
    wanted_.reset();
    if (came) return std::move(*part_);
    if (stop.stop_requested())
        return fail(Error(Errc::conflict, "The operation was cancelled.").with_code("cancelled"));
    return unavailable(fmt::format(
        "The controller sent nothing of {} for {} s. Nothing was changed; try again.", file,
        patience_.count()
    ));
}

Result<std::string> Fetcher::fetch(
    const std::string& file, std::stop_token stop,
    const std::function<void(std::uint32_t)>& progress
) {
    std::string content;
    auto end = std::chrono::steady_clock::now() + longest;
    for (std::uint64_t size = 1; content.size() < size;) {
        // Nothing else begins on the server meanwhile.
        if (std::chrono::steady_clock::now() > end)
            return unavailable(fmt::format(
                "{} did not come within {} minutes. Nothing was changed; try again over a better "
                "line.",
                file, longest.count()
            ));
        FAIRLEAD_TRY(got, part(file, content.size(), stop));
        if (!got.problem.empty()) return unavailable(got.problem.substr(0, 1000));
        auto data = crypto::base64_decode(got.data);
        bool first = content.empty();
        bool good = data && !data->empty() && data->size() <= proto::largest_package_part &&
                    got.size <= proto::largest_package && (first || got.size == size) &&
                    content.size() + data->size() <= got.size;
        if (!good)
            return unavailable(fmt::format(
                "What the controller sent of {} makes no whole file, or one larger than {} bytes: "
                "perhaps its packages were replaced meanwhile. Nothing was changed; try again.",
                file, proto::largest_package
            ));
        size = got.size;
        content += *data;
        progress(static_cast<std::uint32_t>(content.size() * 100 / size));
    }
    return content;
}

std::optional<proto::PackageWanted> Fetcher::take_wanted() {
    std::lock_guard lock(mutex_);
    if (!wanted_ || sent_) return std::nullopt;
    sent_ = true;
    return wanted_;
}

void Fetcher::answer(proto::PackagePart part) {
    {
        std::lock_guard lock(mutex_);
        // One that comes twice, or for what nobody waits any more.
        if (!wanted_ || part.file != wanted_->file || part.offset != wanted_->offset) return;
        part_ = std::move(part);
    }
    changed_.notify_all();
}

void Fetcher::linked() {
    std::lock_guard lock(mutex_);
    sent_ = false;
}

} // namespace fairlead::update
