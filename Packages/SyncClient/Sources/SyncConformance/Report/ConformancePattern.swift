// SPDX-License-Identifier: MIT

/// Which checks are meant: the pattern of `--only`.
///
/// A pattern is one or more names, joined by commas. A name means the check of that name and all
/// below it, level by level: `push` and `push/exactly-once` mean `push/exactly-once/reset`, and
/// `push/exact` means nothing. `*` in a name stands for any characters, levels included.
public struct ConformancePattern: Sendable, Hashable {
    private var names: [[UInt8]]

    /// Reads a pattern; an empty one means no check.
    public init(_ text: String) {
        names = text.utf8.split(separator: UInt8(ascii: ",")).map(Array.init)
    }

    /// Whether the check of a name is meant.
    public func matches(_ name: String) -> Bool {
        let name = Array(name.utf8)
        return names.contains { Self.matches($0, name) }
    }

    /// Whether a check is meant.
    public func matches(_ check: ConformanceCheck) -> Bool { matches(check.name) }

    /// Goes along both; at a mismatch the last star takes one byte more. O(pattern × name).
    private static func matches(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
        let star = UInt8(ascii: "*")
        var (position, index) = (0, 0)
        var retry: (position: Int, index: Int)?
        while true {
            if position < pattern.count, pattern[position] == star {
                retry = (position + 1, index)
                position += 1
            } else if position == pattern.count,
                index == name.count || name[index] == UInt8(ascii: "/")
            {
                return true
            } else if position < pattern.count, index < name.count,
                pattern[position] == name[index]
            {
                (position, index) = (position + 1, index + 1)
            } else if let last = retry, last.index < name.count {
                retry = (last.position, last.index + 1)
                (position, index) = (last.position, last.index + 1)
            } else {
                return false
            }
        }
    }
}
