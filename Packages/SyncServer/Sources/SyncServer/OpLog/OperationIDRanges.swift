// SPDX-License-Identifier: MIT

import SyncProtocol

/// The numbers that a device's accepted operations have, for ever: disjoint ranges, ascending.
///
/// A device counts up, so this is one range with a gap for each number that was refused or skipped.
struct OperationIDRanges: Equatable {
    private(set) var ranges: [ClosedRange<UInt64>] = []

    /// The highest number; 0 if there is none.
    var highest: OperationID { OperationID(ranges.last?.upperBound ?? 0) }

    /// The bounds of the ranges, the lower and the upper one in turn.
    var bounds: [UInt64] { ranges.flatMap { [$0.lowerBound, $0.upperBound] } }

    init() {}

    /// Creates ranges from `bounds`; `nil` if those are not ascending, with gaps between ranges.
    init?(bounds: [UInt64]) {
        guard bounds.count % 2 == 0 else { return nil }
        for index in stride(from: 0, to: bounds.count, by: 2) {
            let (lower, upper) = (bounds[index], bounds[index + 1])
            guard lower > 0, lower <= upper, ranges.last.map({ $0.upperBound + 1 < lower }) ?? true
            else { return nil }
            ranges.append(lower...upper)
        }
    }

    /// Adds numbers of which none is there yet. O(1) behind the highest, O(n) else.
    mutating func insert(_ other: OperationIDRanges) {
        for range in other.ranges {
            guard let last = ranges.last, range.lowerBound <= last.upperBound else {
                append(range)
                continue
            }
            for number in range { insert(OperationID(number)) }
        }
    }

    private mutating func append(_ range: ClosedRange<UInt64>) {
        if let last = ranges.last, last.upperBound + 1 == range.lowerBound {
            ranges[ranges.count - 1] = last.lowerBound...range.upperBound
        } else {
            ranges.append(range)
        }
    }

    /// O(log n) in the ranges.
    func contains(_ operationID: OperationID) -> Bool {
        let index = firstIndex(endingAtOrAfter: operationID.rawValue)
        return index < ranges.count && ranges[index].lowerBound <= operationID.rawValue
    }

    /// Whether any number of `range` is there. O(log n) in the ranges.
    func overlaps(_ range: ClosedRange<UInt64>) -> Bool {
        let index = firstIndex(endingAtOrAfter: range.lowerBound)
        return index < ranges.count && ranges[index].lowerBound <= range.upperBound
    }

    /// Adds a number that is not there yet. O(1) for the next or any higher one, O(n) else.
    mutating func insert(_ operationID: OperationID) {
        let number = operationID.rawValue
        guard let last = ranges.last else {
            ranges = [number...number]
            return
        }
        if number == last.upperBound + 1 {
            ranges[ranges.count - 1] = last.lowerBound...number
        } else if number > last.upperBound {
            ranges.append(number...number)
        } else {
            insertBetween(number)
        }
    }

    private mutating func insertBetween(_ number: UInt64) {
        let index = firstIndex(endingAtOrAfter: number)
        if ranges[index].contains(number) { return }
        let joinsNext = ranges[index].lowerBound == number + 1
        let joinsPrevious = index > 0 && ranges[index - 1].upperBound + 1 == number
        switch (joinsPrevious, joinsNext) {
        case (true, true):
            ranges[index - 1] = ranges[index - 1].lowerBound...ranges[index].upperBound
            ranges.remove(at: index)
        case (true, false): ranges[index - 1] = ranges[index - 1].lowerBound...number
        case (false, true): ranges[index] = number...ranges[index].upperBound
        case (false, false): ranges.insert(number...number, at: index)
        }
    }

    /// The index of the first range that does not lie wholly below `number`.
    private func firstIndex(endingAtOrAfter number: UInt64) -> Int {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < number { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
