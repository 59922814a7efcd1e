// What EntitySync uses of zlib: gzip streams (RFC 1952) in memory.
#ifndef ENTITYSYNC_CZLIB_SHIM_H
#define ENTITYSYNC_CZLIB_SHIM_H

#include <zlib.h>

// Macros of zlib.h, which Swift does not see. Adding 16 to the window asks for gzip.
static inline int czlib_deflate_init(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
}

static inline int czlib_inflate_init(z_stream *stream) {
    return inflateInit2(stream, MAX_WBITS + 16);
}

#endif
