// What EntitySync uses of OpenSSL 3.
#ifndef ENTITYSYNC_COPENSSL_SHIM_H
#define ENTITYSYNC_COPENSSL_SHIM_H

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#endif
