// SPDX-License-Identifier: MIT

import SyncProtocol

/// Which operations a pull returns.
struct PullFilter {
    /// The collections asked for; `nil` is all.
    private var collections: EntityTable<Bool>?
    /// The device whose operations are left out.
    private let excludedDevice: [UInt8]?
    /// Whether every operation passes, so that none needs to be looked at.
    let passesAll: Bool
    /// Whether no operation passes.
    let passesNone: Bool

    init(_ request: PullRequest) {
        let leavesOutOwn = request.deviceID != nil && request.includesOwn != true
        excludedDevice = leavesOutOwn ? request.deviceID.map { Array($0.rawValue.utf8) } : nil
        passesAll = request.collections == nil && !leavesOutOwn
        passesNone = request.collections?.isEmpty ?? false
        guard let names = request.collections else { return }
        var table = EntityTable<Bool>()
        for name in names {
            EntityKeyBytes.with(name, "") { key in _ = table.set(key, true) }
        }
        collections = table
    }

    /// Whether an operation of this device on this collection passes.
    func passes(collection: UnsafeRawBufferPointer, deviceID: UnsafeRawBufferPointer) -> Bool {
        if let excludedDevice, excludedDevice.elementsEqual(deviceID) { return false }
        guard let collections else { return true }
        let key = EntityKeyBytes(
            collection: collection, entityID: UnsafeRawBufferPointer(start: nil, count: 0))
        return collections.find(key) != nil
    }

    /// Whether the operation in `bytes[range]` passes; `nil` if it is not as this server writes it.
    func passes(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool? {
        if passesAll { return true }
        guard let operation = StoredOperation(bytes, range) else { return nil }
        return passes(
            collection: UnsafeRawBufferPointer(rebasing: bytes[operation.collection]),
            deviceID: UnsafeRawBufferPointer(rebasing: bytes[operation.deviceID]))
    }
}
