// SPDX-License-Identifier: MIT
//
// nlohmann/json (C++) on the benchmark's corpus: `nlohmann-bench CORPUS ROUNDS` prints one line
// `ROW MILLISECONDS` for each row, the median of the rounds.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

using nlohmann::json;

struct Operation {
    uint64_t opId, cursor, timestampMs, entityVersion;
    std::string dbId, opType, deviceId, entityId, collection;
    std::vector<uint8_t> entityCbor;
};

static std::vector<Operation> operations(const json &page) {
    std::vector<Operation> result;
    result.reserve(page["ops"].size());
    for (const json &op : page["ops"])
        result.push_back(
            {op["opId"], op["cursor"], op["timestampMs"], op["entityVersion"], op["dbId"],
             op["opType"], op["deviceId"], op["entityId"], op["collection"],
             op["entityCbor"].get_binary()});
    return result;
}

template <typename Body>
static void measure(const char *row, int rounds, Body body) {
    std::vector<double> times;
    body();
    for (int round = 0; round < rounds; round++) {
        auto start = std::chrono::steady_clock::now();
        body();
        std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
        times.push_back(time.count());
    }
    std::sort(times.begin(), times.end());
    std::printf("%s %.4f\n", row, times[rounds / 2]);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    std::ifstream file(argv[1], std::ios::binary);
    std::vector<uint8_t> corpus((std::istreambuf_iterator<char>(file)), {});
    int rounds = std::atoi(argv[2]);
    json page = json::from_cbor(corpus);
    size_t sink = 0;

    measure("decode-owned", rounds, [&] { sink += operations(json::from_cbor(corpus)).size(); });
    measure("encode", rounds, [&] { sink += json::to_cbor(page).size(); });
    return sink == 0;
}
