#include <boost/asio/buffer.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/websocket/detail/mask.hpp>

#include <random>

// Masking is a loop over each byte that passes through a tunnel: in the agent's small code it costs
// more than encrypting it.
#ifndef __clang__
#pragma GCC push_options
#pragma GCC optimize("O3")
#endif
#include <boost/beast/websocket/detail/mask.ipp>
#ifndef __clang__
#pragma GCC pop_options
#endif
#include <boost/beast/src.hpp>
