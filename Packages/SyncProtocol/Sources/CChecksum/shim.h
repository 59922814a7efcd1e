// CRC-32C by the processor's own instruction, which Swift has no name for: SSE4.2 on x86-64, the
// CRC32 extension on arm64.
#ifndef ENTITYSYNC_CCHECKSUM_SHIM_H
#define ENTITYSYNC_CCHECKSUM_SHIM_H

#if defined(__x86_64__) || defined(__aarch64__)
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#define CCHECKSUM_TARGET __attribute__((target("sse4.2")))
#define CCHECKSUM_8(state, value) ((uint32_t)__builtin_ia32_crc32di((state), (value)))
#define CCHECKSUM_1(state, value) __builtin_ia32_crc32qi((state), (value))
#else
#define CCHECKSUM_TARGET __attribute__((target("crc")))
#define CCHECKSUM_8(state, value) __builtin_arm_crc32cd((state), (value))
#define CCHECKSUM_1(state, value) __builtin_arm_crc32cb((state), (value))
#endif

// Whether this processor has the instruction. It is asked each time, so keep the answer.
static inline int cchecksum_is_supported(void) {
#if defined(__x86_64__)
    uint32_t a = 1, b, c = 0, d;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return (c >> 20) & 1; // SSE4.2
#elif defined(__APPLE__)
    return 1;
#elif defined(__linux__)
    extern unsigned long getauxval(unsigned long);
    return (getauxval(16) >> 7) & 1; // AT_HWCAP, HWCAP_CRC32
#else
    return 0;
#endif
}

static inline uint64_t cchecksum_load(const uint8_t *bytes) {
    uint64_t value;
    __builtin_memcpy(&value, bytes, 8);
    return value;
}

// What `state` becomes behind n zero bytes, where `power` is x^(8n - 33) modulo the polynomial, its
// bits reversed: the product of the two, which the instruction takes modulo the polynomial.
CCHECKSUM_TARGET static inline uint32_t cchecksum_skip(uint32_t state, uint32_t power) {
    uint64_t product = 0;
    for (int bit = 0; bit < 32; bit++)
        product ^= ((uint64_t)power << bit) & -(uint64_t)((state >> bit) & 1);
    return CCHECKSUM_8(0, product);
}

// Takes three pieces of `length` bytes, a multiple of 8, that follow each other. The instruction
// gives its result three cycles later and can begin anew in each, so three run side by side.
// `once` and `twice` are the powers for `length` zero bytes and for twice as many.
CCHECKSUM_TARGET static inline uint32_t cchecksum_three(
    uint32_t state, const uint8_t *bytes, size_t length, uint32_t once, uint32_t twice) {
    uint32_t second = 0, third = 0;
    for (size_t i = 0; i < length; i += 8) {
        state = CCHECKSUM_8(state, cchecksum_load(bytes + i));
        second = CCHECKSUM_8(second, cchecksum_load(bytes + length + i));
        third = CCHECKSUM_8(third, cchecksum_load(bytes + 2 * length + i));
    }
    return cchecksum_skip(state, twice) ^ cchecksum_skip(second, once) ^ third;
}

// The state behind `count` more bytes; a state is a checksum with every bit turned over. The
// processor must have the instruction.
CCHECKSUM_TARGET static inline uint32_t cchecksum_crc32c(
    uint32_t state, const void *start, size_t count) {
    const uint8_t *bytes = (const uint8_t *)start;
    for (; count >= 3 * 4096; bytes += 3 * 4096, count -= 3 * 4096)
        state = cchecksum_three(state, bytes, 4096, 0x82F89C77, 0x54A86326);
    for (; count >= 3 * 512; bytes += 3 * 512, count -= 3 * 512)
        state = cchecksum_three(state, bytes, 512, 0xDD7E3B0C, 0x170076FA);
    for (; count >= 8; bytes += 8, count -= 8)
        state = CCHECKSUM_8(state, cchecksum_load(bytes));
    for (; count > 0; bytes++, count--) state = CCHECKSUM_1(state, *bytes);
    return state;
}
#endif

#endif
