/// The steps that all plans share which put other data in place of an environment's own.
#pragma once

#include "agent/backup/making.hpp"
#include "agent/backup/replacing.hpp"

#include <memory>
#include <optional>

namespace fairlead::backup {

/// A backup of the target, where one is wanted: nothing of what follows begins unless it is whole.
inline void add_safety(
    journal::Plan& plan, deploy::Site& site, const std::optional<proto::BackupArgs>& safety
) {
    if (!safety) return;
    for (auto& step : Making::steps(std::make_shared<Making>(site, *safety, "safety-")))
        plan.steps.push_back(std::move(step));
}

/// What comes after the data are here, in the same way wherever they came from. `Source` has
/// `replacing()`, `neutralises()`, `masks()`, and perhaps `done()` for what is of no use any more.
template <class Source>
void add_replacing(journal::Plan& plan, const std::shared_ptr<Source>& s) {
    using journal::Work;
    plan.steps.push_back(
        {"neutralise",
         "Make the copy harmless",
         [s](Work& w) { return s->replacing().neutralise(w); },
         {},
         [s](Work&) { return s->neutralises(); }}
    );
    plan.steps.push_back(
        {"mask",
         "Mask personal data",
         [s](Work& w) { return s->replacing().mask(w, s->masks()); },
         {},
         [s](Work&) { return !s->masks().empty(); }}
    );
    plan.steps.push_back(
        {"replace", "Stop Odoo and put the data in place",
         [s](Work& w) { return s->replacing().replace(w); },
         [s](Work& w) { return s->replacing().undo_replace(w); }}
    );
    plan.steps.push_back(
        {"update",
         "Update the modules that differ",
         [s](Work& w) { return s->replacing().update(w); },
         {},
         [s](Work& w) { return s->replacing().needs_update(w); }}
    );
    plan.steps.push_back({"start", "Start Odoo and wait until it is healthy", [s](Work& w) {
                              return s->replacing().start(w);
                          }});
    plan.steps.push_back(
        {"keep",
         "Remove the data that were replaced",
         [s](Work& w) -> Result<> {
             FAIRLEAD_CHECK(s->replacing().keep(w));
             if constexpr (requires { s->done(); }) return s->done();
             return {};
         },
         {},
         {},
         true}
    );
    plan.settle = [s](Work& w) { return s->replacing().hands().settle(w); };
}

} // namespace fairlead::backup
