// SPDX-License-Identifier: MIT

/// How often values of which size came: a count for each of a few ranges, and the sum.
///
/// O(1) in memory; adding is O(log n) in the number of bounds.
struct Histogram: Equatable {
    /// The upper bounds of the ranges, ascending and inclusive; the last range has none.
    let bounds: [Double]
    /// How many values came in each range; one more than there are bounds.
    private(set) var counts: [UInt64]
    private(set) var sum = 0.0

    init(bounds: [Double]) {
        precondition(zip(bounds, bounds.dropFirst()).allSatisfy(<), "Bounds ascend.")
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    /// How many values came.
    var count: UInt64 { counts.reduce(0, +) }

    mutating func add(_ value: Double) {
        var (low, high) = (0, bounds.count)
        while low < high {
            let middle = (low + high) / 2
            if bounds[middle] < value { low = middle + 1 } else { high = middle }
        }
        counts[low] += 1
        sum += value
    }
}

extension Histogram {
    /// For times in seconds: from the fifth of a millisecond that a sync takes on a good disk, to
    /// what no client waits for.
    static var seconds: Histogram {
        Histogram(bounds: [
            0.0001, 0.000_25, 0.0005, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
            2.5, 10, 30,
        ])
    }

    /// For numbers of operations: as many ranges as a push of the usual limits can have tenfolds.
    static var operations: Histogram {
        Histogram(bounds: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000])
    }
}
