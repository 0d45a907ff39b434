/// A whole log as a file, made piece by piece.
#pragma once

#include "common/store/store.hpp"
#include "controller/api/principal.hpp"
#include "controller/audit/entries.hpp"
#include "controller/audit/notary.hpp"

#include <string>

namespace fairlead::audit {

BOOST_DEFINE_ENUM_CLASS(ExportFormat, csv, jsonl)

/// Up to the checkpoint, in the order of the tree. JSON lines hold every leaf, those that the
/// filter leaves out as hashes, so that the export proves itself; CSV holds the entries that the
/// filter lets through. `below`, `limit` of the filter do not count.
class Export {
public:
    Export(
        store::Store& store, api::OrgScope scope, ExportFormat format, Filter filter,
        SignedCheckpoint checkpoint, const Notary& notary
    );

    /// The next piece, up to about a megabyte; "" after the last. Reads in a transaction of its
    /// own.
    Result<std::string> next();

private:
    std::string head() const;
    void csv(const Entry& entry, std::string& into) const;

    store::Store& store_;
    api::OrgScope scope_;
    ExportFormat format_;
    Filter filter_;
    SignedCheckpoint checkpoint_;
    std::string origin_;
    std::string key_;
    std::int64_t next_ = 0;
    bool began_ = false;
};

/// Quoted where RFC 4180 asks for it; what a spreadsheet would take for a formula begins with an
/// apostrophe.
std::string csv_cell(std::string_view text);

} // namespace fairlead::audit
