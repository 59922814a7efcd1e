// SPDX-License-Identifier: MIT
//
// libcbor (C) on the benchmark's corpus: `libcbor-bench CORPUS ROUNDS` prints one line
// `ROW MILLISECONDS` for each row, the median of the rounds. The streaming pass calls callbacks
// that do nothing; it checks neither UTF-8 nor nesting.

#include <cbor.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void stream(const unsigned char *bytes, size_t count) {
    size_t offset = 0;
    while (offset < count) {
        struct cbor_decoder_result result =
            cbor_stream_decode(bytes + offset, count - offset, &cbor_empty_callbacks, NULL);
        if (result.status != CBOR_DECODER_FINISHED) exit(1);
        offset += result.read;
    }
}

static void tree(const unsigned char *bytes, size_t count) {
    struct cbor_load_result result;
    cbor_item_t *item = cbor_load(bytes, count, &result);
    if (item == NULL) exit(1);
    cbor_decref(&item);
}

static void measure(
    const char *row, int rounds, const unsigned char *bytes, size_t count,
    void (*body)(const unsigned char *, size_t)) {
    double *times = malloc(sizeof(double) * rounds);
    body(bytes, count);
    for (int round = 0; round < rounds; round++) {
        double start = milliseconds();
        body(bytes, count);
        times[round] = milliseconds() - start;
    }
    qsort(times, rounds, sizeof(double), ascending);
    printf("%s %.4f\n", row, times[rounds / 2]);
    free(times);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    FILE *file = fopen(argv[1], "rb");
    if (file == NULL) return 1;
    fseek(file, 0, SEEK_END);
    size_t count = ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(count);
    if (fread(bytes, 1, count, file) != count) return 1;
    fclose(file);

    measure("validate", atoi(argv[2]), bytes, count, stream);
    measure("decode-tree", atoi(argv[2]), bytes, count, tree);
    return 0;
}
