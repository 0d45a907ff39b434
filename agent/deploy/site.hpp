/// What all operations of this server share: where things are, and which trees and environments of
/// Python are in use.
#pragma once

#include "agent/deploy/layout.hpp"
#include "agent/deploy/records.hpp"
#include "agent/host/git.hpp"
#include "common/runtime/clock.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace fairlead::deploy {

class Site;

/// While it lives, nothing that it names is collected as garbage. Released with the last copy.
class Pins {
public:
    explicit Pins(Site& site) : site_(site) {}
    ~Pins();
    Pins(const Pins&) = delete;

    void add(const std::filesystem::path& path);
    void release();

private:
    Site& site_;
    std::multiset<std::string> paths_;
};

/// Thread-safe; outlives every operation.
class Site {
public:
    Site(Layout layout, const Clock& clock) : layout_(std::move(layout)), clock_(clock) {}

    const Layout& layout() const { return layout_; }
    Timestamp now() const { return clock_.now(); }

    /// Who is asked before a kept release that no operation describes is shown to others: the
    /// policy. Before the first operation; nobody is asked without it.
    using MayServe = std::function<Result<>(const proto::EnvironmentSpec&)>;
    void ask(MayServe may_serve) { may_serve_ = std::move(may_serve); }
    Result<> may_serve(const proto::EnvironmentSpec& environment) const {
        return may_serve_ ? may_serve_(environment) : Result<>();
    }
    host::Git git() const { return host::Git(layout_.mirrors(), layout_.runtime); }

    /// One at a time for each name: mirrors, trees and environments of Python that two operations
    /// want at once.
    std::unique_lock<std::mutex> lock(const std::string& name);

    /// Removes trees and environments of Python that no release and no pin names. Returns how many.
    Result<std::size_t> collect_garbage();

private:
    friend class Pins;
    Layout layout_;
    const Clock& clock_;
    MayServe may_serve_;
    std::mutex mutex_;
    std::map<std::string, std::unique_ptr<std::mutex>> locks_;
    std::multiset<std::string> pinned_;
};

} // namespace fairlead::deploy
