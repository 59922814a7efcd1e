// SPDX-License-Identifier: MIT

import SyncProtocol

/// The devices that a token is for, or that were revoked: one, or with a `*` at the end all whose
/// names begin so. `*` is in no device's name, so the two never look alike.
struct DevicePattern: Hashable, Sendable {
    /// What stands before the `*`, or the whole name.
    private let name: [UInt8]
    private let isPrefix: Bool

    /// All devices.
    static let all = DevicePattern(name: [], isPrefix: true)

    private init(name: [UInt8], isPrefix: Bool) { (self.name, self.isPrefix) = (name, isPrefix) }

    /// Takes a pattern as it is written; `nil` if no device can have such a name.
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        isPrefix = bytes.last == UInt8(ascii: "*")
        name = isPrefix ? bytes.dropLast() : bytes
        if name.isEmpty, isPrefix { return }
        // A prefix may be `.` or `..`, and `~server`, if more can follow.
        let whole = isPrefix ? String(text.dropLast()) + "-" : text
        guard DeviceID(whole).isValid else { return nil }
    }

    /// The pattern of one device alone.
    init(_ deviceID: DeviceID) {
        (name, isPrefix) = (Array(deviceID.rawValue.utf8), false)
    }

    /// The pattern as it is written.
    var text: String { String(decoding: name, as: UTF8.self) + (isPrefix ? "*" : "") }

    /// The device, if the pattern is for one alone.
    var device: DeviceID? { isPrefix ? nil : DeviceID(text) }

    var isAll: Bool { isPrefix && name.isEmpty }

    func matches(_ deviceID: DeviceID) -> Bool {
        isPrefix
            ? deviceID.rawValue.utf8.starts(with: name)
            : deviceID.rawValue.utf8.elementsEqual(name)
    }

    /// Whether it matches every device that `other` matches.
    func covers(_ other: DevicePattern) -> Bool {
        isPrefix ? other.name.starts(with: name) : !other.isPrefix && other.name == name
    }
}
