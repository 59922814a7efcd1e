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

    /// Creates the filter of a request.
    ///
    /// - Parameter readable: The collections that may be read at all; `nil` is all. The others are
    ///   left out, whether they were asked for or not.
    init(_ request: PullRequest, readable: [CollectionName]? = nil) {
        let names = Self.names(request.collections, readable)
        let leavesOutOwn = request.deviceID != nil && request.includesOwn != true
        excludedDevice = leavesOutOwn ? request.deviceID.map { Array($0.rawValue.utf8) } : nil
        passesAll = names == nil && !leavesOutOwn
        passesNone = names?.isEmpty ?? false
        guard let names else { return }
        var table = EntityTable<Bool>()
        for name in names {
            EntityKeyBytes.with(name, "") { key in _ = table.set(key, true) }
        }
        collections = table
    }

    /// The collections that are in both lists; `nil` is all.
    private static func names(
        _ asked: [CollectionName]?, _ readable: [CollectionName]?
    ) -> [CollectionName]? {
        guard let readable, let asked else { return asked ?? readable }
        let readableNames = Set(readable)
        return asked.filter { readableNames.contains($0) }
    }

    /// Whether an operation of this device on this collection passes.
    func passes(collection: UnsafeRawBufferPointer, deviceID: UnsafeRawBufferPointer) -> Bool {
        !isExcluded(deviceID) && isAsked(collection)
    }

    private func isExcluded(_ deviceID: UnsafeRawBufferPointer) -> Bool {
        excludedDevice?.elementsEqual(deviceID) ?? false
    }

    private func isAsked(_ collection: UnsafeRawBufferPointer) -> Bool {
        guard let collections else { return true }
        let key = EntityKeyBytes(
            collection: collection, entityID: UnsafeRawBufferPointer(start: nil, count: 0))
        return collections.find(key) != nil
    }

    /// Which of a group's names pass.
    struct Names {
        /// By the name's number: whether operations on a collection of this name pass.
        fileprivate var collections: [Bool] = []
        /// By the name's number: whether operations of a device of this name pass.
        fileprivate var devices: [Bool] = []
        /// Whether no operation of the group passes, as far as the names tell.
        fileprivate(set) var isEmpty = false
    }

    /// Looks each of a group's names up, so that its operations need not be looked at.
    func passing(_ group: LogGroup) -> Names {
        var names = Names()
        if passesAll || group.nameCount == 0 { return names }
        group.forEachName { name in
            names.collections.append(isAsked(name))
            names.devices.append(!isExcluded(name))
        }
        // Operations whose names have no numbers are looked at one by one.
        names.isEmpty =
            group.nameCount < LogGroup.unnamed
            && (!names.collections.contains(true) || !names.devices.contains(true))
        return names
    }

    /// Whether an operation passes; `nil` if it is not as this server writes it.
    func passes(
        _ entry: LogGroup.Entry, _ bytes: UnsafeRawBufferPointer, _ names: Names
    ) -> Bool? {
        if passesAll { return true }
        let (collection, device) = (Int(entry.collection), Int(entry.device))
        if collection < names.collections.count, device < names.devices.count {
            return names.collections[collection] && names.devices[device]
        }
        guard let operation = StoredOperation(bytes, entry.range) else { return nil }
        return passes(
            collection: UnsafeRawBufferPointer(rebasing: bytes[operation.collection]),
            deviceID: UnsafeRawBufferPointer(rebasing: bytes[operation.deviceID]))
    }
}
