/// A dump as SQL text, line by line, as it streams by: enough to know rows of COPY from statements.
#pragma once

#include "common/runtime/sink.hpp"

#include <string>
#include <string_view>

namespace fairlead::imports {

enum class Keep { yes, no };

/// Looks at lines. `head` is the line without its end, cut to SqlLines::longest where `whole` is
/// false. Its errors end the stream.
class LineJudge {
public:
    virtual ~LineJudge() = default;
    /// A line between statements or within one.
    virtual Result<Keep> statement(std::string_view head, bool whole) = 0;
    /// A row of the table that the last "COPY … FROM stdin;" named. Rows are always kept.
    virtual Result<> row(std::string_view head, bool whole) = 0;
};

/// Passes the lines that its judge keeps on to `out`. Lines may be of any length; of each no more
/// than `longest` bytes are held.
class SqlLines final : public Sink {
public:
    static constexpr std::size_t longest = 256 << 10;

    /// Both outlive it.
    SqlLines(Sink& out, LineJudge& judge) : out_(out), judge_(judge) {}

    using Sink::write;
    Result<> write(std::span<const std::byte> bytes) override;
    /// A dump that ends within COPY was cut: Errc::invalid, code "import_truncated".
    Result<> finish() override;

private:
    Result<> line(std::string_view head, bool whole);

    Sink& out_;
    LineJudge& judge_;
    std::string pending_;
    bool copying_ = false;
    bool inside_ = false; ///< of a line whose head was judged already
    Keep keep_ = Keep::yes;
};

/// "COPY public.res_users (id, login) FROM stdin;" → its table, without the schema; empty for
/// another line.
std::string_view copied_table(std::string_view line);
/// Its columns.
std::string_view copied_columns(std::string_view line);

} // namespace fairlead::imports
