// What EntitySync uses of OpenSSL 3.
#ifndef ENTITYSYNC_COPENSSL_SHIM_H
#define ENTITYSYNC_COPENSSL_SHIM_H

#include <openssl/evp.h>

#endif
